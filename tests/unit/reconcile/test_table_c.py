"""Table C: places, names, kinds, and what both sides made, each row by its words."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.situation import DiskRules, Policy, Reason
from tests.kit.forest import file, folder, id_of, link
from tests.unit.reconcile.sides import COPY_MARK, Sides, events, here, paths, there

D, E = folder("D"), folder("E")


def test_both_moved_to_the_same_place() -> None:
    """M and M, same target: adopt."""
    moved = [D, file("x", at="D")]
    plan = Sides([D, file("x")], moved, moved).plan()

    assert plan.is_empty
    assert not plan.notices


@pytest.mark.parametrize("is_renamed_here", [True, False])
def test_one_renamed_and_the_other_moved(*, is_renamed_here: bool) -> None:
    """Scenario 27. M and M, name here and parent there, or the reverse: both are taken."""
    renamed, moved = [D, file("x", "new")], [D, file("x", at="D")]
    sides = Sides([D, file("x")], *((renamed, moved) if is_renamed_here else (moved, renamed)))

    assert paths(sides.done().disk) == {"D": "/", "D/new": "c0"}
    assert events(sides.plan()) == []


@pytest.mark.parametrize(
    ("local", "remote", "ends"),
    [
        ([D, E, file("x", "mine")], [D, E, file("x", "theirs")], "theirs"),
        ([D, E, file("x", at="D")], [D, E, file("x", at="E")], "E/x"),
    ],
    ids=["name", "parent"],
)
def test_both_changed_one_attribute(local: list[Node], remote: list[Node], ends: str) -> None:
    """Scenario 26. M and M, same attribute, different values: the remote's stands, and the local undoing is told."""
    sides = Sides([D, E, file("x")], local, remote)

    assert paths(sides.done().volume) == {"D": "/", "E": "/", ends: "c0"}
    assert (there(sides.plan()), events(sides.plan())) == ([], ["move-undone"])


@pytest.mark.parametrize("length", [2, 3, 4])
def test_moves_of_both_sides_that_make_a_circle(length: int) -> None:
    """Scenario 28. Cycle of any length: the remote's moves stand, and a local one is undone."""
    labels = [f"F{number}" for number in range(length)]
    base = [folder(label) for label in labels]
    local = [folder("F0"), *(folder(label, at=above) for above, label in itertools.pairwise(labels))]
    remote = [folder("F0", at=labels[-1]), *base[1:]]
    world = Sides(base, local, remote).done()

    assert world.base == world.disk == world.volume
    moved = world.volume.get(id_of("F0"))
    assert moved is not None
    assert moved.parent == id_of(labels[-1])
    assert len(paths(world.disk)) == length


def test_new_folders_inside_a_circle_of_moves_are_kept() -> None:
    """Scenario 28, second half: what was made inside is where its folder is."""
    local = [folder("A", at="B"), folder("B"), folder("ours", at="A")]
    remote = [folder("A"), folder("B", at="A"), folder("theirs", at="B")]
    world = Sides([folder("A"), folder("B")], local, remote).done()

    assert paths(world.disk) == {"A": "/", "A/B": "/", "A/B/theirs": "/", "A/ours": "/"}


def test_both_made_an_equal_file() -> None:
    """Create and create, same hash: one node, the remote's, with the remote's mode and time, and no transfer."""
    sides = Sides([], [file("L", "x", mtime_ns=5, mode=0o600)], [file("R", "x", mtime_ns=3)])
    plan = sides.plan()

    assert [(one.id_before, one.id_after) for one in plan.identities] == [(id_of("L"), id_of("R"))]
    assert (here(plan), there(plan)) == (["describe x"], [])
    assert list(sides.done().disk) == [file("R", "x", mtime_ns=3)]


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (file("L", "x", content="ours"), file("R", "x", content="theirs")),
        (link("L", "x", target="ours"), link("R", "x", target="theirs")),
        (file("L", "x", content="ours"), link("R", "x", target="theirs")),
    ],
    ids=["files", "links", "file and link"],
)
def test_both_made_different_things(local: Node, remote: Node) -> None:
    """Scenarios 3 and 6. Create and create, differing: the remote keeps the name, the local becomes a conflict copy."""
    sides = Sides([], [local], [remote])

    assert paths(sides.done().disk) == paths(sides.done().volume) == {"x": "theirs", "x~": "ours"}
    assert events(sides.plan()) == ["conflict-copy"]
    assert here(sides.plan()) == ["move x to x~", "fetch x"]


