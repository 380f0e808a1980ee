"""Inputs that are not normal: what cannot be read, what is still changing, what is absent, and a base that was lost."""

from __future__ import annotations

from typing import Final

import pytest

from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import DiskRules, Policy, Reason
from tests.kit.forest import file, folder, id_of, link
from tests.unit.reconcile.sides import Sides, events, here, paths, there

D: Final = folder("D")
NEW: Final = [D, file("x", at="D", content="new"), file("y", at="D")]
BASE: Final = [D, file("x", at="D"), file("y", at="D")]

REMOTE_CHANGES: Final[dict[str, list[Node]]] = {
    "edited": NEW,
    "moved": [D, file("x"), file("y", at="D")],
    "deleted": [D, file("y", at="D")],
    "deleted with its folder": [],
}


@pytest.mark.parametrize("reason", [Reason.UNREADABLE, Reason.FILE_CHANGING, Reason.NESTED_MOUNT])
@pytest.mark.parametrize("remote", REMOTE_CHANGES.values(), ids=REMOTE_CHANGES)
def test_a_stalled_node_is_not_touched(remote: list[Node], reason: Reason) -> None:
    """Rows "unreadable" and "unstable": neither overwritten nor moved, deleted or uploaded, and the user is told."""
    made = Sides(BASE, BASE, remote, stalled={id_of("x"): reason}).plan()

    assert not [step for step in here(made) if step.endswith("D/x") or step == "remove D"]
    assert there(made) == []
    assert (id_of("x"), ("D", "x"), reason) in made.stalls


def test_what_lies_below_a_stalled_folder_is_not_touched() -> None:
    """Rows "unreadable" and "nested mount", of a folder: all below stands still, and nothing arrives there."""
    remote = [D, file("x", at="D", content="new"), file("n", at="D"), file("o", at="D")]
    made = Sides([*BASE, file("o")], [*BASE, file("o")], remote, stalled={id_of("D"): Reason.UNREADABLE}).plan()

    assert made.is_empty
    assert {stall.id for stall in made.stalls} == {id_of(label) for label in "Dxyno"}


def test_what_needs_the_place_of_a_stalled_node_waits() -> None:
    """A swap with a stalled node does not happen by halves."""
    swapped = [file("a", "b"), file("b", "a")]
    made = Sides(
        [file("a"), file("b")], [file("a"), file("b")], swapped, stalled={id_of("a"): Reason.UNREADABLE}
    ).plan()

    assert made.is_empty
    assert {stall.id for stall in made.stalls} == {id_of("a"), id_of("b")}


def test_a_stalled_node_goes_on_when_it_is_well() -> None:
    """Once it can be read again, the same tables hold."""
    world = Sides(BASE, BASE, NEW, stalled={id_of("x"): Reason.UNREADABLE}).done()

    assert world.disk != world.volume
    world.stalled.clear()
    world.run(plan)
    assert world.disk == world.volume


EXCLUDED: Final = {id_of("x"): Reason.EXCLUDED}
WITHOUT_X: Final = [D, file("y", at="D")]


@pytest.mark.parametrize("remote", REMOTE_CHANGES.values(), ids=REMOTE_CHANGES)
def test_an_excluded_node_is_only_recorded(remote: list[Node]) -> None:
    """Rows "excluded" and "deselected": no step for it on either side, its absence means nothing."""
    sides = Sides(BASE, WITHOUT_X, remote, absent=EXCLUDED)
    world = sides.done()

    assert not [step for made in world.plans for step in (*here(made), *there(made)) if step.endswith("x")]
    assert world.volume == world.base
    assert id_of("x") not in {node.id for node in world.disk}


def test_an_absent_node_that_fits_now_is_fetched() -> None:
    """Row "blocked": judged anew by every plan; a rename elsewhere brings it here."""
    policy = Policy(disk=DiskRules(is_windows=True))
    blocked = file("x", "CON")
    sides = Sides([blocked], [], [file("x", "console")], policy, absent={id_of("x"): Reason.NAME_ILLEGAL})

    assert here(sides.plan()) == ["fetch console"]
    assert sides.done().absent == {}


def test_a_blocked_node_is_recorded_and_blocked_again() -> None:
    """Row "blocked": an edit elsewhere enters the base and nothing else happens."""
    policy = Policy(disk=DiskRules(is_windows=True))
    edited = file("x", "CON", content="new")
    sides = Sides([file("x", "CON")], [], [edited], policy, absent={id_of("x"): Reason.NAME_ILLEGAL})

    assert sides.plan().is_empty
    assert list(sides.done().base) == [edited]


