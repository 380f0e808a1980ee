"""The local trash: deletions are renames, late writes come back, and nothing goes before its time."""

from __future__ import annotations

import pytest

from mega_cli.sync.trash import restore_from_trash
from tests.kit.sync_pair import SyncPair, equal_pairs, place

DAY_S = 86_400


def deleted_there() -> tuple[SyncPair, SyncPair]:
    """Make two devices that hold `d/a`, which was then deleted on the other one."""
    here, there = equal_pairs({"d/a": b"content", "b": b"stays"})
    there.user.remove(place("d/a"))
    there.run()
    return here, there


def hidden_place(pair: SyncPair) -> tuple[bytes, ...]:
    """Say where the one thing in the trash lies."""
    (row,) = pair.state.trash()
    return tuple(row.place.split(b"/"))


def test_a_deletion_is_a_rename_into_the_days_folder() -> None:
    """What another device deleted lies in the trash, under the day and its name."""
    here, _ = deleted_there()

    here.run()

    (path,) = here.hidden()
    assert (path.startswith("trash/2026-03-01/"), path.endswith(" a"), here.hidden()[path]) == (True, True, b"content")
    assert [(row.path, row.is_proven) for row in here.state.trash()] == [("d/a", True)]


@pytest.mark.parametrize("call", ["rename", "look"])
def test_an_edit_at_the_last_moment_beats_the_deletion(call: str) -> None:
    """A file that is saved just before it would go stays, and goes up again."""
    here, there = deleted_there()
    here.meanwhile(call, lambda: here.save("d/a", b"saved"), "d/a")

    here.run()
    there.run()

    assert here.tree()["d/a"] == there.tree()["d/a"] == b"saved"
    assert here.hidden() == {}


def test_an_edit_at_the_last_moment_is_shown_though_the_folder_goes() -> None:
    """What must come back, and whose folder was moved away meanwhile, comes back at the top."""
    here, there = equal_pairs({"d/a": b"content", "d/y": b"y", "d/z": b"z"})
    there.user.remove(place("d/a"))
    there.run()

    def save_and_move() -> None:
        here.save("d/a", b"saved")
        here.meanwhile("rename", lambda: here.user.rename(place("d"), place("e")))

    here.meanwhile("rename", save_and_move, "d/a")

    here.run()

    assert b"saved" in here.tree().values()
    assert (here.hidden(), here.state.journal()) == ({}, [])


@pytest.mark.parametrize("later_s", [10, 60, 600, 30 * DAY_S])
def test_a_late_write_comes_back_as_a_conflict_copy(later_s: int) -> None:
    """A program that kept the file open writes into the trash: that is seen at each look, and before the end."""
    here, there = deleted_there()
    with here.user.open(place("d/a")) as file:
        here.run()
        here.clock.sleep(later_s - 1)
        here.run()
        file.write(b"late words", 0)

    here.clock.sleep(2)
    here.run()
    there.run()

    (copy,) = [path for path in here.tree() if path.startswith("d/a (conflict")]
    assert here.tree()[copy] == there.tree()[copy] == b"late words"
    assert here.state.trash() == []


def test_after_its_days_it_is_removed() -> None:
    """Thirty days, and not one less."""
    here, _ = deleted_there()
    here.run()

    here.clock.sleep(30 * DAY_S - 10)
    here.run()
    before = len(here.hidden())
    here.clock.sleep(20)
    here.run()

    assert (before, here.hidden(), here.state.trash()) == (1, {}, [])
    assert not here.user.has(place(".mega/trash/2026-03-01"))


