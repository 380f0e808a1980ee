"""Looking whether everything is there: quickly for `/healthz`, thoroughly for `mega-server check`.

Looking changes nothing, and can be done while the server runs: packs that arrive or leave meanwhile are looked at or
not, never reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from mega_server.database import blobs
from mega_server.protocol.ids import VolumeId
from mega_server.services.backend import Backend
from mega_server.storage.store import PackLostError, PackName

# A pack is written in seconds; what is older than this was left by a process that is gone.
_CUT_AFTER_MS = 3_600_000
DROP_AFTER_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    is_damage: bool
    """False for an orphan: it costs room and nothing else."""
    volume: bytes
    pack: bytes
    what: str

    @property
    def line(self) -> str:
        """Say it in one line."""
        kind = "damaged" if self.is_damage else "orphan"
        return f"{kind} {self.volume.hex()}/{self.pack.hex()}: {self.what}"


def check_alive(backend: Backend) -> None:
    """Read the database and probe the store. Raises OSError or SQLAlchemy's OperationalError."""
    with backend.database.reading() as connection:
        connection.execute(text("SELECT 1 FROM settings"))
    backend.store.check()


def check(backend: Backend, *, reads_data: bool) -> Iterator[Finding]:
    """Compare index and store: every pack there and whole; with `reads_data`, every blob's SHA-256 its id.

    Raises sqlite3.DatabaseError when the database itself is damaged. Orphans are taken from a listing made before the
    index is read, so a pack stored meanwhile is none.
    """
    listed = {(pack.volume, pack.name) for pack in backend.store.packs()}
    backend.database.refuse_damage()
    with backend.database.reading() as connection:
        rows = blobs.pack_rows(connection)
    for row in rows:
        listed.discard((VolumeId(row.volume), PackName(row.name)))
        with backend.database.reading() as connection:
            indexed = blobs.blob_rows(connection, row.pack)
        volume, name = VolumeId(row.volume), PackName(row.name)
        size_bytes = backend.store.size_bytes(volume, name)
        if size_bytes != row.size_bytes and not _is_indexed(backend, row.pack):
            continue  # its account was deleted meanwhile, or its owner has sent its blobs again
        if size_bytes is None:
            yield Finding(True, volume, name, f"the pack is lost, and {len(indexed)} blobs with it")
            continue
        if size_bytes != row.size_bytes:
            yield Finding(True, volume, name, f"the pack is {size_bytes} bytes long, not {row.size_bytes}")
        if reads_data:
            yield from _check_blobs(backend, volume, name, [(blob.id, blob.offset, blob.length) for blob in indexed])
    for orphan_volume, orphan in sorted(listed):
        yield Finding(False, orphan_volume, orphan, "the pack is in no index: an upload was cut; it costs room only")
    for volume, name, size_bytes in backend.store.leftovers(backend.clock() - _CUT_AFTER_MS):
        what = f"{size_bytes} bytes of a pack whose upload was killed; serve removes them after a day"
        yield Finding(False, volume, name, what)


def _is_indexed(backend: Backend, pack: int) -> bool:
    with backend.database.reading() as connection:
        return bool(blobs.numbered_packs(connection, [pack]))


def _check_blobs(
    backend: Backend, volume: VolumeId, name: PackName, indexed: list[tuple[bytes, int, int]]
) -> Iterator[Finding]:
    for blob, offset, length in indexed:
        try:
            data = backend.store.read(volume, name, offset, length)
        except PackLostError:
            yield Finding(True, volume, name, f"blob {blob.hex()} is cut off")
            continue
        if hashlib.sha256(data).digest() != blob:
            yield Finding(True, volume, name, f"blob {blob.hex()} is damaged")
