"""Recovery: what a crash left in the journal or in `.mega/tmp` is settled; nothing of the user's is removed."""

from __future__ import annotations

import errno

import pytest

from mega_cli.reconcile.nodes import Node
from mega_cli.sync import recover, relocate
from tests.kit.sync_pair import SyncPair, equal_pairs, place

HOUR_S = 3_600


class CrashError(BaseException):
    """The process is gone."""


def crash_at(pair: SyncPair, call: str, count: int = 1) -> None:
    """Sync until the given call, and die just before it."""
    left = count
    is_dead = False

    def on_call(now: str, _at: object) -> None:
        nonlocal left, is_dead
        left -= now == call
        is_dead = is_dead or left == 0
        if is_dead:
            raise CrashError

    pair.disk.on_call = on_call
    with pytest.raises(CrashError):
        pair.run()
    pair.disk.on_call = lambda *_: None
    pair.disk.kill()
    pair.restart()


def swapped_there() -> tuple[SyncPair, SyncPair]:
    """Make two devices that hold `a` and `b`, which then changed places in the volume."""
    here, there = equal_pairs({"a": b"1", "b": b"2"})
    here.rename_there({"a": "b", "b": "a"})
    return here, there


@pytest.mark.parametrize("renames", [1, 2, 3])
def test_a_parked_file_is_brought_back(renames: int) -> None:
    """Wherever a swap broke off, both files are there after recovery, outside `.mega`."""
    here, _ = swapped_there()
    crash_at(here, "rename", renames)

    recover.recover(here.end)

    assert sorted(map(str, here.tree().values())) == ["b'1'", "b'2'"]
    assert here.state.journal() == []


def test_a_parked_file_whose_places_are_taken_is_shown_beside() -> None:
    """Nobody's file is replaced to bring one back."""
    here, _ = swapped_there()
    crash_at(here, "rename", 2)
    (name,) = {b"a", b"b"} - set(here.user.names())
    here.user.write((name,), b"made meanwhile")

    recover.recover(here.end)

    assert sorted(map(str, here.tree().values())) == ["b'1'", "b'2'", "b'made meanwhile'"]


def test_what_was_exchanged_is_finished() -> None:
    """A crash just after the exchange: the new file stays, and the old one goes to the trash."""
    here, there = equal_pairs({"a": b"1"})
    there.save("a", b"2")
    there.run()
    crash_at(here, "rename", 2)  # the first names the staged file, the second would move the old one into the trash

    recover.recover(here.end)

    assert (here.tree(), list(here.hidden().values())) == ({"a": b"2"}, [b"1"])
    assert [row.path for row in here.state.trash()] == ["a"]


def test_what_was_not_begun_leaves_nothing_behind() -> None:
    """A note without a deed: the staged file goes, and the next cycle begins anew."""
    here, there = equal_pairs({"a": b"1"})
    there.save("a", b"2")
    there.run()
    crash_at(here, "exchange")

    recover.recover(here.end)

    assert (here.tree(), here.hidden(), here.state.journal()) == ({"a": b"1"}, {}, [])


def test_a_save_before_recovery_survives() -> None:
    """The user writes between the crash and the next start."""
    here, there = equal_pairs({"a": b"1"})
    there.save("a", b"2")
    there.run()
    crash_at(here, "rename", 2)
    here.save("a", b"saved meanwhile")

    here.run()
    there.run()

    assert here.tree() == there.tree() == {"a": b"saved meanwhile"}


def test_what_cannot_be_recovered_now_stands_still_alone() -> None:
    """A note that the disk refuses to settle stays, its node is left alone, and the rest is synced."""
    here, there = swapped_there()
    crash_at(here, "rename", 2)
    here.disk.refuse(errno.EIO, calls=frozenset({"rename"}), is_below=True)
    here.save("d", b"4")

    here.run()
    there.run()
    during = there.tree()
    here.disk.relent()
    here.clock.sleep(HOUR_S)
    here.run()

    assert during == {"a": b"2", "b": b"1", "d": b"4"}
    assert here.tree() == during


def test_a_part_of_a_file_is_removed() -> None:
    """Nobody goes on with what was being fetched when a process died; cut runs must not fill the disk."""
    here, _ = equal_pairs({"a": b"1"})
    here.save(".mega/tmp/new-1", b"part of")

    here.restart()
    here.run()

    assert here.hidden() == {}


def test_what_was_displaced_is_kept_when_the_state_was_lost() -> None:
    """What lies under the name of an exchange may be the user's: without a note it goes to the trash."""
    here, _ = equal_pairs({"a": b"1"})
    here.save(".mega/tmp/put-1", b"whose?")

    here.restart()
    here.run()

    ((path, data),) = here.hidden().items()
    assert (path.startswith("trash/"), data) == (True, b"whose?")
    assert [row.is_proven for row in here.state.trash()] == [False]


def test_what_was_parked_is_shown_when_the_state_was_lost() -> None:
    """A file in the parking place that nobody knows of comes back to the top of the folder."""
    here, there = equal_pairs({"a": b"1"})
    here.save(".mega/tmp/mv-1", b"parked")

    here.restart()
    here.run()
    there.run()

    assert b"parked" in here.tree().values()
    assert here.tree() == there.tree()


def test_recovery_makes_durable_what_it_believes() -> None:
    """A rename that the crash left done, and not on the disk for good, is synced before its note goes."""
    here, there = equal_pairs({"a": b"1"})
    there.user.rename(place("a"), place("n"))
    there.run()
    crash_at(here, "sync_folder")
    synced = []
    here.disk.on_call = lambda call, at: synced.append(at) if call == "sync_folder" else None

    recover.recover(here.end)

    assert () in synced


def test_a_note_shows_no_name() -> None:
    """What goes into messages of failures says nothing of what the user calls things."""
    node = Node(bytes(16), bytes(16), "secret plans", "f")
    end = equal_pairs({"a": b"1"})[0].end
    row = end.state.local.row(next(iter(end.state.local)).id)
    assert row is not None

    note = relocate.Moving(row, node, place("secret plans"), place("other"), None)

    assert "secret" not in repr(note)
