"""What this device last posted of each link, so that a link in step is not posted again. Losing it costs one each."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple, Self

from mega_cli.state.rebuildable import RebuildableDatabase

_SCHEMA: Final = "CREATE TABLE posted(link BLOB PRIMARY KEY, state BLOB NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID"
_VERSION: Final = 2


class Posted(NamedTuple):
    """What a link was posted with: a fingerprint of what it shows, and the `seq` it had then."""

    state: bytes
    seq: int


class PostedLinks:
    """Link ids, each with what was posted last. A context manager."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._file = RebuildableDatabase(path, _SCHEMA, _VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def last(self, link_id: bytes) -> Posted | None:
        """Give what was last posted, or None."""
        query = "SELECT state, seq FROM posted WHERE link=?"
        row = self._file.read(lambda db: db.execute(query, (link_id,)).fetchone(), None)
        return Posted(*row) if row else None

    def link_ids(self) -> list[bytes]:
        """Name the links that were posted and not forgotten."""
        return self._file.read(lambda db: [row[0] for row in db.execute("SELECT link FROM posted")], [])

    def forget(self, link_id: bytes) -> None:
        """Forget a link that has ended."""
        self._file.write(lambda db: db.execute("DELETE FROM posted WHERE link=?", (link_id,)))

    def remember(self, link_id: bytes, posted: Posted) -> None:
        """Keep what was posted."""
        row = (link_id, *posted)
        self._file.write(lambda db: db.execute("INSERT OR REPLACE INTO posted VALUES(?,?,?)", row))
