"""What the server holds, in numbers for its administrator. No name and no id is among them."""

from __future__ import annotations

from mega_server.database.totals import totals
from mega_server.services.backend import Backend


def database_bytes(backend: Backend) -> int:
    """Say how long the database's files are, its log included."""
    files = backend.config.data_dir.glob("mega.db*")
    return sum(file.stat().st_size for file in files if not file.name.endswith("-shm"))


def stats(backend: Backend) -> dict[str, int | None]:
    """Count what is stored and promised, and the room that is left; packs in no index are `mega-server check`'s."""
    with backend.database.reading() as connection:
        found: dict[str, int | None] = dict(totals(connection))
    return found | {"database_bytes": database_bytes(backend), "disk_free_bytes": backend.store.free_bytes()}
