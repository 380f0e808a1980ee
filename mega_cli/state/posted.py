"""What this device last posted of each link, so that a link in step costs no request. Losing it costs one each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mega_cli.state.rebuildable import RebuildableDatabase

_SCHEMA: Final = "CREATE TABLE posted(link BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID"
_VERSION: Final = 1


class PostedLinks:
    """Link ids, each with a fingerprint of what it showed when it was posted."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._file = RebuildableDatabase(path, _SCHEMA, _VERSION)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def state(self, link_id: bytes) -> bytes | None:
        """Give what was last posted, or None."""
        query = "SELECT state FROM posted WHERE link=?"
        row = self._file.read(lambda db: db.execute(query, (link_id,)).fetchone(), None)
        return row[0] if row else None

    def remember(self, link_id: bytes, state: bytes) -> None:
        """Keep what was posted."""
        row = (link_id, state)
        self._file.write(lambda db: db.execute("INSERT OR REPLACE INTO posted VALUES(?,?)", row))
