"""Rows of packs and of the blob index: (volume, id) to (pack, offset, length).

Every query names the volume, so no id of one volume can be seen through another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mega_server.database.schema import blobs, packs

# Under every limit on bound values (SQLite 32,766, PostgreSQL 65,535); larger batches measured no faster.
_BATCH = 2_000


class Place(NamedTuple):
    """Where a blob's bytes lie."""

    pack: bytes
    """The pack's name in the store: 32 bytes."""
    offset: int
    length: int


class NewBlob(NamedTuple):
    """A blob about to be indexed."""

    id: bytes
    offset: int
    length: int


def stored(connection: Connection, volume: bytes, ids: Iterable[bytes]) -> dict[bytes, bool]:
    """Find which ids are stored, each with whether a mark has condemned it."""
    found: dict[bytes, bool] = {}
    for batch in _batches(ids):
        query = select(blobs.c.id, blobs.c.condemned).where(blobs.c.volume == volume, blobs.c.id.in_(batch))
        found.update((row.id, row.condemned is not None) for row in connection.execute(query))
    return found


def places(connection: Connection, volume: bytes, ids: Iterable[bytes]) -> dict[bytes, Place]:
    """Find where blobs lie; ids that are not stored are left out."""
    found: dict[bytes, Place] = {}
    for batch in _batches(ids):
        query = (
            select(blobs.c.id, packs.c.name, blobs.c.offset, blobs.c.length)
            .join(packs, packs.c.pack == blobs.c.pack)
            .where(blobs.c.volume == volume, blobs.c.id.in_(batch))
        )
        found.update((row.id, Place(row.name, row.offset, row.length)) for row in connection.execute(query))
    return found


def touch(connection: Connection, volume: bytes, ids: Iterable[bytes], now: int) -> int:
    """Make blobs `touched = now, condemned = NULL`, and say how many there were. The ids must differ."""
    count = 0
    for batch in _batches(ids):
        query = update(blobs).where(blobs.c.volume == volume, blobs.c.id.in_(batch))
        count += connection.execute(query.values(touched=now, condemned=None)).rowcount
    return count


def clear_condemned(connection: Connection, volume: bytes, ids: Iterable[bytes]) -> None:
    """Take back what marks said about these blobs: a client has asked for them by name."""
    for batch in _batches(ids):
        query = update(blobs).where(blobs.c.volume == volume, blobs.c.id.in_(batch))
        connection.execute(query.values(condemned=None))


def add_pack(
    connection: Connection, volume: bytes, name: bytes, size_bytes: int, new: Sequence[NewBlob], now: int
) -> bool:
    """Index a stored pack and its blobs, leaving alone what is indexed already; say whether the pack was new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"volume": volume, "name": name, "size_bytes": size_bytes, "uploaded": now}
    added = connection.execute(dialect.insert(packs).values(**values).on_conflict_do_nothing())
    pack = connection.scalar(select(packs.c.pack).where(packs.c.volume == volume, packs.c.name == name))
    connection.execute(
        dialect.insert(blobs).on_conflict_do_nothing(),
        [
            {
                "volume": volume,
                "id": blob.id,
                "pack": pack,
                "offset": blob.offset,
                "length": blob.length,
                "uploaded": now,
                "touched": now,
                "condemned": None,
            }
            for blob in new
        ],
    )
    return added.rowcount == 1


def pack_rows(connection: Connection) -> list[Row[Any]]:
    """Read every pack of every volume."""
    query = select(packs.c.pack, packs.c.volume, packs.c.name, packs.c.size_bytes)
    return list(connection.execute(query.order_by(packs.c.volume, packs.c.name)))


def blob_rows(connection: Connection, pack: int) -> list[Row[Any]]:
    """Read the indexed blobs of one pack, in the order they lie."""
    query = select(blobs.c.id, blobs.c.offset, blobs.c.length).where(blobs.c.pack == pack)
    return list(connection.execute(query.order_by(blobs.c.offset)))


def _batches(ids: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(ids)
    while batch := list(islice(rest, _BATCH)):
        yield batch
