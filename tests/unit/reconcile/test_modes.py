"""The one-way modes: one side follows, and the other is never written."""

from __future__ import annotations

from typing import Final

import pytest

from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.situation import DeleteLimit, Mode, Policy, Reason
from tests.kit.forest import file, folder, id_of
from tests.unit.reconcile.sides import Sides, here, paths, there

D: Final = folder("D")
BASE: Final = [D, file("x", at="D"), file("y", at="D")]
OURS: Final = [D, file("x", at="D", content="ours"), file("new here", at="D")]
THEIRS: Final = [D, file("x", "z", at="D", content="theirs"), file("y", at="D"), file("new there")]


def sides(mode: Mode, base: list[Node] = BASE, local: list[Node] = OURS, remote: list[Node] = THEIRS) -> Sides:
    """Give sides that disagree in every way, in a mode."""
    return Sides(base, local, remote, Policy(mode=mode, limit=DeleteLimit(count_least=None)))


def test_mirror_up_makes_the_remote_what_this_disk_holds() -> None:
    """New, edited and deleted here goes up; what the remote did is undone there."""
    given = sides(Mode.MIRROR_UP)

    assert here(given.plan()) == []
    assert paths(given.done().volume) == paths(given.done().disk) == {"D": "/", "D/x": "ours", "D/new here": "c0"}


def test_mirror_down_makes_this_disk_what_the_remote_holds() -> None:
    """What this disk did is undone here; nothing goes up."""
    given = sides(Mode.MIRROR_DOWN)

    assert there(given.plan()) == []
    assert list(given.done().disk) == list(given.done().volume) == sorted(THEIRS)


def test_backup_up_adds_and_removes_nothing() -> None:
    """New and edited goes up, what was deleted here stays there, nothing comes down."""
    given = sides(Mode.BACKUP_UP)

    assert here(given.plan()) == []
    assert paths(given.done().volume) == {
        "D": "/", "D/x": "ours", "D/y": "c0", "D/new here": "c0", "new there": "c0"
    }  # fmt: skip


@pytest.mark.parametrize("mode", [Mode.MIRROR_UP, Mode.BACKUP_UP])
def test_what_both_made_is_an_edit_there(mode: Mode) -> None:
    """A file that both sides made stays one node, with this disk's content."""
    given = sides(mode, [], [file("L", "x", content="ours")], [file("R", "x", content="theirs")])

    assert list(given.done().volume) == [file("R", "x", content="ours")]
    assert here(given.plan()) == []


def test_backup_up_moves_aside_what_stands_in_the_way_there() -> None:
    """A name that this disk gave to another file goes to that; the other keeps its bytes under a new name."""
    given = sides(
        Mode.BACKUP_UP,
        [file("b", content="old"), file("c")],
        [file("c", "b")],
        [file("b", content="old"), file("c")],
    )

    assert paths(given.done().volume) == {"b": "c0", "b~": "old"}
    assert here(given.plan()) == []


@pytest.mark.parametrize("mode", [Mode.MIRROR_UP, Mode.BACKUP_UP])
def test_what_cannot_be_seen_here_is_left_alone_there(mode: Mode) -> None:
    """A stalled or absent node is no deletion and no change, in no mode."""
    given = sides(mode, BASE, [D, file("x", at="D")], BASE)
    given.absent = {id_of("y"): Reason.EXCLUDED}
    given.stalled = {id_of("x"): Reason.UNREADABLE}

    assert given.plan().is_empty
    assert dict(given.plan().absent) == given.absent


def test_mirror_down_holds_a_mass_deletion() -> None:
    """Deletions pass the guard in every mode."""
    many = [file(f"f{number}") for number in range(40)]
    plan = Sides([], many, [], Policy(mode=Mode.MIRROR_DOWN)).plan()

    assert plan.local == ()
    assert [hold.files for hold in plan.holds] == [40]
