"""Which blobs are stored: in the index, and with their pack in the store as long as the index says.

It is the server's only answer to that question. A blob whose pack is lost or cut counts as missing, so its owner's next
upload of it mends what `mega-server check` reports. It never looks into a pack: a changed byte is `check --read-data`'s
to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from mega_server.database import blobs
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.services.backend import Backend
from mega_server.storage.store import PackName


class Presence(NamedTuple):
    """What was found of some ids."""

    stored: dict[BlobId, blobs.Indexed]
    lost_packs: set[int]
    """Packs that hold others of these ids in the index alone."""

    def missing(self, ids: Sequence[BlobId]) -> list[BlobId]:
        """Say which of these are not stored, in their order."""
        return [blob for blob in ids if blob not in self.stored]


def look_for(backend: Backend, connection: Connection, volume: VolumeId, ids: Iterable[BlobId]) -> Presence:
    """Find which ids are stored. Costs one look at the store for each pack they lie in."""
    found = blobs.indexed(connection, volume, ids)
    rows = blobs.numbered_packs(connection, {blob.pack for blob in found.values()})
    lost = {row.pack for row in rows if backend.store.size_bytes(volume, PackName(row.name)) != row.size_bytes}
    return Presence({BlobId(id_): blob for id_, blob in found.items() if blob.pack not in lost}, lost)