def test_what_nobody_else_has_goes_last() -> None:
    """When several are over their days, proven content is removed first."""
    here, there = equal_pairs({"a": b"content of a", "b": b"content of b"})
    there.user.remove(place("a"))
    there.user.remove(place("b"))
    there.run()
    here.run()
    with here.state.transaction():
        first, *_ = here.state.trash()
        here.state.forget_trash([first.id])
        here.state.add_trash(first._replace(is_proven=False, at_ns=first.at_ns - 1))
    order: list[bytes] = []
    here.disk.on_call = lambda call, at: order.append(at[-1]) if call == "remove_file" else None
    here.clock.sleep(31 * DAY_S)

    here.run()

    assert [name[-1:].decode() for name in order] == ["b" if first.path == "a" else "a", first.path]


def test_what_is_gone_from_the_trash_is_forgotten() -> None:
    """Who empties the trash by hand is asked nothing."""
    here, _ = deleted_there()
    here.run()
    here.user.remove(hidden_place(here))
    here.clock.sleep(11)

    here.run()

    assert here.state.trash() == []


def test_a_file_is_restored_to_its_place() -> None:
    """Folders that are gone are made again, and the next run brings it to everybody."""
    here, there = deleted_there()
    there.user.remove(place("d"))
    for pair in (there, here):
        pair.run()
    (row,) = here.state.trash()

    restored = restore_from_trash(here.end, row)
    here.run()
    there.run()

    assert restored == place("d/a")
    assert here.tree()["d/a"] == there.tree()["d/a"] == b"content"
    assert here.state.trash() == []


def test_a_folder_made_anew_for_a_restored_file_is_private() -> None:
    """A file that was private by its folder alone is not shown to others."""
    here, there = deleted_there()
    here.user.chmod(place("d"), 0o700)
    for pair in (here, there):
        pair.run()
    there.user.remove(place("d"))
    for pair in (there, here):
        pair.run()
    (row,) = here.state.trash()

    restore_from_trash(here.end, row)

    assert here.user.look(place("d")).stamps.mode == 0o700


def test_a_file_is_restored_beside_what_took_its_name() -> None:
    """Nothing is replaced."""
    here, _ = deleted_there()
    here.run()
    here.save("d/a", b"another")
    (row,) = here.state.trash()

    restored = restore_from_trash(here.end, row)

    assert (restored, here.tree()["d/a"], here.tree()["d/a 2"]) == (place("d/a 2"), b"another", b"content")


def test_litter_does_not_keep_a_folder() -> None:
    """What systems leave in folders goes to the trash with them."""
    here, there = equal_pairs({"d/a": b"content", "b": b"stays"})
    here.save("d/.DS_Store", b"litter")
    there.user.remove(place("d"))
    there.run()

    here.run()

    assert here.tree() == {"b": b"stays"}
    assert sorted(map(str, here.hidden().values())) == ["b'content'", "b'litter'"]


def test_a_folder_that_is_called_like_litter_keeps_its_folder() -> None:
    """It may hold what a person wrote: the folder it lies in stays, and is not tried again and again."""
    here, there = equal_pairs({"d/a": b"content", "b": b"stays"})
    here.save("d/.DS_Store/notes", b"mine")
    there.user.remove(place("d"))
    there.run()

    here.run()
    here.clock.sleep(7_200)
    at_rest = here.engine.cycle()

    assert here.tree()["d/.DS_Store/notes"] == b"mine"
    assert ([stall.path for stall in at_rest.plan.stalls], at_rest.failures) == ([("d",)], ())


def test_what_is_ignored_keeps_its_folder() -> None:
    """A folder that holds what sync does not know of stays and is listed; once that is gone, it goes."""
    here, there = equal_pairs({"d/a": b"content", "b": b"stays"})
    here.save("d/notes.swp", b"ignored")
    there.user.remove(place("d"))
    there.run()

    here.run()
    kept = here.tree()
    here.clock.sleep(7_200)
    at_rest = here.engine.cycle()
    here.user.remove(place("d/notes.swp"))
    here.run()

    assert kept == {"b": b"stays", "d": None, "d/notes.swp": b"ignored"}
    assert ([stall.path for stall in at_rest.plan.stalls], at_rest.failures) == ([("d",)], ())
    assert here.tree() == {"b": b"stays"}
