"""The blob index, built again from the packs alone; accounts and heads come from the database, or its backup.

Every blob is hashed, so the index names only what is there. It deletes no file, and what it cannot read it lists. The
caller holds the server's folder alone: an upload between the listing and the end would be taken for lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mega_server.database import rebuild
from mega_server.services.backend import Backend
from mega_server.services.checks import Finding
from mega_server.services.packs import read_whole


@dataclass(slots=True)
class Reindexed:
    """What a rebuild found."""

    packs: int = 0
    blobs: int = 0
    lost_packs: int = 0
    """That the index named and the store does not hold."""
    damaged_packs: int = 0


def reindex(backend: Backend, done: Reindexed) -> Iterator[Finding]:
    """Rebuild the index, counting into `done`, and list what is damaged or belongs to nobody. Safe to repeat.

    Of a pack whose header is whole, the blobs are indexed under what they hash to: the sound ones are found again, and
    of the damaged one nobody knows the new name, so it counts as lost and can be uploaded again.
    """
    with backend.database.reading() as connection:
        volumes = rebuild.known_volumes(connection)
    kept: set[tuple[bytes, bytes]] = set()
    for volume, name, size_bytes in sorted(backend.store.packs()):
        if volume not in volumes:
            yield Finding(False, volume, name, "the pack is of a volume that no account has; it costs room only")
            continue
        found = read_whole(backend.store, volume, name)
        if found is None or not found.is_sound:
            done.damaged_packs += 1
            held = len(found.blobs) if found is not None else 0
            yield Finding(True, volume, name, f"the pack is damaged; {held} blobs in it are read as they are")
        if found is None or not found.blobs:
            continue
        kept.add((volume, name))
        with backend.database.writing() as connection:
            rebuild.set_pack(connection, volume, name, size_bytes, found.blobs, backend.clock())
        done.packs += 1
        done.blobs += len(found.blobs)
    with backend.database.writing() as connection:
        done.lost_packs = rebuild.drop_packs_but(connection, kept)
        rebuild.recount(connection)
