"""A pair's state: what is written is there again, durably or not at all, and what is broken stops the run."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import (
    ConflictRow,
    EventRow,
    HoldRow,
    StalledRow,
    SyncState,
    TrashRow,
    state_failures,
)
from mega_cli.state.sync_trees import LocalRow

STAMPS = (1, 2, 3, 4, 5, 6, 7, 8)


def id_of(number: int) -> bytes:
    """Make an id."""
    return bytes([number]) * 16


def node(number: int, name: str, parent: bytes = ROOT, kind: str = "f") -> Node:
    """Make a node."""
    return Node(id_of(number), parent, name, kind, bytes(32) if kind == "f" else b"", 3)  # type: ignore[arg-type]  # a kind, in each call


@pytest.fixture
def state() -> SyncState:
    """Give an empty state."""
    return SyncState(":memory:")


def test_a_tree_gives_back_what_was_put(state: SyncState) -> None:
    """By id, by place, and by folder in the order of names."""
    folder, second, first = node(1, "d", kind="d"), node(2, "b", id_of(1)), node(3, "a", id_of(1))
    with state.transaction():
        state.base.put_all([folder, second, first])

    assert state.base.get(id_of(2)) == second
    assert state.base.child(id_of(1), "a") == first
    assert state.base.children(id_of(1)) == [first, second]
    assert (list(state.base), state.base.count_files()) == ([folder, second, first], 2)


@pytest.mark.parametrize("table", ["base", "remote", "local"])
def test_every_write_of_a_tree_is_noted(state: SyncState, table: str) -> None:
    """Put, changed, moved and removed: nobody has to remember to say so."""
    tree = getattr(state, table)
    rows = [node(1, "a"), node(1, "b")]
    if table == "local":
        rows = [LocalRow(row, b"a", STAMPS, is_racy=False) for row in rows]  # type: ignore[misc]  # what this table takes
    noted = []
    for act, given in ((tree.put_all, rows[:1]), (tree.put_all, rows[1:]), (tree.remove_all, [id_of(1)])):
        with state.transaction():
            act(given)
        noted.append(state.touched())
        with state.transaction():
            state.forget_touched([id_of(1)])

    assert (noted, state.touched()) == ([[id_of(1)]] * 3, [])


def test_a_row_of_the_disk_keeps_its_stamps(state: SyncState) -> None:
    """Name as the disk spells it, stamps, and whether it must be read again."""
    row = LocalRow(node(1, "é"), "e\u0301".encode(), STAMPS, is_racy=True)
    with state.transaction():
        state.local.put_all([row])

    assert (state.local.row(id_of(1)), state.local.rows(ROOT), state.local.get(id_of(1))) == (row, [row], row.node)


def test_another_identity_takes_along_what_lies_in_it(state: SyncState) -> None:
    """A folder that is one with the volume's keeps its children."""
    folder = LocalRow(node(1, "d", kind="d"), b"d", STAMPS, is_racy=False)
    child = LocalRow(node(2, "a", id_of(1)), b"a", STAMPS, is_racy=False)
    with state.transaction():
        state.local.put_all([folder, child])
        state.local.take_identity(id_of(1), id_of(9))

    assert state.local.get(id_of(1)) is None
    assert state.local.row(id_of(9)) == folder._replace(node=folder.node._replace(id=id_of(9)))
    assert state.local.get(id_of(2)) == child.node._replace(parent=id_of(9))


def test_a_transaction_is_whole_or_nothing(state: SyncState) -> None:
    """What breaks off in the middle leaves no trace."""

    def break_off() -> None:
        with state.transaction():
            state.base.put_all([node(1, "a")])
            raise KeyError

    with pytest.raises(KeyError):
        break_off()

    assert (list(state.base), state.touched()) == ([], [])


def test_the_watch_hears_of_both_ends_of_a_transaction() -> None:
    """A simulator can stop the run before either."""
    heard: list[str] = []
    state = SyncState(":memory:", heard.append)

    with state.transaction():
        state.keep("key", b"value")

    assert (heard, state.value("key")) == (["begin", "commit"], b"value")


def test_a_run_stopped_before_the_commit_wrote_nothing() -> None:
    """The transaction is undone, and the state can be used again."""
    is_dead = True

    def watch(moment: str) -> None:
        if is_dead and moment == "commit":
            raise KeyboardInterrupt

    state = SyncState(":memory:", watch)
    with pytest.raises(KeyboardInterrupt), state.transaction():
        state.keep("key", b"value")
    is_dead = False
    with state.transaction():
        pass

    assert state.value("key") is None


def test_what_is_absent_counts_as_touched(state: SyncState) -> None:
    """Before and after: what comes back is looked at as well."""
    with state.transaction():
        state.keep_absent([(id_of(1), Reason.NAME_CLASH)])
        state.forget_touched([id_of(1)])
        state.keep_absent([(id_of(2), Reason.EXCLUDED)])

    assert (state.absent(), state.touched()) == ({id_of(2): Reason.EXCLUDED}, [id_of(1), id_of(2)])


