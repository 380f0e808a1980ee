"""What a device pins, and the one way down: a person accepts what the server shows."""

from __future__ import annotations

from contextlib import closing

import pytest

from mega_cli.account import accept_head, open_session, open_volume, shown_head, trust_view
from mega_cli.crypto.keys import MasterKeys
from mega_cli.errors import IntegrityError, RollbackError, SafetyStopError
from mega_cli.model import Pin
from mega_cli.state.trust import TrustStore
from mega_cli.system.directories import Home
from tests.unit.account.conftest import URL, World

AHEAD = Pin(9, b"d" * 32)


def pin(home: Home, pinned: Pin) -> None:
    """Have the device have seen a revision that the server does not show."""
    session = open_session(home)
    keys = MasterKeys(session.master_key, session.epoch).volume_keys()
    with closing(TrustStore(home.trust_file)) as trust:
        seen = trust.pin(URL, "alice", keys.volume, keys.epoch)
        trust.accept(URL, "alice", keys.volume, keys.epoch, seen=seen, shown=pinned)


def test_the_pins_are_shown_with_the_time_of_their_record(world: World) -> None:
    """Revision 1, whose record the server still has."""
    view = trust_view(world.device)

    assert (view.account, view.origin) == ("alice", URL)
    assert view.pinned is not None
    assert (view.pinned.pin.revision, len(view.pinned.words), len(view.fingerprint_words)) == (1, 6, 12)
    assert view.pinned.time_ms


def test_the_pins_are_shown_without_a_session(world: World) -> None:
    """The same revision and words; only what takes keys or a server is missing."""
    before = trust_view(world.device)
    world.device.session_file.unlink()
    world.wire.requests.clear()
    view = trust_view(world.device)

    assert view.pinned is not None
    assert before.pinned is not None
    assert view.pinned.words == before.pinned.words
    assert (view.pinned.time_ms, view.fingerprint_words, world.wire.requests) == (None, (), [])


def test_a_time_is_believed_of_the_pinned_record_alone(world: World) -> None:
    """A server that shows another record at that revision says nothing."""
    pin(world.device, Pin(1, b"d" * 32))
    view = trust_view(world.device)

    assert view.pinned is not None
    assert view.pinned.time_ms is None


@pytest.mark.attack("T20")
def test_what_is_shown_becomes_the_pin_only_when_it_is_accepted(world: World) -> None:
    """Exit 15 before, also after looking; afterwards the device goes on."""
    pin(world.device, AHEAD)
    seen, shown = shown_head(world.device)
    assert seen is not None
    assert (seen.pin, shown.pin.revision) == (AHEAD, 1)
    with open_volume(world.device) as volume, pytest.raises(RollbackError):
        volume.head()
    accept_head(world.device, seen, shown)

    with open_volume(world.device) as volume:
        assert volume.head().revision == 1


def test_a_pin_that_moved_meanwhile_is_not_replaced(world: World) -> None:
    """What the person was shown is not what would be given up."""
    pin(world.device, AHEAD)
    seen, shown = shown_head(world.device)
    pin(world.device, Pin(10, b"e" * 32))
    with pytest.raises(SafetyStopError):
        accept_head(world.device, seen, shown)


def test_there_is_nothing_to_accept_when_the_head_descends(world: World) -> None:
    """The two are the same."""
    seen, shown = shown_head(world.device)

    assert seen is not None
    assert seen.pin == shown.pin


def test_a_head_that_descends_is_asked_for_once(world: World) -> None:
    """A commit of another device between two looks would pass for another history."""
    world.wire.requests.clear()
    shown_head(world.device)

    assert [path.rpartition("/")[2] for path in world.wire.paths] == ["head"]


def test_a_head_that_does_not_verify_cannot_be_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 14, whatever a person would say."""
    pin(world.device, AHEAD)
    monkeypatch.setattr("mega_cli.api.client.ServerClient.head", lambda _client, _volume: bytes(746))
    with pytest.raises(IntegrityError):
        shown_head(world.device)
