"""The tables of a pair's trees, asked for many nodes, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mega_cli.reconcile.nodes import ROOT, Node, NodeId
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import Remembered


@pytest.fixture
def state() -> Iterator[SyncState]:
    """Give an empty state."""
    with SyncState(":memory:") as state:
        yield state


def id_of(number: int) -> NodeId:
    """Give an id."""
    return number.to_bytes(16)


def file(number: int, parent: NodeId = ROOT) -> Node:
    """Make a file."""
    return Node(id_of(number), parent, f"file {number}", "f", digest=b"d" * 32, size=number)


def test_many_nodes_are_found_at_once_in_the_order_they_are_asked_for() -> None:
    """More than one statement takes are found, and None stands for what is not there."""
    with SyncState(":memory:") as state, state.transaction():
        state.base.put_all(file(number) for number in range(1, 1_300))
        asked = [id_of(number) for number in range(1_400, 0, -1)]

        found = state.base.get_all(asked)

        assert list(found) == asked
        assert [node for node in found.values() if node is not None] == [file(number) for number in range(1_299, 0, -1)]


def test_what_is_remembered_is_what_the_table_says(state: SyncState) -> None:
    """A node is found by id and by place, asked for at first or not, and what is not there is not."""
    folder = Node(id_of(9), ROOT, "folder", "d")
    inside = file(1, folder.id)
    with state.transaction():
        state.remote.put_all([folder, inside])
    tree = Remembered(state.remote, [folder.id, id_of(7)])

    assert [tree.get(id_) for id_ in (folder.id, inside.id, id_of(7), id_of(8))] == [folder, inside, None, None]
    assert tree.child(folder.id, inside.name) == inside
    assert tree.child(folder.id, "another") is None
    assert tree.child(id_of(7), inside.name) is None
    assert tree.children(folder.id) == [inside]


def test_no_node_is_asked_for_twice(state: SyncState) -> None:
    """What was answered stays so, whatever is written later: nobody writes while a plan is made."""
    with state.transaction():
        state.base.put_all([file(1)])
    tree = Remembered(state.base, [id_of(1)])
    tree.get(id_of(2))
    with state.transaction():
        state.base.remove_all([id_of(1)])
        state.base.put_all([file(2)])

    assert (tree.get(id_of(1)), tree.get(id_of(2))) == (file(1), None)
