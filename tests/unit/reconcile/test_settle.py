"""Settle: the base learns what both sides agree on, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from mega_cli.reconcile.nodes import MemoryTree, Node, NodeId
from mega_cli.reconcile.settle import settle
from mega_cli.reconcile.situation import Reason
from tests.kit.forest import file, folder, id_of, link

EXCLUDED = {id_of("x"): Reason.EXCLUDED}


def settled(
    base: Iterable[Node], local: Iterable[Node], remote: Iterable[Node], absent: dict[NodeId, Reason] | None = None
) -> list[tuple[NodeId, Node | None]]:
    """Settle every node there is, in the order given."""
    trees = MemoryTree(base), MemoryTree(local), MemoryTree(remote)
    return list(settle({node.id for tree in trees for node in tree}, *trees, absent or {}).items())


def test_what_is_equal_on_both_sides_enters() -> None:
    """The same new file on both sides is agreed on."""
    assert settled([], [file("a")], [file("a")]) == [(id_of("a"), file("a"))]


def test_what_differs_in_any_field_stays_out() -> None:
    """A time alone is a difference."""
    assert settled([file("a")], [file("a", mtime_ns=2)], [file("a", mtime_ns=3)]) == []


def test_each_attribute_is_agreed_on_by_itself() -> None:
    """The remote moved and touched it, and only the move was carried out here: that is no move of this side's."""
    base, local, remote = file("a"), file("a", "b"), file("a", "b", mtime_ns=3)

    assert settled([base], [local], [remote]) == [(id_of("a"), local)]


def test_what_only_one_side_has_stays_as_it_was() -> None:
    """A file that one side alone made or deleted is not agreed on."""
    assert settled([file("a")], [file("b")], [file("a")]) == []


def test_what_is_gone_on_both_sides_leaves() -> None:
    """Deleted here and there is deleted."""
    assert settled([file("a")], [], []) == [(id_of("a"), None)]


def test_what_the_base_holds_already_is_not_told_again() -> None:
    """Only nodes whose base changes are in the answer."""
    assert settled([file("a"), file("b")], [file("a"), link("b")], [file("a"), link("b")]) == [(id_of("b"), link("b"))]


def test_parents_enter_before_children_whatever_their_ids() -> None:
    """A state that is written row by row never holds an orphan on the way."""
    nodes = [folder("z"), folder("y", at="z"), file("a", at="y")]

    assert [id_ for id_, _ in settled([], nodes, nodes)] == [id_of("z"), id_of("y"), id_of("a")]


def test_children_leave_before_parents() -> None:
    """Nor does one that is emptied row by row."""
    nodes = [folder("a"), folder("b", at="a"), file("c", at="b")]

    assert [id_ for id_, _ in settled(nodes, [], [])] == [id_of("c"), id_of("b"), id_of("a")]


def test_a_node_waits_for_a_parent_that_is_not_agreed_on() -> None:
    """Equal files in a folder whose mode differs, and which the base does not know, stay out with it."""
    local = [folder("d", mode=0o700), file("a", at="d")]
    remote = [folder("d", mode=0o755), file("a", at="d")]

    assert settled([], local, remote) == []


def test_a_node_enters_a_folder_whose_new_state_is_not_agreed_on() -> None:
    """That the base knows the folder is enough."""
    local = [folder("d", "other"), file("a", at="d")]
    remote = [folder("d"), file("a", at="d")]

    assert settled([folder("d")], local, remote) == [(id_of("a"), file("a", at="d"))]


def test_a_folder_stays_while_the_base_has_something_below_it() -> None:
    """A child whose move is not agreed on keeps every folder above it in the base."""
    base = [folder("d"), folder("e", at="d"), file("a", at="e")]

    assert settled(base, [file("a", "here")], [file("a", "there")]) == []


def test_a_folder_leaves_when_its_child_enters_elsewhere() -> None:
    """A move out of it that both sides made empties it."""
    moved = file("a", "moved")

    found = settled([folder("d"), file("a", at="d")], [moved], [moved])

    assert found == [(id_of("a"), moved), (id_of("d"), None)]


def test_a_folder_stays_while_only_the_content_of_its_child_is_agreed_on() -> None:
    """The child's new content enters where the base has it: the folder must still be there."""
    edited = file("a", at="d", content="c1")

    found = settled([folder("d"), file("a", at="d")], [file("a", "here", content="c1")], [file("a", "x", content="c1")])

    assert found == [(id_of("a"), edited)]


def test_what_both_sides_agree_on_enters_although_this_side_changed_more() -> None:
    """A move that the remote made is agreed on, also where a mode was changed here besides."""
    assert settled([file("a")], [file("a", "b", mode=0o600)], [file("a", "b")]) == [(id_of("a"), file("a", "b"))]


def test_a_folder_does_not_enter_into_itself() -> None:
    """It is agreed on, but the folder that it went into stands in it as far as the base knows: both wait."""
    base = [folder("a"), folder("b", at="a")]
    local = [folder("b", "here"), folder("a", at="b")]
    remote = [folder("b", "there"), folder("a", at="b")]

    assert settled(base, local, remote) == []


def test_folders_that_the_base_holds_in_a_circle_leave() -> None:
    """A base of halves may hold two folders in each other; nothing else may keep them for ever."""
    base = [folder("a", at="b"), folder("b", at="a")]

    assert dict(settled(base, [], [])) == {id_of("a"): None, id_of("b"): None}


def test_what_is_absent_takes_the_remote_state() -> None:
    """The remote edits, adds and removes below an excluded folder; this disk has no say."""
    base = [folder("x"), file("edited", at="x"), file("gone", at="x")]
    remote = [folder("x", "renamed"), file("edited", at="x", content="c1"), file("new", at="x")]
    local = base  # unchanged, because absent

    assert dict(settled(base, local, remote, EXCLUDED)) == {
        id_of("x"): remote[0],
        id_of("edited"): remote[1],
        id_of("new"): remote[2],
        id_of("gone"): None,
    }


def test_what_moves_into_an_absent_folder_counts_once_it_left_the_disk() -> None:
    """Until then the disk still holds it at its old place, and that is no move back."""
    base = [folder("x"), file("a")]
    remote = [folder("x"), file("a", at="x")]

    assert settled(base, base, remote, EXCLUDED) == []
    assert settled(base, [folder("x")], remote, EXCLUDED) == [(id_of("a"), remote[1])]


def test_what_moves_out_of_an_absent_folder_counts_once_it_is_on_the_disk() -> None:
    """The base keeps the old place: it is what makes the file's absence mean nothing."""
    base = [folder("x"), file("a", at="x")]
    remote = [folder("x"), file("a")]

    assert settled(base, base, remote, EXCLUDED) == []
    assert settled(base, remote, remote, EXCLUDED) == [(id_of("a"), file("a"))]


def test_what_lies_in_a_folder_that_has_yet_to_leave_the_disk_waits_for_it() -> None:
    """The remote moved a folder below an absent one and made a file in it; here the folder stands where it was."""
    base = [folder("x"), folder("d")]
    remote = [folder("x"), folder("d", at="x"), file("new", at="d")]

    assert settled(base, base, remote, EXCLUDED) == []
    assert settled(base, [folder("x")], remote, EXCLUDED) == [(id_of("d"), remote[1]), (id_of("new"), remote[2])]


def test_only_what_was_asked_is_answered() -> None:
    """The cost follows the ids, so nothing else is looked for."""
    tree = MemoryTree([file("a"), file("b")])

    assert settle([id_of("b")], MemoryTree(), tree, tree, {}) == {id_of("b"): file("b")}