def test_equal_links_are_one() -> None:
    """Scenario 6, second half: links with one target unify."""
    assert here(Sides([], [link("L", "x")], [link("R", "x")]).plan()) == []


def test_both_made_a_folder() -> None:
    """Scenario 4. Create and create, folders: one folder, and what they hold is merged in turn."""
    local = [folder("L", "d"), folder("LL", "in", at="L"), file("a", at="LL"), file("b", at="L")]
    remote = [folder("R", "d"), folder("RR", "in", at="R"), file("c", at="RR"), file("e", "b", at="R", content="new")]
    world = Sides([], local, remote).done()

    assert paths(world.disk) == paths(world.volume)
    assert paths(world.disk) == {
        "d": "/", "d/in": "/", "d/in/a": "c0", "d/in/c": "c0", "d/b": "new", "d/b~": "c0"
    }  # fmt: skip


MEETINGS: Final = {
    "folder here, file there": ([folder("L", "x")], [file("R", "x")], {"x": "/", "x 2": "c0"}),
    "file here, folder there": ([file("L", "x")], [folder("R", "x")], {"x": "/", "x 2": "c0"}),
}


@pytest.mark.parametrize(("local", "remote", "ends"), MEETINGS.values(), ids=MEETINGS)
def test_a_folder_keeps_the_name(local: list[Node], remote: list[Node], ends: dict[str, str]) -> None:
    """Scenario 5. Two live nodes at one place: the folder keeps the name, the file is numbered."""
    sides = Sides([], local, remote)

    assert paths(sides.done().disk) == paths(sides.done().volume) == ends
    assert events(sides.plan()) == ["renamed-apart"]


def test_the_remote_keeps_the_name_over_the_local() -> None:
    """Two live nodes at one place, neither a folder: the one the remote put there keeps the name."""
    base = [file("a", content="one"), file("b", content="two")]
    local = [file("a", "x", content="one"), file("b", content="two")]
    remote = [file("a", content="one"), file("b", "x", content="two")]

    assert paths(Sides(base, local, remote).done().disk) == {"x": "two", "x~": "one"}


def test_equal_files_that_meet_collapse() -> None:
    """Two live files at one place, same hash: one is enough."""
    base = [file("a"), file("b")]
    world = Sides(base, [file("a", "x"), file("b")], [file("a"), file("b", "x")]).done()

    assert paths(world.disk) == paths(world.volume) == {"x": "c0"}


def test_a_file_that_became_a_folder_here_and_was_edited_there() -> None:
    """Scenario 35. Type change: the folder keeps the name, the edited file survives beside it."""
    sides = Sides([file("x")], [folder("L", "x")], [file("x", content="new")])

    assert paths(sides.done().disk) == paths(sides.done().volume) == {"x": "/", "x 2": "new"}


def test_a_folder_that_became_a_file_there_and_got_a_child_here() -> None:
    """Scenario 36. Type change: the child survives in the folder, the file is numbered."""
    sides = Sides([D, file("x", at="D")], [D, file("x", at="D"), file("n", at="D")], [file("R", "D", content="new")])

    assert paths(sides.done().disk) == paths(sides.done().volume) == {"D": "/", "D/n": "c0", "D 2": "new"}


def test_a_move_over_a_known_file_deletes_it() -> None:
    """Local move onto an existing path, known: the victim is deleted, after the last moment it can stay."""
    down = Sides([file("b"), file("c")], [file("b"), file("c")], [file("c", "b")]).plan()
    up = Sides([file("b"), file("c")], [file("c", "b")], [file("b"), file("c")]).plan()

    assert here(down) == ["trash b", "move c to b"]
    assert down.local[1].after == (0,)
    assert there(up) == ["remove b", "put b"]


