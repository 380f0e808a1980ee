"""The state of one pair: what was observed on both sides, what they last agreed on, and notes of work under way.

Losing it is harmless: the next run joins both sides and deletes nothing. Trusting a broken one is not, so any failure
of the file stops the run (SafetyStopError) and never looks like an empty tree. It lies beside the account's other
state, never in the synced folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self, final

import msgspec

from mega_cli.errors import SafetyStopError
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.private_files import touch_private_file
from mega_cli.state.sync_schema import SCHEMA, VERSION
from mega_cli.state.sync_trees import LocalTable, TreeTable

_BUSY_S: Final = 30
_CACHE_KIB: Final = 65_536
"""At most; the default of 2 MiB writes pages of a large transaction out and reads them back, over and over."""
_ANEW: Final = "begin anew, which deletes nothing: mega syncs rm ID, then the same mega sync again"
"""A resync would have to read the state first."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_node: Final = msgspec.msgpack.Decoder(Node).decode
_decode_facts: Final = msgspec.msgpack.Decoder(dict[str, object]).decode


class JournalRow(NamedTuple):
    """One action on the disk that was begun: `facts` is what its executor needs to finish or forget it."""

    id: int
    kind: str
    facts: Mapping[str, object]

    def __repr__(self) -> str:
        """Show no name."""
        return f"JournalRow({self.id}, {self.kind})"


class StalledRow(NamedTuple):
    """A node that stands still: since when, how often it was tried, and when it is next (wall clock, ns)."""

    id: NodeId
    path: str
    reason: Reason
    since_ns: int
    tries: int
    next_ns: int

    def __repr__(self) -> str:
        """Show no name."""
        return f"StalledRow({self.id.hex()[:8]}, {self.reason}, tries={self.tries})"


class HoldRow(NamedTuple):
    """Deletions that wait for the user, under the short name they are approved by."""

    name: str
    side: str
    ids: tuple[NodeId, ...]
    files: int
    paths: tuple[str, ...]
    since_ns: int

    def __repr__(self) -> str:
        """Show no name."""
        return f"HoldRow({self.name}, {self.side}, files={self.files})"


class TrashRow(NamedTuple):
    """Something in the local trash: where it lies, and where and what it was.

    `is_proven`: its content is known to be in the volume's history. `looks` counts the looks for late writes.
    """

    id: int
    place: bytes
    path: str
    node: Node
    stamps: tuple[int, ...]
    at_ns: int
    is_proven: bool
    looks: int

    def __repr__(self) -> str:
        """Show no name."""
        return f"TrashRow({self.id}, {self.node!r}, is_proven={self.is_proven}, looks={self.looks})"


class ConflictRow(NamedTuple):
    """A conflict copy: its own id, the node it was a version of, and both paths at that time."""

    id: NodeId
    node_id: NodeId
    path: str
    copy: str
    at_ns: int

    def __repr__(self) -> str:
        """Show no name."""
        return f"ConflictRow({self.id.hex()[:8]} of {self.node_id.hex()[:8]})"


class EventRow(NamedTuple):
    """One line of the pair's log."""

    at_ns: int
    event: str
    path: str
    other: str

    def __repr__(self) -> str:
        """Show no name."""
        return f"EventRow({self.at_ns}, {self.event})"


