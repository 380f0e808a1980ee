"""Comparing the three trees: what the planner is told, what settles, and what is absent on purpose."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.comparison import exclude, leave_out, settle_state, situation_of, widen_absent

STAMPS = (0, 0, 0, 1, 1, 0o644, 1, 0)


def node(number: int, name: str, parent: int = 0, kind: str = "f", size: int = 0) -> Node:
    """Make a node; 0 is the root."""
    return Node(bytes([number]) * 16, bytes([parent]) * 16, name, kind, size=size)  # type: ignore[arg-type]  # a kind, in each call


D, A, B, T = node(1, "d", kind="d"), node(2, "a", 1), node(3, "b", 1), node(4, "t", kind="d")


def state_of(base: list[Node], local: list[Node], remote: list[Node]) -> SyncState:
    """Make a state with these trees."""
    state = SyncState(":memory:")
    with state.transaction():
        state.base.put_all(base)
        state.remote.put_all(remote)
        state.local.put_all(LocalRow(one, one.name.encode(), STAMPS, is_racy=False) for one in local)
    return state


def settle(state: SyncState) -> None:
    """Let the base take over what is agreed on."""
    with state.transaction():
        settle_state(state)


def test_only_what_differs_is_told() -> None:
    """Both sides as deltas over the base."""
    edited = A._replace(size=5)
    state = state_of([D, A, B], [D, edited, B], [D, A])

    told = situation_of(state, {}, frozenset())

    assert (dict(told.local), dict(told.remote), told.base_files) == ({A.id: edited}, {B.id: None}, 2)


def test_what_is_equal_settles_and_is_compared_no_more() -> None:
    """The cost of the next cycle is that of what is left."""
    state = state_of([], [D, A], [D, A, B])

    settle(state)

    assert (list(state.base), state.touched()) == ([D, A], [B.id])


def test_what_is_stalled_and_below_counts_as_unchanged() -> None:
    """What cannot be trusted is not told, gone or new."""
    new = node(9, "new", 1)
    state = state_of([D, A, B], [D, new], [D, A, B])

    told = situation_of(state, {D.id: Reason.UNREADABLE}, frozenset())

    assert dict(told.local) == {}


def test_what_stands_where_a_stalled_node_was_waits_for_it() -> None:
    """The volume still has the stalled one there: nobody's file is to be renamed because another holds still."""
    new, newer = node(9, "a", 1), node(8, "b", 1)
    state = state_of([D, A, B], [D, A._replace(name="x"), new], [D, A, B])
    chain = state_of([D, A, B], [D, A._replace(name="b"), newer._replace(name="a"), B._replace(name="x")], [D, A, B])

    one = situation_of(state, {A.id: Reason.FILE_CHANGING}, frozenset())
    more = situation_of(chain, {B.id: Reason.UNREADABLE}, frozenset())

    assert (dict(one.local), dict(one.stalled)) == ({B.id: None}, dict.fromkeys([A.id, new.id], Reason.FILE_CHANGING))
    assert (dict(more.local), set(more.stalled)) == ({}, {A.id, B.id, newer.id})


def test_a_root_that_is_stalled_freezes_everything() -> None:
    """Nothing is known of this disk then."""
    state = state_of([D, A], [], [D, A])

    assert dict(situation_of(state, {ROOT: Reason.UNREADABLE}, frozenset()).local) == {}


def test_what_moved_out_of_a_stalled_folder_is_told_with_all_below_it() -> None:
    """It is seen, although its old place is not."""
    inner = node(5, "i", 1, kind="d")
    leaf = node(6, "leaf", 5)
    moved = inner._replace(parent=T.id)
    state = state_of([D, T, inner, leaf], [D, T, moved, leaf], [D, T, inner, leaf])

    told = situation_of(state, {D.id: Reason.UNREADABLE}, frozenset())

    assert dict(told.local) == {inner.id: moved, leaf.id: leaf}


def test_what_is_absent_on_purpose_is_no_deletion() -> None:
    """Neither it nor what lies below; it settles as the volume has it."""
    edited = A._replace(size=7)
    state = state_of([D, A], [], [D, edited])
    with state.transaction():
        state.keep_absent([(D.id, Reason.NAME_ILLEGAL)])

    settle(state)

    assert dict(situation_of(state, {}, frozenset()).local) == {}
    assert (state.base.get(A.id), state.touched()) == (edited, [])


def test_what_shall_be_absent_no_longer_stays_so_until_it_is_seen() -> None:
    """What was not fetched yet is no deletion."""
    state = state_of([D, A], [], [D, A])
    with state.transaction():
        state.keep_absent([(D.id, Reason.NAME_ILLEGAL)])
        widen_absent(state, [])

    assert state.absent() == {D.id: Reason.NAME_ILLEGAL}


def test_a_folder_that_is_seen_again_passes_its_reason_on() -> None:
    """What of it is not on the disk yet stays absent, and is compared."""
    state = state_of([D, A, B], [], [D, A, B])
    with state.transaction():
        state.keep_absent([(D.id, Reason.NAME_ILLEGAL)])
        state.local.put_all(LocalRow(one, b"x", STAMPS, is_racy=False) for one in (D, A))

    settle(state)

    assert state.absent() == {B.id: Reason.NAME_ILLEGAL}


def test_what_both_sides_forgot_is_absent_no_more() -> None:
    """A mark ends with its node."""
    state = state_of([D], [], [])
    with state.transaction():
        state.keep_absent([(D.id, Reason.EXCLUDED)])

    settle(state)
    settle(state)

    assert (state.absent(), list(state.base)) == ({}, [])


def test_what_rules_leave_out_no_longer_is_new_on_both_sides() -> None:
    """The base forgets it, with all below."""
    state = state_of([D, A, T], [T], [D, A, T])
    with state.transaction():
        exclude(state, {D.id: Reason.EXCLUDED}, [])
        marked = state.absent()
        exclude(state, {}, [D.id])

    assert (marked, state.absent(), list(state.base)) == ({D.id: Reason.EXCLUDED}, {}, [T])


@pytest.mark.parametrize("known", [True, False])
def test_what_is_new_in_the_volume_at_an_ignored_place_is_absent(known: bool) -> None:  # noqa: FBT001 -- a parameter
    """Roots only, and nothing that was agreed on."""
    state = state_of([D, A] if known else [], [D, A] if known else [], [D, A])

    with state.transaction():
        leave_out(state, lambda path, *, is_folder: path[0] == "d" and (is_folder or len(path) == 2))

    assert state.absent() == ({} if known else {D.id: Reason.EXCLUDED})
