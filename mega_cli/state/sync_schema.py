"""The schema of a pair's state: three trees, what of them was touched, and the notes of work under way.

Every write to a tree notes the node's id in `touched`, by trigger, so that nobody can forget to: comparing the trees
costs what changed.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 2

_NODE: Final = """
    id BLOB PRIMARY KEY, parent BLOB NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, digest BLOB NOT NULL,
    size INTEGER NOT NULL, mode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, target TEXT NOT NULL"""
_STAMPS: Final = """,
    disk_name BLOB NOT NULL, is_racy INTEGER NOT NULL, s_size INTEGER NOT NULL, s_mtime_ns INTEGER NOT NULL,
    s_ctime_ns INTEGER NOT NULL, s_ino INTEGER NOT NULL, s_dev INTEGER NOT NULL, s_mode INTEGER NOT NULL,
    links INTEGER NOT NULL, birth_ns INTEGER NOT NULL"""
TREES: Final = ("base", "remote", "local")


def _tree(table: str) -> str:
    """Write one tree's table, the index of its places, and the triggers that note what was written."""
    triggers = "".join(
        f"""
CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN
    INSERT OR IGNORE INTO touched VALUES ({row}.id);
END;"""  # noqa: S608 -- our own table names
        for event, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
    )
    return f"""
CREATE TABLE {table}({_NODE}{_STAMPS if table == "local" else ""}) WITHOUT ROWID;
CREATE INDEX {table}_place ON {table}(parent, name);{triggers}
"""


SCHEMA: Final = (
    "CREATE TABLE touched(id BLOB PRIMARY KEY) WITHOUT ROWID;"
    + "".join(_tree(table) for table in TREES)
    + """
CREATE INDEX local_ino ON local(s_ino);
CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE absent(id BLOB PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stalled(id BLOB PRIMARY KEY, path TEXT NOT NULL, reason TEXT NOT NULL, since_ns INTEGER NOT NULL,
    tries INTEGER NOT NULL, next_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE approved(id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE holds(name TEXT PRIMARY KEY, side TEXT NOT NULL, ids BLOB NOT NULL, files INTEGER NOT NULL,
    paths BLOB NOT NULL, since_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pending(mark BLOB NOT NULL, id BLOB NOT NULL, node BLOB NOT NULL, PRIMARY KEY(mark, id)) WITHOUT ROWID;
CREATE TABLE journal(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, facts BLOB NOT NULL);
CREATE TABLE trash(id INTEGER PRIMARY KEY, place BLOB NOT NULL, path TEXT NOT NULL, node BLOB NOT NULL,
    stamps BLOB NOT NULL, at_ns INTEGER NOT NULL, is_proven INTEGER NOT NULL, looks INTEGER NOT NULL);
CREATE TABLE conflicts(id BLOB PRIMARY KEY, node_id BLOB NOT NULL, path TEXT NOT NULL, copy TEXT NOT NULL,
    at_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events(id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, event TEXT NOT NULL, path TEXT NOT NULL,
    other TEXT NOT NULL);
"""
)
"""Paths are names joined by "/". `pending` is what each announced commit would settle that may be in the history.

`journal.facts`, `pending.node` and `trash.node` are msgspec: see `sync_state.py` and who writes them.
"""