def test_a_move_over_a_file_edited_there() -> None:
    """Scenario 31: the edited file keeps its name, what was moved over it becomes a copy."""
    base = [file("b", content="old"), file("c", content="moved")]
    sides = Sides(base, [file("c", "b", content="moved")], [file("b", content="new"), file("c", content="moved")])

    assert paths(sides.done().disk) == paths(sides.done().volume) == {"b": "new", "b~": "moved"}


def test_a_remote_move_onto_a_file_made_here() -> None:
    """Local move onto an existing path, unsynced: what nobody saw yet is never overwritten."""
    sides = Sides([file("c")], [file("c"), file("n", "b", content="new")], [file("c", "b")])

    assert paths(sides.done().disk) == paths(sides.done().volume) == {"b": "c0", "b~": "new"}


FOLDING: Final = Policy(disk=DiskRules(folds_case=True, folds_form=True))


def test_names_that_fold_together_leave_the_tree_alone() -> None:
    """Scenario 39. Fold collision: what has the name here keeps it, the other is absent; the volume is not touched."""
    sides = Sides([file("a", "foo")], [file("a", "foo")], [file("a", "foo"), file("b", "FOO")], FOLDING)
    plan, world = sides.plan(), sides.done()

    assert (here(plan), there(plan), plan.absent) == ([], [], ((id_of("b"), Reason.NAME_CLASH),))
    assert paths(world.disk) == {"foo": "c0"}
    assert paths(world.volume) == {"foo": "c0", "FOO": "c0"}


def test_of_two_new_names_that_fold_together_the_first_is_held() -> None:
    """Fold collision of two remote nodes: the first by name bytes is held, and only that."""
    sides = Sides([], [], [file("a", "foo"), file("b", "FOO")], FOLDING)

    assert paths(sides.done().disk) == {"FOO": "c0"}


def test_a_rename_of_case_alone_is_one_rename() -> None:
    """Scenario 34: no deletion, no transfer, on a disk that folds case."""
    assert here(Sides([file("a", "foo")], [file("a", "foo")], [file("a", "Foo")], FOLDING).plan()) == [
        "move foo to Foo"
    ]
    assert there(Sides([file("a", "foo")], [file("a", "Foo")], [file("a", "foo")], FOLDING).plan()) == ["put Foo"]


WINDOWS: Final = Policy(disk=DiskRules(folds_case=True, is_windows=True, has_links=False))


@pytest.mark.parametrize(
    ("node", "reason"),
    [(file("a", "CON"), Reason.NAME_ILLEGAL), (link("a"), Reason.LINKS_UNSUPPORTED)],
    ids=["name", "link"],
)
def test_what_this_disk_cannot_hold_is_absent(node: Node, reason: Reason) -> None:
    """Name illegal, link unsupported: blocked; never renamed there, never counted as deleted here."""
    world = Sides([], [], [node], WINDOWS).done()

    assert (world.absent, list(world.disk), list(world.volume)) == ({node.id: reason}, [], [node])
    assert all(plan.is_empty for plan in world.plans)


def test_a_copy_name_that_is_taken_is_numbered() -> None:
    """Scenario 7: two conflicts within a second are two copies."""
    taken = file("t", f"x{COPY_MARK}", content="first")
    sides = Sides([file("x")], [file("x", content="ours"), taken], [file("x", content="theirs")])

    assert sorted(paths(sides.done().disk).values()) == ["first", "ours", "theirs"]


def test_a_conflict_on_a_conflict_copy_is_like_any_other() -> None:
    """Scenario 8: the copy keeps its name with the remote's bytes, and a new copy holds ours; nothing goes."""
    name = f"x{COPY_MARK}"
    sides = Sides([file("c", name)], [file("c", name, content="ours")], [file("c", name, content="theirs")])

    assert sorted(paths(sides.done().disk).values()) == ["ours", "theirs"]
    assert paths(sides.done().volume)["x~"] == "theirs"