def test_what_is_under_way_is_kept(state: SyncState) -> None:
    """Notes of actions, oldest first, and what a commit would settle."""
    with state.transaction():
        first = state.begin("move", {"place": [b"a", b"\xff"], "ino": 7})
        second = state.begin("trash", {})
        state.add_pending(b"mark", [(id_of(1), node(1, "a")), (id_of(2), None)])
        state.add_pending(b"other", [(id_of(1), None)])

    assert [(row.id, row.kind, row.facts) for row in state.journal()] == [
        (first, "move", {"place": [b"a", b"\xff"], "ino": 7}),
        (second, "trash", {}),
    ]
    assert state.pending() == {
        b"mark": [(id_of(1), node(1, "a")), (id_of(2), None)],
        b"other": [(id_of(1), None)],
    }
    with state.transaction():
        state.end(first)
        state.forget_pending([b"mark"])
    assert ([row.id for row in state.journal()], list(state.pending())) == ([second], [b"other"])


def test_what_the_user_should_know_is_kept(state: SyncState) -> None:
    """Stalls, holds, approvals, conflicts and the log."""
    stalled = StalledRow(id_of(1), "a", Reason.QUOTA, 1, 2, 3)
    hold = HoldRow("12345678", "local", (id_of(1), id_of(2)), 2, ("a", "b"), 4)
    conflict = ConflictRow(id_of(1), id_of(2), "a", "a (conflict)", 5)
    with state.transaction():
        state.keep_stalled([stalled])
        state.keep_holds([hold])
        state.keep_approved([id_of(1), id_of(1)])
        state.add_conflict(conflict)
        for number in range(3):
            state.log(EventRow(number, "event", "a", "b"))

    assert (state.stalled(), state.holds(), state.approved()) == ([stalled], [hold], frozenset({id_of(1)}))
    assert (state.conflicts(), [row.at_ns for row in state.events(2)]) == ([conflict], [1, 2])
    with state.transaction():
        state.forget_conflicts([id_of(1)])
    assert state.conflicts() == []


def test_what_lies_in_the_trash_is_kept(state: SyncState) -> None:
    """Oldest first, with its looks."""
    young = TrashRow(0, b".mega/trash/b", "b", node(2, "b"), STAMPS, 20, is_proven=True, looks=0)
    old = TrashRow(0, b".mega/trash/a", "a", node(1, "a"), STAMPS, 10, is_proven=False, looks=0)
    with state.transaction():
        state.add_trash(young)
        state.add_trash(old)
        state.looked_at_trash(2, 3)

    assert state.trash() == [old._replace(id=2, looks=3), young._replace(id=1)]
    with state.transaction():
        state.forget_trash([2])
    assert state.trash() == [young._replace(id=1)]


def test_a_forgotten_base_takes_with_it_what_follows_from_it(state: SyncState) -> None:
    """The trees and all judgements go; journal, trash and single values stay."""
    with state.transaction():
        for tree in (state.base, state.remote):
            tree.put_all([node(1, "a")])
        state.keep_absent([(id_of(1), Reason.EXCLUDED)])
        state.keep_approved([id_of(1)])
        state.begin("move", {})
        state.keep("marker", b"here")
        state.forget_base()

    assert (list(state.base), list(state.remote), state.touched(), state.absent()) == ([], [], [], {})
    assert (state.approved(), len(state.journal()), state.value("marker")) == (frozenset(), 1, b"here")


def test_it_is_there_again_in_the_next_run(tmp_path: Path) -> None:
    """The file is private, and keeps what was committed."""
    path = tmp_path / "state.db"
    with SyncState(path) as state, state.transaction():
        state.keep("key", b"value")

    with SyncState(path) as state:
        found = state.value("key")

    assert (found, path.stat().st_mode & 0o077) == (b"value", 0)


def test_a_file_that_is_no_state_stops_the_run(tmp_path: Path) -> None:
    """It never looks like an empty state."""
    path = tmp_path / "state.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(SafetyStopError, match="cannot be read"):
        SyncState(path)


def test_the_state_of_another_version_stops_the_run(tmp_path: Path) -> None:
    """An older mega does not guess at what a later one wrote."""
    path = tmp_path / "state.db"
    SyncState(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(SafetyStopError, match="another version"):
        SyncState(path)


def test_a_damaged_row_stops_the_run(state: SyncState) -> None:
    """What cannot be decoded is no empty journal."""
    state._db.execute("INSERT INTO journal(kind, facts) VALUES ('move', x'c1')")

    with pytest.raises(SafetyStopError), state_failures():
        state.journal()


def test_writing_where_nothing_can_be_written_stops_the_run(state: SyncState) -> None:
    """A full disk under the state ends the run before anything is done."""
    state._db.execute("PRAGMA query_only = ON")

    with pytest.raises(SafetyStopError), state.transaction():
        state.keep("key", b"value")