def test_a_node_that_cannot_be_held_any_more_leaves_only_when_the_volume_has_its_bytes() -> None:
    """A name that became illegal takes the file off this disk, but an edit of it is uploaded before."""
    policy = Policy(disk=DiskRules(is_windows=True))
    sides = Sides([file("x")], [file("x", content="new")], [file("x", "CON")], policy)

    assert (here(sides.plan()), there(sides.plan())) == ([], ["upload CON"])
    assert [here(made) for made in sides.done().plans[1:2]] == [["trash x"]]
    assert list(sides.done().volume) == [file("x", "CON", content="new")]


def test_what_moves_out_of_an_excluded_folder_comes_with_all_it_holds() -> None:
    """A folder that comes into sight is fetched whole, although nothing in it changed."""
    base = [D, folder("E", at="D"), file("x", at="E")]
    sides = Sides(base, [], [D, folder("E"), file("x", at="E")], absent={id_of("D"): Reason.EXCLUDED})

    assert here(sides.plan()) == ["make E", "fetch E/x"]
    assert paths(sides.done().disk) == {"E": "/", "E/x": "c0"}


def test_what_was_not_fetched_yet_stays_absent() -> None:
    """A fetch that fails must not be taken for a deletion: absent until it is seen."""
    base = [D, folder("E", at="D"), file("x", at="E")]
    made = Sides(base, [], [D, folder("E"), file("x", at="E")], absent={id_of("D"): Reason.EXCLUDED}).plan()

    assert dict(made.absent) == {id_of("D"): Reason.EXCLUDED, id_of("E"): Reason.FAILED}


# --- the base was lost ------------------------------------------------------------------------------------------------


def test_without_a_base_both_sides_are_united() -> None:
    """Resync: equal is adopted, what one side has comes to the other, nothing is deleted."""
    world = Sides([], [file("L1", "a"), file("L2", "b")], [file("R1", "a"), file("R2", "c")]).done()

    assert paths(world.disk) == paths(world.volume) == {"a": "c0", "b": "c0", "c": "c0"}
    assert [node.id for node in world.disk if node.name == "a"] == [id_of("R1")]


def test_a_ghost_is_listed_and_not_uploaded() -> None:
    """Scenario 21: content that the remote once held and deleted waits for the user, and so does its empty folder."""
    sides = Sides([], [folder("L"), file("g", at="L", content="old"), file("n")], [], past={b"old"})

    assert there(sides.plan()) == ["upload n"]
    assert {(stall.path, stall.reason) for stall in sides.plan().stalls} == {
        (("L",), Reason.GHOST),
        (("L", "g"), Reason.GHOST),
    }


def test_a_folder_with_something_new_beside_a_ghost_is_uploaded() -> None:
    """Only the ghost stays behind."""
    made = Sides([], [folder("L"), file("g", at="L", content="old"), file("n", at="L")], [], past={b"old"}).plan()

    assert there(made) == ["put L", "upload L/n"]


def test_an_older_version_here_gives_way() -> None:
    """Both made it, differing, and ours is what the remote's was: the remote's version, ours into the trash."""
    sides = Sides([], [file("L", "x", content="old")], [file("R", "x", content="new")], past={b"old"})

    assert (here(sides.plan()), there(sides.plan())) == (["fetch x"], [])
    assert events(sides.plan()) == [Event.TOOK_REMOTE_VERSION]
    assert paths(sides.done().disk) == {"x": "new"}


def test_a_name_that_only_an_absent_node_has_is_taken() -> None:
    """A folder that comes back beside an absent link of its name keeps the name, and the link is numbered."""
    policy = Policy(disk=DiskRules(has_links=False))
    base, local = [D, link("k", "D")], [D, file("n", at="D")]
    sides = Sides(base, local, [link("k", "D")], policy, absent={id_of("k"): Reason.LINKS_UNSUPPORTED})

    assert paths(sides.done().volume) == {"D": "/", "D/n": "c0", "D 2": "t0"}


def test_what_is_absent_and_deleted_there_is_gone() -> None:
    """What neither side holds any more is not brought back with a folder that lives."""
    base = [D, folder("E", at="D"), file("x", at="E")]
    sides = Sides(base, [folder("E")], [], absent={id_of("D"): Reason.EXCLUDED})

    assert paths(sides.done().volume) == {"E": "/"}
