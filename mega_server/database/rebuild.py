"""Writing the blob index anew from what packs say of themselves; and what a rebuilt index may no longer claim.

Each step leaves an index that names verified places only, so a rebuild that was killed is run again from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mega_server.database.blobs import NewBlob
from mega_server.database.schema import accounts, blobs, packs, volumes


def known_volumes(connection: Connection) -> set[bytes]:
    """Name every volume of every account."""
    return set(connection.scalars(select(volumes.c.volume)))


def set_pack(
    connection: Connection, volume: bytes, name: bytes, size_bytes: int, found: Sequence[NewBlob], now: int
) -> None:
    """Index a pack as it was found: its blobs lie here, whatever the index said; what it does not hold leaves it."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(packs).values(volume=volume, name=name, size_bytes=size_bytes, uploaded=now)
    connection.execute(
        row.on_conflict_do_update(index_elements=[packs.c.volume, packs.c.name], set_={"size_bytes": size_bytes})
    )
    pack = connection.scalar(select(packs.c.pack).where(packs.c.volume == volume, packs.c.name == name))
    there = {blob.id for blob in found}
    indexed = set(connection.scalars(select(blobs.c.id).where(blobs.c.pack == pack)))
    for gone in indexed - there:
        connection.execute(delete(blobs).where(blobs.c.volume == volume, blobs.c.id == gone))
    if not found:
        return
    place = dialect.insert(blobs)
    place = place.on_conflict_do_update(
        index_elements=[blobs.c.volume, blobs.c.id],
        set_={column: place.excluded[column] for column in ("pack", "offset", "length")},
    )
    times = {"uploaded": now, "touched": now, "condemned": None}
    connection.execute(
        place,
        [
            {"volume": volume, "id": blob.id, "pack": pack, "offset": blob.offset, "length": blob.length, **times}
            for blob in found
        ],
    )


def drop_packs_but(connection: Connection, kept: Collection[tuple[bytes, bytes]]) -> int:
    """Take every pack that is not among `kept`, as (volume, name), out of the index; say how many that was."""
    rows = connection.execute(select(packs.c.pack, packs.c.volume, packs.c.name)).all()
    lost = [row.pack for row in rows if (row.volume, row.name) not in kept]
    for pack in lost:
        connection.execute(delete(blobs).where(blobs.c.pack == pack))
        connection.execute(delete(packs).where(packs.c.pack == pack))
    return len(lost)


def recount(connection: Connection) -> None:
    """Count every account's stored bytes from its packs, and take back what marks said."""
    stored = (
        select(func.coalesce(func.sum(packs.c.size_bytes), 0))
        .join(volumes, volumes.c.volume == packs.c.volume)
        .where(volumes.c.account == accounts.c.account)
        .scalar_subquery()
    )
    connection.execute(update(accounts).values(used_bytes=stored))
    connection.execute(update(blobs).where(blobs.c.condemned.is_not(None)).values(condemned=None))
