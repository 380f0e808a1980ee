"""A SQLite file that costs time when it is lost, never data: deleted, damaged or outdated ones start again empty.

Ten processes may share one. It never raises for its own trouble: what cannot be read is not there, what cannot be
written is not kept.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from mega_cli.state.private_files import touch_private_file

T = TypeVar("T")
_BUSY_S: Final = 30
_FAILED: Final = (sqlite3.Error, UnicodeDecodeError)
"""The second: SQLite's message quotes a damaged schema, and Python cannot read the message."""


class RebuildableDatabase:
    """One file with a schema, opened at its first use. Thread-safe: one call at a time."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Open nothing yet. A file whose `user_version` is not `version` is thrown away."""
        self._path = path
        self._schema = schema
        self._version = version
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do `work` on a connection; give `otherwise` when the file cannot be used."""
        with self._lock:
            try:
                return work(self._opened())
            except _FAILED as error:
                self._give_up(error)
                return otherwise

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do `work` in one transaction; it is dropped whole when the file cannot be used."""
        with self._lock:
            try:
                db = self._opened()
                db.execute("BEGIN IMMEDIATE")
                try:
                    work(db)
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:  # a full disk may have ended it already
                        db.execute("ROLLBACK")
                    raise
            except _FAILED as error:
                self._give_up(error)

    def close(self) -> None:
        """Close the file, if it was opened."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._db = self._connect()
            except _FAILED as error:
                if not _is_damage(error):
                    raise  # busy, full or not permitted: deleting would not help
                delete_database(self._path)
                self._db = self._connect()
        return self._db

    def _connect(self) -> sqlite3.Connection:
        try:
            touch_private_file(self._path)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != self._version:
                _initialise(db, self._schema, self._version)
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA cache_size=-8192")
        except BaseException:
            db.close()
            raise
        return db

    def _give_up(self, error: Exception) -> None:
        """Forget a damaged file, so that the next use starts empty; keep one that is merely busy."""
        if _is_damage(error):
            if self._db is not None:
                self._db.close()
                self._db = None
            delete_database(self._path)


def _is_damage(error: Exception) -> bool:
    """Tell a damaged file from one that is merely busy, full or not permitted."""
    return isinstance(error, (sqlite3.DatabaseError, UnicodeDecodeError)) and not isinstance(
        error, sqlite3.OperationalError
    )


def delete_database(path: Path) -> None:
    """Delete the file and what SQLite keeps beside it; what is not there is fine."""
    for suffix in ("", "-wal", "-shm"):
        try:
            os.unlink(f"{path}{suffix}")  # noqa: PTH108 -- the suffix belongs to SQLite, not to a path
        except OSError:
            continue


def _initialise(db: sqlite3.Connection, schema: str, version: int) -> None:
    """Make the tables, once, whichever of several processes comes first; drop those of another version."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("BEGIN IMMEDIATE")
    (present,) = db.execute("PRAGMA user_version").fetchone()
    if present != version:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            db.execute(f'DROP TABLE "{name}"')
        for statement in schema.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={version}")
    db.execute("COMMIT")
