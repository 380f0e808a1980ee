"""Moves on this disk: to free names only, through a parking place where names change in a circle."""

from __future__ import annotations

from mega_cli.reconcile.situation import DiskRules
from mega_cli.sync.settings import Settings
from tests.kit.sync_pair import SyncPair, equal_pairs, place, two_pairs


def downloads(pair: SyncPair) -> int:
    """Sync, and count what was fetched."""
    return sum(report.downloaded for report in pair.run())


def test_a_moved_folder_is_one_rename() -> None:
    """Nothing below it is touched, and nothing fetched."""
    here, there = equal_pairs({"d/a": b"1", "d/e/b": b"2", "t/c": b"3"})
    there.user.rename(place("d"), place("t/d"))
    there.run()
    renames = []
    here.disk.on_call = lambda call, at: renames.append(at) if call == "rename" else None

    assert downloads(here) == 0
    assert (renames, here.tree()) == ([place("d")], there.tree())


def test_a_swap_of_files_fetches_nothing() -> None:
    """Two names that change places go through a parking place (scenario 30)."""
    here, _ = equal_pairs({"a": b"1", "b": b"2"})
    here.rename_there({"a": "b", "b": "a"})

    assert downloads(here) == 0
    assert here.tree() == {"a": b"2", "b": b"1"}


def test_a_rotation_of_folders_fetches_nothing() -> None:
    """Three folders change places in a circle (scenario 30)."""
    here, there = equal_pairs({"a/1": b"1", "b/2": b"2", "c/3": b"3"})
    for source, target in (("a", "x"), ("b", "a"), ("c", "b"), ("x", "c")):
        there.user.rename(place(source), place(target))
    there.run()

    assert downloads(here) == 0
    assert here.tree() == {"a": None, "a/2": b"2", "b": None, "b/3": b"3", "c": None, "c/1": b"1"}


def test_another_case_of_the_same_name_is_one_rename() -> None:
    """A disk that folds case gets the new spelling, and nothing is deleted (scenario 34)."""
    here, there = two_pairs(folds_case=True)
    here.settings = Settings(disk=DiskRules(folds_case=True, folds_form=True))
    here.restart()
    there.save("name", b"1")
    for pair in (there, here):
        pair.run()
    there.user.rename(place("name"), place("NAME"))
    there.run()

    assert downloads(here) == 0
    assert (here.user.names(), here.remote_tree()) == ([b".mega", b"NAME"], {"NAME": b"1"})


def test_a_taken_name_is_not_replaced() -> None:
    """A file that was made where another should go stays, and both are there in the end."""
    here, there = equal_pairs({"a": b"1"})
    there.user.rename(place("a"), place("n"))
    there.run()
    here.meanwhile("rename", lambda: here.save("n", b"made here"), "a")

    here.run()

    assert sorted(map(str, here.tree().values())) == ["b'1'", "b'made here'"]


def test_a_file_that_was_replaced_is_not_moved() -> None:
    """What has the name now is another file: it is looked at again first."""
    here, there = equal_pairs({"a": b"1"})
    there.user.rename(place("a"), place("n"))
    there.run()
    here.meanwhile("look", lambda: here.user.save(place("a"), b"another"), "a")

    here.run()
    there.run()

    assert b"another" in here.tree().values()
    assert here.tree() == there.tree()


def test_an_edit_moves_with_its_file() -> None:
    """A file that is edited while it is moved is read again, and goes up."""
    here, there = equal_pairs({"a": b"1"})
    there.user.rename(place("a"), place("n"))
    there.run()
    here.meanwhile("rename", lambda: here.save("a", b"edited"), "a")

    here.run()
    there.run()

    assert here.tree() == there.tree() == {"n": b"edited"}


def test_a_folder_goes_while_what_was_in_it_is_parked() -> None:
    """On a disk that folds case what leaves a folder must wait until another takes the folder's name."""
    here, there = two_pairs(folds_case=True)
    here.settings = Settings(disk=DiskRules(folds_case=True, folds_form=True))
    here.restart()
    there.save("P/a/x", b"1")
    for pair in (there, here):
        pair.run()
    known = {node.id for node in here.state.local if node.name in {"a", "x"}}
    there.user.make_folder(place("p"))
    there.user.rename(place("P/a"), place("p/a"))
    there.user.remove(place("P"))
    there.run()

    assert downloads(here) == 0
    assert here.tree() == {"p": None, "p/a": None, "p/a/x": b"1"}
    assert {node.id for node in here.state.local if node.name in {"a", "x"}} == known
