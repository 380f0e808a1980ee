"""How new the links of others were when this device last saw them, and visits that may go on. It cannot be rebuilt.

`seq` only rises: a server that shows an older record than this device has seen is found out (attacks.md T68). A link is
known by its id and its pin together, so that nobody who makes up a link of the same id spoils what is known of another.
The file needs no account; nothing cleans it up, and a damaged one stops rather than forgetting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from mega_cli.errors import SafetyStopError
from mega_cli.state.private_files import touch_private_file

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS seen(link BLOB NOT NULL, pin BLOB NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY(link, pin)) STRICT;
CREATE TABLE IF NOT EXISTS visits(link BLOB NOT NULL, pin BLOB NOT NULL, token BLOB NOT NULL, begun_ms INTEGER NOT NULL,
    PRIMARY KEY(link, pin)) STRICT;
"""


class SeenLinks:
    """The file, open. Several processes may share it; use one from one thread. A context manager."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raises SafetyStopError."""
        self._path = path
        touch_private_file(path)
        with self._guarded():
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            (found,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._db.close()

    def seq(self, link_id: bytes, pin: bytes) -> int:
        """Give the greatest `seq` seen; 0 when the link is new here."""
        with self._guarded():
            row = self._db.execute("SELECT seq FROM seen WHERE link=? AND pin=?", (link_id, pin)).fetchone()
        return row[0] if row else 0

    def raise_seq(self, link_id: bytes, pin: bytes, seq: int) -> None:
        """Note, durably, that a verified record had this `seq`; a greater one that is known already stays."""
        statement = "INSERT INTO seen VALUES(?,?,?) ON CONFLICT DO UPDATE SET seq=max(seq, excluded.seq)"
        with self._guarded():
            self._db.execute(statement, (link_id, pin, seq))

    def visit(self, link_id: bytes, pin: bytes, since_ms: int) -> bytes | None:
        """Give the token of a visit that was begun after `since_ms`."""
        query = "SELECT token FROM visits WHERE link=? AND pin=? AND begun_ms>?"
        with self._guarded():
            row = self._db.execute(query, (link_id, pin, since_ms)).fetchone()
        return row[0] if row else None

    def begin_visit(self, link_id: bytes, pin: bytes, token: bytes, now_ms: int, since_ms: int) -> None:
        """Keep a visit's token, so that the next run goes on with it; forget those begun before `since_ms`."""
        with self._guarded():
            self._db.execute("DELETE FROM visits WHERE begun_ms<=?", (since_ms,))
            self._db.execute("INSERT OR REPLACE INTO visits VALUES(?,?,?,?)", (link_id, pin, token, now_ms))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a message that quotes a damaged schema is no UTF-8
            message = f"the file of links that were seen cannot be read or written: {self._path}: {error}"
            hint = "it protects you from an old state of a link being shown; restore it from a backup, or remove it"
            if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
                hint = "see that its disk is writable and not full, and run the same command again"
            raise SafetyStopError(message, hint) from error
