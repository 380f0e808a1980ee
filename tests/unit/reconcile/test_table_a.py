"""Table A: files and links that both sides knew, every cell by its row and column, and the rules for mode and time."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from mega_cli.reconcile.nodes import Node
from tests.kit.forest import file, folder, id_of, link
from tests.unit.reconcile.sides import Sides, events, here, there

# local, remote: what happens here, what happens there, what is told. The local move goes to D, the remote one to E.
CELLS: Final[dict[tuple[str, str], tuple[list[str], list[str], list[str]]]] = {
    ("=", "="): ([], [], []),
    ("=", "E"): (["fetch x"], [], []),
    ("=", "M"): (["move x to E/x"], [], []),
    ("=", "ME"): (["move x to E/x", "fetch E/x"], [], []),
    ("=", "D"): (["trash x"], [], []),
    ("E", "="): ([], ["upload x"], []),
    ("E", "E"): (["move x to x~", "fetch x"], ["upload x~"], ["conflict-copy"]),
    ("E", "M"): (["move x to E/x"], ["upload E/x"], []),
    ("E", "ME"): (["move x to E/x~", "fetch E/x"], ["upload E/x~"], ["conflict-copy"]),
    ("E", "D"): ([], ["upload x"], ["edit-beats-delete"]),
    ("M", "="): ([], ["put D/x"], []),
    ("M", "E"): (["fetch D/x"], ["put D/x"], []),
    ("M", "M"): (["move D/x to E/x"], [], ["move-undone"]),
    ("M", "ME"): (["move D/x to E/x", "fetch E/x"], [], ["move-undone"]),
    ("M", "D"): ([], ["upload D/x"], ["move-beats-delete"]),
    ("ME", "="): ([], ["upload D/x"], []),
    ("ME", "E"): (["move D/x to D/x~", "fetch D/x"], ["put D/x", "upload D/x~"], ["conflict-copy"]),
    ("ME", "M"): (["move D/x to E/x"], ["upload E/x"], ["move-undone"]),
    ("ME", "ME"): (["move D/x to E/x~", "fetch E/x"], ["upload E/x~"], ["conflict-copy", "move-undone"]),
    ("ME", "D"): ([], ["upload D/x"], ["edit-beats-delete"]),
    ("D", "="): ([], ["remove x"], []),
    ("D", "E"): (["fetch x"], [], ["edit-beats-delete"]),
    ("D", "M"): (["fetch E/x"], [], ["move-beats-delete"]),
    ("D", "ME"): (["fetch E/x"], [], ["edit-beats-delete"]),
    ("D", "D"): ([], [], []),
}
FOLDERS: Final = (folder("D"), folder("E"))


def side(kind: str, change: str, *, at: str, content: str) -> list[Node]:
    """Give one side after a change."""
    if change == "D":
        return list(FOLDERS)
    made = content if "E" in change else "old"
    parent = at if "M" in change else ""
    return [*FOLDERS, file("x", at=parent, content=made) if kind == "f" else link("x", at=parent, target=made)]


def cell(kind: str, local: str, remote: str) -> Sides:
    """Give the three sides of a cell."""
    return Sides(
        side(kind, "=", at="", content="old"),
        side(kind, local, at="D", content="ours"),
        side(kind, remote, at="E", content="theirs"),
    )


@pytest.mark.parametrize("kind", ["f", "l"], ids=["file", "link"])
@pytest.mark.parametrize(("local", "remote"), CELLS, ids=[f"L{local} R{remote}" for local, remote in CELLS])
def test_a_cell_of_table_a(kind: str, local: str, remote: str) -> None:
    """What the two sides did to one node decides what is done on each."""
    plan = cell(kind, local, remote).plan()

    assert (here(plan), there(plan), events(plan)) == CELLS[local, remote]


@pytest.mark.parametrize(("local", "remote"), CELLS, ids=[f"L{local} R{remote}" for local, remote in CELLS])
def test_a_cell_ends_with_both_sides_equal(local: str, remote: str) -> None:
    """Carried out, every cell leaves base, disk and volume the same."""
    world = cell("f", local, remote).done()

    assert world.base == world.disk == world.volume


def test_every_cell_is_there() -> None:
    """The table has a cell for each pair of changes."""
    assert set(CELLS) == set(itertools.product(("=", "E", "M", "ME", "D"), repeat=2))


def test_the_same_edit_on_both_sides_is_adopted() -> None:
    """Scenario 2: equal bytes need no copy and no transfer."""
    plan = Sides([file("x")], [file("x", content="new")], [file("x", content="new")]).plan()

    assert plan.is_empty
    assert not plan.notices


# --- mode and time ----------------------------------------------------------------------------------------------------

MODES: Final = {
    "one side": (0o644, 0o755, 0o644, 0o755),
    "both the same": (0o644, 0o755, 0o755, 0o755),
    "each another bit": (0o644, 0o744, 0o640, 0o740),
    "one takes, one gives": (0o644, 0o600, 0o744, 0o700),
}


@pytest.mark.parametrize(("base", "local", "remote", "merged"), MODES.values(), ids=MODES)
def test_every_bit_that_a_side_flipped_is_flipped(base: int, local: int, remote: int, merged: int) -> None:
    """Mode is merged bit by bit, whichever side flipped one."""
    world = Sides([file("x", mode=base)], [file("x", mode=local)], [file("x", mode=remote)]).done()

    assert world.disk.get(id_of("x")) == world.volume.get(id_of("x")) == file("x", mode=merged)


TIMES: Final = {
    "local alone": (5, 3, 5, 3),
    "remote alone": (5, 5, 3, 3),
    "both, remote later": (5, 6, 7, 7),
    "both, local later": (5, 9, 2, 9),
    "both, and both earlier": (5, 1, -2, 1),
}


@pytest.mark.parametrize(("base", "local", "remote", "merged"), TIMES.values(), ids=TIMES)
def test_time_is_the_changed_one_or_the_later(base: int, local: int, remote: int, merged: int) -> None:
    """With equal content a time that one side changed is taken, and the later one where both did."""
    world = Sides([file("x", mtime_ns=base)], [file("x", mtime_ns=local)], [file("x", mtime_ns=remote)]).done()

    assert world.disk.get(id_of("x")) == world.volume.get(id_of("x")) == file("x", mtime_ns=merged)


def test_a_touch_uploads_and_copies_nothing() -> None:
    """A change of mode or time alone is put without content, and fetched without content."""
    up = Sides([file("x")], [file("x", mtime_ns=9)], [file("x")]).plan()
    down = Sides([file("x")], [file("x")], [file("x", mode=0o600)]).plan()

    assert (here(up), there(up)) == ([], ["put x"])
    assert (here(down), there(down)) == (["describe x"], [])


def test_a_touch_here_gives_way_to_an_edit_there() -> None:
    """Scenario 10: the remote's bytes and time, no copy."""
    sides = Sides([file("x")], [file("x", mtime_ns=9)], [file("x", content="new", mtime_ns=4)])

    assert (here(sides.plan()), there(sides.plan())) == (["fetch x"], [])
    assert sides.done().disk.get(id_of("x")) == file("x", content="new", mtime_ns=4)


