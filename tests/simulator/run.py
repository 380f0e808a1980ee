"""One seed from beginning to end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from tests.simulator.amnesia import forget
from tests.simulator.invariants import check_rest, settle
from tests.simulator.weather import forecast
from tests.simulator.world import World

STEPS: Final = 150


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a seed went."""

    seed: int
    flaws: tuple[str, ...]
    digest: str
    trace: tuple[str, ...]


def run_seed(seed: int, steps: int = STEPS) -> Outcome:
    """Run one world. The same seed gives the same trace, whatever else this process did."""
    weather = forecast(random.Random(f"weather {seed}"))
    world = World(seed, weather)
    world.tell(f"seed {seed}: {weather}")
    world.is_fair = False
    for _ in range(steps // 4 if weather.is_calm else steps):
        step(world)
        if world.flaws:
            break
    else:
        settle(world)
    if not world.flaws:
        check_rest(world)
    return Outcome(seed, tuple(world.flaws), world.digest(), tuple(world.trace))


def step(world: World) -> None:
    """Let the next thing happen."""
    weather, chance = world.weather, world.chance
    dice = chance.random()
    client = chance.choice(world.clients)
    if dice < weather.amnesia:
        forget(world, client)
    elif dice < weather.amnesia + weather.clocks:
        world.jump(client)
    elif chance.random() < 0.6:
        world.work()
        if weather.is_calm:
            rest_a_while(world)
    elif chance.random() < 0.6:
        world.cycle(client)
    else:
        world.time.pass_s(chance.choice((0.001, 0.1, 1.0, 3.0, 3.0, 60.0, 7_200.0)))


def rest_a_while(world: World) -> None:
    """Let every device sync, as they do when people are slow."""
    world.finish_work()
    for _ in range(3):
        world.time.pass_s(5.0)
        for client in world.clients:
            world.cycle(client)