@final
class SyncState:
    """Open one per run, used from one thread. Every write happens in `transaction`, every run in `state_failures`."""

    def __init__(self, path: Path | str, watch: Callable[[str], None] = lambda _: None) -> None:
        """Open or make the file; ":memory:" for a state that ends with the object. Raises SafetyStopError.

        `watch` is told "begin" and "commit" just before each: what a simulator needs to stop the run there.
        """
        self._watch = watch
        if isinstance(path, Path):
            touch_private_file(path)
        with state_failures():
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, cached_statements=256)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # NORMAL may forget what was committed when the power is cut
            self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._prepare()
        self.base = TreeTable(self._db, "base")
        self.remote = TreeTable(self._db, "remote")
        self.local = LocalTable(self._db)

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            message = "the state of this sync was written by another version of mega"
            raise SafetyStopError(message, f"update mega; or {_ANEW}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside durable at its end, or nothing of it. Not nested. Raises SafetyStopError."""
        with state_failures():
            self._watch("begin")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._watch("commit")
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    # --- single values

    def value(self, key: str) -> bytes | None:
        """Give what is kept under a key."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, key: str, value: bytes | None) -> None:
        """Keep a value under a key, or forget it."""
        self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        if value is not None:
            self._db.execute("INSERT INTO meta VALUES (?, ?)", (key, value))

    # --- what to compare

    def touched(self) -> list[NodeId]:
        """Give the ids of nodes that may differ between the three trees, sorted."""
        return [row[0] for row in self._db.execute("SELECT id FROM touched ORDER BY id")]

    def touch(self, ids: Iterable[NodeId]) -> None:
        """Note that these nodes may differ between the three trees."""
        self._db.executemany("INSERT OR IGNORE INTO touched VALUES (?)", ((id_,) for id_ in ids))

    def forget_touched(self, ids: Iterable[NodeId]) -> None:
        """Note that these nodes are the same in all three trees."""
        self._db.executemany("DELETE FROM touched WHERE id = ?", ((id_,) for id_ in ids))

    def absent(self) -> dict[NodeId, Reason]:
        """Give the nodes that are not on this disk on purpose."""
        return {id_: Reason(reason) for id_, reason in self._db.execute("SELECT id, reason FROM absent ORDER BY id")}

    def keep_absent(self, absent: Iterable[tuple[NodeId, Reason]]) -> None:
        """Replace them; what was or is among them counts as touched."""
        self._db.execute("INSERT OR IGNORE INTO touched SELECT id FROM absent")
        self._db.execute("DELETE FROM absent")
        self._db.executemany("INSERT INTO absent VALUES (?, ?)", absent)
        self._db.execute("INSERT OR IGNORE INTO touched SELECT id FROM absent")

    def forget_base(self) -> None:
        """Begin anew: both sides will be joined, and nothing deleted."""
        for table in ("base", "remote", "local", "touched", "absent", "stalled", "approved", "holds", "pending"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 -- our own table names

    # --- commits under way

    def pending(self) -> dict[bytes, list[tuple[NodeId, Node | None]]]:
        """Give, by its mark, what each announced commit makes of the nodes it would settle (None: removed)."""
        found: dict[bytes, list[tuple[NodeId, Node | None]]] = {}
        for mark, id_, node in self._db.execute("SELECT mark, id, node FROM pending ORDER BY mark, id"):
            found.setdefault(mark, []).append((id_, _decode_node(node) if node else None))
        return found

    def add_pending(self, mark: bytes, nodes: Iterable[tuple[NodeId, Node | None]]) -> None:
        """Note a commit that is announced."""
        rows = ((mark, id_, b"" if node is None else _encode(node)) for id_, node in nodes)
        self._db.executemany("INSERT OR REPLACE INTO pending VALUES (?, ?, ?)", rows)

    def forget_pending(self, marks: Iterable[bytes]) -> None:
        """Forget commits of which it is known what became of them."""
        self._db.executemany("DELETE FROM pending WHERE mark = ?", ((mark,) for mark in marks))

    # --- actions on the disk under way

    def journal(self) -> list[JournalRow]:
        """Give the actions that were begun, the oldest first."""
        found = self._db.execute("SELECT id, kind, facts FROM journal ORDER BY id")
        return [JournalRow(id_, kind, _decode_facts(facts)) for id_, kind, facts in found]

    def begin(self, kind: str, facts: Mapping[str, object]) -> int:
        """Note that an action begins; give the row's id."""
        cursor = self._db.execute("INSERT INTO journal(kind, facts) VALUES (?, ?)", (kind, _encode(facts)))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def end(self, journal_id: int) -> None:
        """Note that it is finished or forgotten."""
        self._db.execute("DELETE FROM journal WHERE id = ?", (journal_id,))

    # --- what the user should know

    def stalled(self) -> list[StalledRow]:
        """Give what stands still, by path."""
        found = self._db.execute("SELECT id, path, reason, since_ns, tries, next_ns FROM stalled ORDER BY path, id")
        return [StalledRow(id_, path, Reason(reason), *times) for id_, path, reason, *times in found]

    def keep_stalled(self, rows: Iterable[StalledRow]) -> None:
        """Replace it."""
        self._db.execute("DELETE FROM stalled")
        self._db.executemany("INSERT OR REPLACE INTO stalled VALUES (?, ?, ?, ?, ?, ?)", rows)

    def holds(self) -> list[HoldRow]:
        """Give the deletions that wait, by name."""
        found = self._db.execute("SELECT name, side, ids, files, paths, since_ns FROM holds ORDER BY name")
        return [
            HoldRow(name, side, _sixteens(ids), files, tuple(_decode_texts(paths)), since_ns)
            for name, side, ids, files, paths, since_ns in found
        ]

    def keep_holds(self, rows: Iterable[HoldRow]) -> None:
        """Replace them."""
        self._db.execute("DELETE FROM holds")
        self._db.executemany(
            "INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?)",
            ((row.name, row.side, b"".join(row.ids), row.files, _encode(row.paths), row.since_ns) for row in rows),
        )

    def approved(self) -> frozenset[NodeId]:
        """Give the nodes whose deletion the user approved."""
        return frozenset(row[0] for row in self._db.execute("SELECT id FROM approved"))

    def keep_approved(self, ids: Iterable[NodeId]) -> None:
        """Replace them."""
        self._db.execute("DELETE FROM approved")
        self._db.executemany("INSERT OR IGNORE INTO approved VALUES (?)", ((id_,) for id_ in ids))

    def conflicts(self) -> list[ConflictRow]:
        """Give the conflict copies that were made, the oldest first."""
        found = self._db.execute("SELECT id, node_id, path, copy, at_ns FROM conflicts ORDER BY at_ns, id")
        return [ConflictRow(*row) for row in found]

    def add_conflict(self, row: ConflictRow, base: bytes | None = None) -> None:
        """Note a conflict copy; `base` is the digest of what both versions were made from, where that is known."""
        self._db.execute("INSERT OR REPLACE INTO conflicts VALUES (?, ?, ?, ?, ?)", row)
        self.keep(_base_key(row.id), base or None)

    def conflict_base(self, id_: NodeId) -> bytes | None:
        """Give the digest of what both versions of a conflict were made from."""
        return self.value(_base_key(id_))

    def forget_conflicts(self, ids: Iterable[NodeId]) -> None:
        """Forget copies that were dealt with."""
        for id_ in ids:
            self._db.execute("DELETE FROM conflicts WHERE id = ?", (id_,))
            self.keep(_base_key(id_), None)

    def events(self, most: int) -> list[EventRow]:
        """Give the newest lines of the log, the oldest of them first."""
        found = self._db.execute("SELECT at_ns, event, path, other FROM events ORDER BY id DESC LIMIT ?", (most,))
        return [EventRow(*row) for row in found][::-1]

    def log(self, row: EventRow) -> None:
        """Add a line to the log."""
        self._db.execute("INSERT INTO events(at_ns, event, path, other) VALUES (?, ?, ?, ?)", row)

    # --- the local trash

    def trash(self) -> list[TrashRow]:
        """Give what lies in the local trash, the oldest first."""
        found = self._db.execute(
            "SELECT id, place, path, node, stamps, at_ns, is_proven, looks FROM trash ORDER BY at_ns, id"
        )
        return [
            TrashRow(id_, place, path, _decode_node(node), tuple(_decode_ints(stamps)), at_ns, bool(is_proven), looks)
            for id_, place, path, node, stamps, at_ns, is_proven, looks in found
        ]

    def add_trash(self, row: TrashRow) -> None:
        """Note something in the trash; its `id` is drawn here."""
        self._db.execute(
            "INSERT INTO trash(place, path, node, stamps, at_ns, is_proven, looks) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.place, row.path, _encode(row.node), _encode(row.stamps), row.at_ns, row.is_proven, row.looks),
        )

    def looked_at_trash(self, trash_id: int, looks: int) -> None:
        """Note how often it was looked at for late writes."""
        self._db.execute("UPDATE trash SET looks = ? WHERE id = ?", (looks, trash_id))

    def forget_trash(self, ids: Iterable[int]) -> None:
        """Note that these are in the trash no more."""
        self._db.executemany("DELETE FROM trash WHERE id = ?", ((id_,) for id_ in ids))


_decode_ints: Final = msgspec.msgpack.Decoder(list[int]).decode
_decode_texts: Final = msgspec.msgpack.Decoder(list[str]).decode


def _sixteens(ids: bytes) -> tuple[NodeId, ...]:
    return tuple(ids[at : at + 16] for at in range(0, len(ids), 16))


@contextmanager
def state_failures() -> Iterator[None]:
    """Raise SQLite's failures as a stop: what cannot be read must never look like nothing."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError, msgspec.DecodeError) as error:
        message = "the state of this sync cannot be read or written"
        hint = f"check the disk and its free space; or {_ANEW}"
        raise SafetyStopError(message, hint, {"reason": str(error)}) from error


def _base_key(id_: NodeId) -> str:
    return f"conflict-base/{id_.hex()}"