@pytest.mark.parametrize("is_edited_here", [True, False])
def test_a_mode_changed_on_one_side_meets_an_edit_on_the_other(*, is_edited_here: bool) -> None:
    """Scenario 11: `chmod +x` and an edit are both kept, whichever side did which."""
    edited, marked = [file("x", content="new")], [file("x", mode=0o755)]
    world = Sides([file("x")], *((edited, marked) if is_edited_here else (marked, edited))).done()

    assert world.disk.get(id_of("x")) == world.volume.get(id_of("x")) == file("x", content="new", mode=0o755)


def test_a_touch_does_not_save_from_deletion() -> None:
    """A change of time alone is no edit: what the other side deleted stays deleted."""
    plan = Sides([file("x")], [file("x", mtime_ns=9)], []).plan()

    assert here(plan) == ["trash x"]


def test_a_conflict_copy_gets_an_id_that_nobody_has() -> None:
    """The same conflict again, at the same time of a clock that stands still, is another conflict."""
    local, remote = file("x", content="ours"), file("x", content="theirs")
    first = Sides([file("x")], [local], [remote]).plan().identities[0].id_after
    copy = file("y")._replace(id=first)

    again = Sides([file("x"), copy], [local, copy], [remote, copy]).plan().identities[0].id_after

    assert again not in {first, local.id}
