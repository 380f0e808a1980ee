"""Scenarios of section 6 that the tables do not hold already, by their numbers: several changes that meet at once.

Here stand 1, 9, 12, 16, 20, 24 and 25; 2, 10 and 11 are in `test_table_a`, 3 to 8, 26 to 28, 31, 34 to 36 and 39 in
`test_table_c`, 13 to 15 and 17 to 19 in `test_rescue`, 21 in `test_inputs`, 29 and 30 in `test_order`.
"""

from __future__ import annotations

import pytest

from mega_cli.reconcile.situation import DeleteLimit, Policy, Reason
from tests.kit.forest import file, folder, id_of
from tests.unit.reconcile.sides import Sides, events, here, paths, there

D = folder("D")


def test_01_both_edited_a_file() -> None:
    """Scenario 1: the remote's bytes keep the name, ours are in one copy, on both sides."""
    world = Sides([file("x")], [file("x", content="ours")], [file("x", content="theirs")]).done()

    assert paths(world.disk) == paths(world.volume) == {"x": "theirs", "x~": "ours"}


@pytest.mark.parametrize(
    ("name", "ending"),
    [("foo.tar.gz", ").tar.gz"), (".bashrc", ")"), ("n" * 251 + ".txt", ").txt"), ("😀.png", ").png"), ("plain", ")")],
)
def test_09_a_copy_of_any_name_has_a_name(name: str, ending: str) -> None:
    """Scenario 9: valid, unique, at most 255 bytes, the extension kept."""
    world = Sides([file("x", name)], [file("x", name, content="ours")], [file("x", name, content="theirs")]).done()
    (copy,) = (node.name for node in world.disk if node.name != name)

    assert len(copy.encode()) <= 255
    assert copy.endswith(ending)


def test_12_an_edit_and_then_a_deletion_here_meets_an_edit_there() -> None:
    """Scenario 12: what was deleted here is fetched as it was edited there, and told."""
    sides = Sides([file("x")], [], [file("x", content="theirs")])

    assert events(sides.plan()) == ["edit-beats-delete"]
    assert paths(sides.done().disk) == {"x": "theirs"}


def test_16_a_folder_deleted_there_keeps_what_was_not_scanned_here() -> None:
    """Scenario 16: known files go into the trash; a file found later is uploaded, and the folder with it."""
    base = [D, file("x", at="D"), file("y", at="D")]
    world = Sides(base, base, [], stalled={id_of("y"): Reason.UNREADABLE}).done()
    later = Sides([D, file("y", at="D")], [D, file("y", at="D"), file("n", at="D")], []).done()

    assert paths(world.disk) == {"D": "/", "D/y": "c0"}
    assert paths(later.disk) == paths(later.volume) == {"D": "/", "D/n": "c0"}


def test_20_a_device_that_was_away_deletes_what_others_deleted() -> None:
    """Scenario 20: nothing that others deleted comes back, however long ago."""
    base = [D, *(file(f"f{number}", at="D") for number in range(700))]
    free = Policy(limit=DeleteLimit(count_least=None))
    world = Sides(base, base, [D], free).done()

    assert there(world.plans[0]) == []
    assert paths(world.disk) == paths(world.volume) == {"D": "/"}


def test_24_a_folder_moved_here_and_a_child_edited_there() -> None:
    """Scenario 24: the edit lands at the new place, nothing is uploaded, and the second plan is empty."""
    base = [D, folder("U"), file("x", at="D")]
    local = [folder("D", at="U"), folder("U"), file("x", at="D")]
    sides = Sides(base, local, [D, folder("U"), file("x", at="D", content="theirs")])
    world = sides.done()

    assert (here(sides.plan()), there(sides.plan())) == (["fetch D/x"], ["put U/D"])
    assert paths(world.disk) == {"U": "/", "U/D": "/", "U/D/x": "theirs"}
    assert [plan.is_empty for plan in world.plans] == [False, True]


def test_25_files_added_here_while_the_folder_is_renamed_there() -> None:
    """Scenario 25: all under the new name, the old name gone."""
    added = [file(f"n{number}", at="D") for number in range(100)]
    world = Sides([D], [D, *added], [folder("D", "E")]).done()

    assert len(paths(world.volume)) == 101
    assert all(path.startswith("E") for path in paths(world.volume))
    assert here(world.plans[0]) == ["move D to E"]


def test_a_half_settled_swap_is_a_situation_like_any_other() -> None:
    """A base that holds two nodes at one place, because only half of a swap was agreed on, is planned for."""
    base = [file("a", "x", content="one"), file("b", "x", content="two")]
    swapped = [file("a", "y", content="one"), file("b", "x", content="two")]
    other = [file("a", "x", content="one"), file("b", "y", content="two")]

    assert Sides(base, swapped, swapped).plan().is_empty
    assert paths(Sides(base, swapped, base[1:]).done().disk) == {"x": "two", "y": "one"}
    assert paths(Sides(base, other, swapped).done().disk) == {"y": "one", "y~": "two"}
