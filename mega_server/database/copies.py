"""Copies of a SQLite database as one file: taken while it is written to, put in place as a whole.

A copy says nothing that holds for the original's running server alone: promises to uploads under way, challenges, and
what marks said of its blobs (crypto.md, section 5: a restored server begins to condemn from the start).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, update

from mega_server.database.engine import Database
from mega_server.database.schema import blobs, challenges, reservations

_BUSY_TIMEOUT_S = 30


class NamedPack(NamedTuple):
    """A pack that a database names."""

    volume: bytes
    name: bytes
    size_bytes: int


def copy_database(source: Path, copy: Path) -> None:
    """Write what `source` holds at one moment to the new file `copy`, durably. Raises sqlite3.Error, OSError.

    Readers and writers of `source` go on meanwhile. It may lie on read-only media when it has no log beside it.
    """
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)  # VACUUM INTO takes an empty file as it is
    is_at_rest = not os.access(source.parent, os.W_OK) and not source.with_name(f"{source.name}-wal").exists()
    uri = source.absolute().as_uri() + ("?mode=ro&immutable=1" if is_at_rest else "?mode=rw")
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    fresh = Database(f"sqlite:///{copy}")
    try:
        with fresh.writing() as connection_:
            connection_.execute(delete(reservations))
            connection_.execute(delete(challenges))
            connection_.execute(update(blobs).where(blobs.c.condemned.is_not(None)).values(condemned=None))
    finally:
        fresh.close()
    settle(copy)
    with copy.open("rb") as file:
        os.fsync(file.fileno())


def settle(database: Path) -> None:
    """Fold a database's log into its one file, and be sure that nobody has it open. Raises sqlite3.OperationalError."""
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def named_packs(database: Path) -> Iterator[NamedPack]:
    """Read which packs a settled copy names, in order."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT volume, name, size_bytes FROM packs ORDER BY volume, name"
        yield from (NamedPack(*row) for row in connection.execute(query))


def setting_in(database: Path, name: str) -> bytes | None:
    """Read one of a server's own values from a settled copy."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])
