"""The content index of one account: what this device has sealed before, so that it is not read or sent twice.

Two tables: content of 64 KiB or more by its keyed fingerprint, and source files by folder, name and stat. Both are
hints: a ref found here counts only when the server says it still stores the id (`needs`, `hold`), a source row only
under the racy-stat rule of `mega_cli.localfs`. Losing the file costs time. It holds keys: 0600, as the session.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mega_cli.model import BLOB_ID_BYTES, LIST, REF_BYTES, BlobId, Ref
from mega_cli.state.rebuildable import RebuildableDatabase

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE contents(fingerprint BLOB PRIMARY KEY, ref BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE folders(folder INTEGER PRIMARY KEY, path BLOB UNIQUE NOT NULL) STRICT;
CREATE TABLE sources(folder INTEGER NOT NULL, name BLOB NOT NULL, stat BLOB NOT NULL, is_racy INTEGER NOT NULL,
    digest BLOB NOT NULL, refs BLOB NOT NULL, PRIMARY KEY(folder, name)) STRICT, WITHOUT ROWID
"""
_STAT: Final = struct.Struct(">QqqQQI")
_AT_ONCE: Final = 500
"""Fewer than the 999 variables every SQLite takes in one statement."""
_DIRECT_REFS: Final = 4
"""An entry names at most so many data refs itself; a longer file names one list."""

Stat = tuple[int, int, int, int, int, int]
"""size, mtime_ns, ctime_ns, ino, dev, mode: the fields of `localfs.StatPrint`, in its order."""


class SourceRow(NamedTuple):
    """What a source file was when it was last read."""

    disk_name: bytes
    stat: Stat
    is_racy: bool
    """The file was changed so close to being read that its stat proves nothing."""
    digest: bytes
    refs: bytes

    def __repr__(self) -> str:
        """Show no name and no ref: it holds a key."""
        return f"SourceRow(stat={self.stat}, is_racy={self.is_racy}, …)"


class ContentIndex:
    """The two tables. Thread-safe, shared by processes, never an error."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._file = RebuildableDatabase(path, _SCHEMA, _VERSION)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def lookup(self, fingerprints: Iterable[bytes]) -> dict[bytes, Ref]:
        """Find the refs of contents by fingerprint; what is unknown is absent, and a damaged row is forgotten."""
        wanted = list(fingerprints)

        def work(db: sqlite3.Connection) -> dict[bytes, Ref]:
            found: dict[bytes, Ref] = {}
            for at in range(0, len(wanted), _AT_ONCE):
                part = wanted[at : at + _AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT fingerprint, ref FROM contents WHERE fingerprint IN ({marks}) AND typeof(ref)='blob'"  # noqa: S608 -- only marks
                for fingerprint, raw in db.execute(query, part).fetchall():
                    try:
                        found[fingerprint] = Ref.unpack(raw)
                    except ValueError:
                        db.execute("DELETE FROM contents WHERE fingerprint=?", (fingerprint,))
            return found

        return self._file.read(work, {})

    def add(self, items: Iterable[tuple[bytes, Ref]]) -> None:
        """Remember contents; a later ref replaces an earlier one."""
        rows = [(fingerprint, ref.pack()) for fingerprint, ref in items]
        if rows:
            self._file.write(lambda db: db.executemany("INSERT OR REPLACE INTO contents VALUES(?,?)", rows))

    def sources_in(self, folder: bytes) -> dict[bytes, SourceRow]:
        """Give the rows of a folder, by disk name. `folder` is its absolute path. A damaged row is as good as none."""
        query = """SELECT name, stat, is_racy, digest, refs FROM sources
                   WHERE folder = (SELECT folder FROM folders WHERE path = ?) AND typeof(name) = 'blob'
                   AND typeof(stat) = 'blob' AND typeof(digest) = 'blob' AND typeof(refs) = 'blob'"""
        unpack = _STAT.unpack

        def work(db: sqlite3.Connection) -> dict[bytes, SourceRow]:
            return {
                name: SourceRow(name, unpack(stat), bool(is_racy), digest, refs)
                for name, stat, is_racy, digest, refs in db.execute(query, (folder,))
                if len(stat) == _STAT.size and _are_refs(refs)
            }

        return self._file.read(work, {})

    def add_sources(self, folder: bytes, rows: Iterable[SourceRow]) -> None:
        """Remember rows of a folder; rows of other names stay."""
        self.add_all_sources({folder: rows})

    def add_all_sources(self, folders: Mapping[bytes, Iterable[SourceRow]]) -> None:
        """Remember the rows of several folders in one transaction."""
        pack = _STAT.pack

        def work(db: sqlite3.Connection) -> None:
            for path, rows in folders.items():
                db.execute("INSERT OR IGNORE INTO folders(path) VALUES(?)", (path,))
                (folder,) = db.execute("SELECT folder FROM folders WHERE path=?", (path,)).fetchone()
                db.executemany(
                    "INSERT OR REPLACE INTO sources VALUES(?,?,?,?,?,?)",
                    [(folder, row.disk_name, pack(*row.stat), row.is_racy, row.digest, row.refs) for row in rows],
                )

        if folders:
            self._file.write(work)

    def forget(self, ids: Iterable[BlobId]) -> None:
        """Drop every row that could lead to one of these ids, because the server lacks them.

        Rows that name a list are all dropped: their children are not known here, and a row that stayed would lead to
        the same refusal for ever. This is rare, and costs one more reading of the large files.
        """
        gone = [(id_,) for id_ in ids]
        held = " OR ".join(f"substr(refs, {1 + REF_BYTES * at}, {BLOB_ID_BYTES}) IN gone" for at in range(_DIRECT_REFS))

        def work(db: sqlite3.Connection) -> None:
            db.execute("CREATE TEMP TABLE gone(id BLOB PRIMARY KEY)")
            db.executemany("INSERT OR IGNORE INTO gone VALUES(?)", gone)
            db.execute(f"DELETE FROM contents WHERE substr(ref, 1, {BLOB_ID_BYTES}) IN gone")  # noqa: S608 -- constants
            db.execute(f"DELETE FROM sources WHERE substr(refs, 65, 1) = x'{LIST:02x}' OR {held}")  # noqa: S608 -- constants
            db.execute("DROP TABLE gone")

        if gone:
            self._file.write(work)


def _are_refs(raw: bytes) -> bool:
    """Say whether a row's refs can be read; whoever uses the row later must not find out then."""
    try:
        Ref.unpack_all(raw)
    except ValueError:
        return False
    return True
