"""Table B: folders that both sides knew, every cell by its row and column, and what lies in them."""

from __future__ import annotations

from typing import Final

import pytest

from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.situation import Reason
from tests.kit.forest import file, folder, id_of
from tests.unit.reconcile.sides import Sides, events, here, paths, there, without

UP, DOWN = folder("U"), folder("V")
BASE: Final = (UP, DOWN, folder("D"), file("x", at="D"), file("y", at="D"))

# local, remote: what happens here, what happens there, what is told. The local move goes to U, the remote one to V.
CELLS: Final[dict[tuple[str, str], tuple[list[str], list[str], list[str]]]] = {
    ("=", "="): ([], [], []),
    ("=", "M"): (["move D to V/D"], [], []),
    ("=", "D"): (["trash D/x", "trash D/y", "remove D"], [], []),
    ("M", "="): ([], ["put U/D"], []),
    ("M", "M"): (["move U/D to V/D"], [], ["move-undone"]),
    ("M", "D"): ([], ["put U/D", "upload D/x", "upload D/y"], ["move-beats-delete"]),
    ("D", "="): ([], ["remove D/x", "remove D/y", "remove D"], []),
    ("D", "M"): (["make V/D", "fetch D/x", "fetch D/y"], [], ["move-beats-delete"]),
    ("D", "D"): ([], [], []),
}


def side(change: str, *, at: str) -> list[Node]:
    """Give one side after a change of the folder."""
    if change == "D":
        return [UP, DOWN]
    return [UP, DOWN, folder("D", at=at if change == "M" else ""), *BASE[3:]]


@pytest.mark.parametrize(("local", "remote"), CELLS, ids=[f"L{local} R{remote}" for local, remote in CELLS])
def test_a_cell_of_table_b(local: str, remote: str) -> None:
    """What the two sides did to a folder decides what happens to it and to all it holds."""
    sides = Sides(BASE, side(local, at="U"), side(remote, at="V"))
    plan, world = sides.plan(), sides.done()

    assert (here(plan), there(plan), events(plan)) == CELLS[local, remote]
    assert world.base == world.disk == world.volume


# --- a child, and its folder moved or deleted by the other side -------------------------------------------------------

EDITED = file("x", at="D", content="new")
NEW = file("n", at="D")
MOVED_IN = file("o", at="D")
OUTSIDE = file("o")

CHILDREN: Final = {
    "edited": ([*BASE], [UP, DOWN, folder("D"), EDITED, file("y", at="D")], "upload D/x", {"D": "/", "D/x": "new"}),
    "new": ([*BASE], [*BASE, NEW], "upload D/n", {"D": "/", "D/n": "c0"}),
    "moved in": ([*BASE, OUTSIDE], [*BASE, MOVED_IN], "put D/o", {"D": "/", "D/o": "c0"}),
}


@pytest.mark.parametrize(("base", "local", "put", "skeleton"), CHILDREN.values(), ids=CHILDREN)
def test_a_changed_child_is_committed_when_its_folder_stays(
    base: list[Node], local: list[Node], put: str, skeleton: dict[str, str]
) -> None:
    """Row "child", column "=": one commit."""
    plan = Sides(base, local, base).plan()

    assert (here(plan), there(plan)) == ([], [put])
    assert skeleton


@pytest.mark.parametrize(("base", "local", "put", "skeleton"), CHILDREN.values(), ids=CHILDREN)
def test_a_changed_child_follows_its_moved_folder(
    base: list[Node], local: list[Node], put: str, skeleton: dict[str, str]
) -> None:
    """Row "child", column "M": the folder is renamed here in one step, and the child is with it."""
    remote = [*without(base, folder("D")), folder("D", at="V")]
    plan = Sides(base, local, remote).plan()

    assert (here(plan), there(plan)) == (["move D to V/D"], [put])
    assert skeleton


@pytest.mark.parametrize(("base", "local", "put", "skeleton"), CHILDREN.values(), ids=CHILDREN)
def test_a_changed_child_keeps_its_deleted_folder(
    base: list[Node], local: list[Node], put: str, skeleton: dict[str, str]
) -> None:
    """Row "child", column "D": the folder lives on as a skeleton with that child, and none of the others."""
    remote = [node for node in base if node.id not in {id_of("D"), id_of("x"), id_of("y")}]
    sides = Sides(base, local, remote)
    world = sides.done()

    assert "child-keeps-folder" in events(sides.plan())
    assert put.replace("put", "upload").split()[1] in [step.split()[1] for step in there(sides.plan())]
    assert paths(world.disk) == paths(world.volume) == {"U": "/", "V": "/", **skeleton}


@pytest.mark.parametrize(("base", "remote", "put", "skeleton"), CHILDREN.values(), ids=CHILDREN)
def test_a_child_changed_there_keeps_the_folder_deleted_here(
    base: list[Node], remote: list[Node], put: str, skeleton: dict[str, str]
) -> None:
    """The same with the sides exchanged: the skeleton comes back to this disk."""
    local = [node for node in base if node.id not in {id_of("D"), id_of("x"), id_of("y")}]
    world = Sides(base, local, remote).done()

    assert put
    assert paths(world.disk) == paths(world.volume) == {"U": "/", "V": "/", **skeleton}


# --- deleted and made anew there -------------------------------------------------------------------------------------

ANEW = (folder("N", name="D"), file("z", at="N"))


def test_an_empty_folder_that_was_made_anew_is_the_new_one() -> None:
    """Nothing is removed: what sync does not know of may lie in it."""
    sides = Sides([UP, folder("D")], [UP, folder("D")], [UP, *ANEW])

    assert (here(sides.plan()), there(sides.plan())) == (["fetch N/z"], [])
    assert sides.plan().identities == ((id_of("D"), id_of("N")),)


def test_a_folder_that_was_made_anew_is_another_while_it_holds_what_was_deleted() -> None:
    """What the base knows goes with the old one."""
    assert here(Sides(BASE, BASE, [UP, DOWN, *ANEW]).plan()) == [
        "trash D/x",
        "trash D/y",
        "remove D",
        "make D",
        "fetch N/z",
    ]


# --- what cannot be seen ----------------------------------------------------------------------------------------------


def stalled(remote: list[Node]) -> Plan:
    """Plan while `y` in the folder cannot be read here."""
    return Sides(BASE, BASE, remote, stalled={id_of("y"): Reason.UNREADABLE}).plan()


def test_a_folder_with_unreadable_content_is_renamed_with_it() -> None:
    """Row "ignored, unreadable, unscanned", column "M": one rename takes it along."""
    assert here(stalled(side("M", at="V"))) == ["move D to V/D"]


def test_a_folder_with_unreadable_content_is_kept() -> None:
    """Row "ignored, unreadable, unscanned", column "D": what is known goes, the folder stays and says why."""
    plan = stalled(side("D", at=""))

    assert here(plan) == ["trash D/x"]
    assert {stall.id: stall.reason for stall in plan.stalls} == {
        id_of("D"): Reason.DIR_NOT_EMPTY,
        id_of("y"): Reason.UNREADABLE,
    }
