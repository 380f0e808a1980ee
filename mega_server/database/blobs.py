"""Rows of packs and of the blob index: (volume, id) to (pack, offset, length).

Every query names the volume, so no id of one volume can be seen through another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Row, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mega_server.database.schema import blobs, packs

V = TypeVar("V")
# Under every limit on bound values (SQLite 32,766, PostgreSQL 65,535); larger batches measured no faster.
_BATCH = 2_000


class Place(NamedTuple):
    """Where a blob's bytes lie."""

    pack: bytes
    """The pack's name in the store: 32 bytes."""
    offset: int
    length: int


class Indexed(NamedTuple):
    """What the index knows of a blob."""

    pack: int
    """Its pack's number."""
    is_condemned: bool
    """A mark has left it out."""


class NewBlob(NamedTuple):
    """A blob about to be indexed."""

    id: bytes
    offset: int
    length: int


def indexed(connection: Connection, volume: bytes, ids: Iterable[bytes]) -> dict[bytes, Indexed]:
    """Find which ids are in the index; whether their packs are there is the store's to say."""
    found: dict[bytes, Indexed] = {}
    for batch in _batches(ids):
        query = select(blobs.c.id, blobs.c.pack, blobs.c.condemned)
        query = query.where(blobs.c.volume == volume, blobs.c.id.in_(batch))
        found.update((id_, Indexed(pack, condemned is not None)) for id_, pack, condemned in connection.execute(query))
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


def move(
    connection: Connection, volume: bytes, name: bytes, new: Sequence[NewBlob], lost: Iterable[int], now: int
) -> int:
    """Repoint blobs from packs that are lost to the pack `name`, where they lie now. The ids of `new` must differ.

    Lost packs that hold no blob any more leave the index; returns how many bytes those were.
    """
    gone = list(lost)
    pack = connection.scalar(select(packs.c.pack).where(packs.c.volume == volume, packs.c.name == name))
    for blob in new:
        query = update(blobs).where(blobs.c.volume == volume, blobs.c.id == blob.id, blobs.c.pack.in_(gone))
        connection.execute(query.values(pack=pack, offset=blob.offset, length=blob.length, touched=now, condemned=None))
    holds_none = packs.c.pack.in_(gone) & ~exists().where(blobs.c.pack == packs.c.pack)
    return sum(connection.scalars(delete(packs).where(holds_none).returning(packs.c.size_bytes)))


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


def numbered_packs(connection: Connection, numbers: Iterable[int]) -> list[Row[Any]]:
    """Read packs by their numbers: pack, name and size_bytes."""
    found: list[Row[Any]] = []
    for batch in _batches(numbers):
        query = select(packs.c.pack, packs.c.name, packs.c.size_bytes).where(packs.c.pack.in_(batch))
        found += connection.execute(query)
    return found


def pack_rows(connection: Connection) -> list[Row[Any]]:
    """Read every pack of every volume."""
    query = select(packs.c.pack, packs.c.volume, packs.c.name, packs.c.size_bytes)
    return list(connection.execute(query.order_by(packs.c.volume, packs.c.name)))


def blob_rows(connection: Connection, pack: int) -> list[Row[Any]]:
    """Read the indexed blobs of one pack, in the order they lie."""
    query = select(blobs.c.id, blobs.c.offset, blobs.c.length).where(blobs.c.pack == pack)
    return list(connection.execute(query.order_by(blobs.c.offset)))


def _batches(values: Iterable[V]) -> Iterator[list[V]]:
    rest = iter(values)
    while batch := list(islice(rest, _BATCH)):
        yield batch
