"""The page cache: sealed pages and lists exactly as the server stores them. Anyone may delete it.

Nothing in it is trusted: a reader verifies a blob from here as it verifies one from the server, and asks the server
when it does not hold. Lost or damaged, it starts again empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mega_cli.model import MIB, BlobId
from mega_cli.state.rebuildable import RebuildableDatabase

CACHE_BYTES: Final = 256 * MIB
"""About 100,000 pages of typical size: a volume of some millions of entries."""
_VERSION: Final = 1
_SCHEMA: Final = "CREATE TABLE blobs(number INTEGER PRIMARY KEY, id BLOB UNIQUE NOT NULL, blob BLOB NOT NULL) STRICT"
_AT_ONCE: Final = 500


class PageCache:
    """Blobs by id, the oldest dropped first. Thread-safe, shared by processes, never an error."""

    def __init__(self, path: Path, most_bytes: int = CACHE_BYTES) -> None:
        """Open nothing yet."""
        self._file = RebuildableDatabase(path, _SCHEMA, _VERSION)
        self._most_bytes = most_bytes

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def get(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """Give the blobs that are here: NOT verified."""
        wanted = list(ids)

        def work(db: sqlite3.Connection) -> dict[BlobId, bytes]:
            found: dict[BlobId, bytes] = {}
            for at in range(0, len(wanted), _AT_ONCE):
                part = wanted[at : at + _AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT id, blob FROM blobs WHERE id IN ({marks}) AND typeof(blob)='blob'"  # noqa: S608 -- only marks
                found.update(db.execute(query, part).fetchall())
            return found

        return self._file.read(work, {})

    def put(self, items: Iterable[tuple[BlobId, bytes]]) -> None:
        """Keep blobs, instead of what may lie damaged under their ids; beyond the bound the oldest quarter goes."""
        rows = list(items)

        def work(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO blobs(id, blob) VALUES(?,?)", rows)
            if _used_bytes(db) > self._most_bytes:
                first, last = db.execute("SELECT min(number), max(number) FROM blobs").fetchone()
                db.execute("DELETE FROM blobs WHERE number < ?", (first + max(1, (last - first + 1) // 4),))

        if rows:
            self._file.write(work)

    def forget(self, ids: Iterable[BlobId]) -> None:
        """Drop blobs that did not verify."""
        rows = [(id_,) for id_ in ids]
        self._file.write(lambda db: db.executemany("DELETE FROM blobs WHERE id=?", rows))


def _used_bytes(db: sqlite3.Connection) -> int:
    """Say how many bytes of the file hold rows: free pages are used again before the file grows."""
    (pages,), (free,), (size,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
