"""What a device may forget: its state, or the newest part of it."""

from __future__ import annotations

from tests.simulator.client import Client
from tests.simulator.world import World


def forget(world: World, client: Client) -> None:
    """Let a device lose its state."""
    client.take_state(client.new_state())
    world.tell(f"{client.name}: state lost")
    client.deeds += 1
    world.ledger.note_amnesia(client.index, "a lost state", client.view())
