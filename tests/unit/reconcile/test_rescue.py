"""What one side deleted and the other changed: one rule, on files and on whole folders (2.4)."""

from __future__ import annotations

from typing import Final

import pytest

from mega_cli.reconcile.nodes import Node
from tests.kit.forest import file, folder
from tests.unit.reconcile.sides import Sides, events, here, paths, there

A: Final = folder("A")
D: Final = folder("D")
BASE: Final = [A, D, file("x", at="D"), file("y", at="D")]

# What the other side made of it, and what is left after one side deleted D with all that it saw in it.
CASES: Final[dict[str, tuple[list[Node], dict[str, str]]]] = {
    "nothing": (BASE, {"A": "/"}),
    "edited a child": ([A, D, file("x", at="D", content="new"), file("y", at="D")], {"A": "/", "D": "/", "D/x": "new"}),
    "made a child": ([*BASE, file("n", at="D")], {"A": "/", "D": "/", "D/n": "c0"}),
    "made a child far below": (
        [*BASE, folder("E", at="D"), file("n", at="E")],
        {"A": "/", "D": "/", "D/E": "/", "D/E/n": "c0"},
    ),
    "moved a child out": ([A, D, file("x", at="A"), file("y", at="D")], {"A": "/", "A/x": "c0"}),
    "renamed a child inside": ([A, D, file("x", "z", at="D"), file("y", at="D")], {"A": "/"}),
    "touched a child": ([A, D, file("x", at="D", mtime_ns=7), file("y", at="D")], {"A": "/"}),
    "changed the mode of the folder": ([A, folder("D", mode=0o700), *BASE[2:]], {"A": "/"}),
    "moved the folder": (
        [A, folder("D", at="A"), *BASE[2:]],
        {"A": "/", "A/D": "/", "A/D/x": "c0", "A/D/y": "c0"},
    ),
    "renamed the folder": ([A, folder("D", "E"), *BASE[2:]], {"A": "/", "E": "/", "E/x": "c0", "E/y": "c0"}),
    "moved the folder into a new one": (
        [A, folder("N"), folder("D", at="N"), *BASE[2:]],
        {"A": "/", "N": "/", "N/D": "/", "N/D/x": "c0", "N/D/y": "c0"},
    ),
}


@pytest.mark.parametrize("is_deleted_here", [True, False], ids=["deleted here", "deleted there"])
@pytest.mark.parametrize(("other", "left"), CASES.values(), ids=CASES)
def test_a_folder_deleted_on_one_side(other: list[Node], left: dict[str, str], *, is_deleted_here: bool) -> None:
    """Scenarios 12, 14, 15, 17, 18 and 19: kept is what was edited, made, or moved to where it lives, and no more."""
    sides = Sides(BASE, *(([A], other) if is_deleted_here else (other, [A])))
    world = sides.done()

    assert world.base == world.disk == world.volume
    assert paths(world.disk) == left


@pytest.mark.parametrize("is_deleted_here", [True, False], ids=["deleted here", "deleted there"])
def test_a_file_deleted_and_renamed(*, is_deleted_here: bool) -> None:
    """Scenario 17: it lives under the new name, and the user is told."""
    renamed = [file("x", "new")]
    sides = Sides([file("x")], *(([], renamed) if is_deleted_here else (renamed, [])))

    assert paths(sides.done().disk) == {"new": "c0"}
    assert events(sides.plan()) == ["move-beats-delete"]


@pytest.mark.parametrize("is_deleted_here", [True, False], ids=["deleted here", "deleted there"])
def test_what_nobody_deleted_moves_into_a_deleted_folder(*, is_deleted_here: bool) -> None:
    """Scenario 19, second half: the folder lives on as a skeleton for it."""
    base = [D, file("x", at="D"), file("o")]
    moved, deleted = [D, file("x", at="D"), file("o", at="D")], [file("o")]
    sides = Sides(base, *((deleted, moved) if is_deleted_here else (moved, deleted)))

    assert paths(sides.done().disk) == {"D": "/", "D/o": "c0"}
    assert events(sides.plan()) == ["child-keeps-folder"]


def test_two_folders_moved_into_each_others_grave_are_gone() -> None:
    """The fixed point is the least one: two moves that would only save each other save nothing."""
    base = [folder("P"), folder("Q"), folder("x", at="P"), folder("y", at="Q")]
    remote = [folder("P"), folder("Q"), folder("x", at="Q"), folder("y", at="P")]

    assert paths(Sides(base, [], remote).done().disk) == {}


def test_a_skeleton_has_the_ids_and_places_it_had() -> None:
    """The folders above a survivor come back as the same nodes, from the top down, without their other children."""
    base = [A, folder("D", at="A"), file("x", at="D"), file("y", at="D"), file("z", at="A")]
    sides = Sides(base, [], [*base[:2], file("x", at="D", content="new"), *base[3:]])

    assert here(sides.plan()) == ["make A", "make A/D", "fetch D/x"]
    assert there(sides.plan()) == ["remove D/y", "remove A/z"]
    assert sorted(sides.done().disk) == sorted([A, folder("D", at="A"), file("x", at="D", content="new")])


def test_what_both_deleted_is_forgotten() -> None:
    """Scenario 13: no step, no notice; the base forgets it."""
    sides = Sides(BASE, [A], [A])

    assert sides.plan().is_empty
    assert not sides.plan().notices
    assert sides.done().base == sides.done().disk
