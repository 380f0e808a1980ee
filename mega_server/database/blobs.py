"""Rows of packs and of the blob index: (volume, id) to (pack, offset, length).

Every query names the volume, so no id of one volume can be seen through another. The statements of the hot paths are
made once: making one costs SQLAlchemy as much as running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Insert, Row, bindparam, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mega_server.database.schema import blobs, packs

V = TypeVar("V")
# Under every limit on bound values (SQLite 32,766, PostgreSQL 65,535); larger batches measured no faster.
_BATCH = 2_000

_THESE = (blobs.c.volume == bindparam("of"), blobs.c.id.in_(bindparam("ids", expanding=True)))
_INDEXED = select(blobs.c.id, blobs.c.pack, blobs.c.condemned).where(*_THESE)
_PLACES = (
    select(blobs.c.id, packs.c.name, blobs.c.offset, blobs.c.length)
    .join(packs, packs.c.pack == blobs.c.pack)
    .where(*_THESE)
)
_PACK = select(packs.c.pack).where(packs.c.volume == bindparam("of"), packs.c.name == bindparam("named"))
_ADD_UNLESS_THERE: dict[str, list[Insert]] = {
    "sqlite": [sqlite.insert(table).on_conflict_do_nothing() for table in (packs, blobs)],
    "postgresql": [postgresql.insert(table).on_conflict_do_nothing() for table in (packs, blobs)],
}


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
        rows = connection.execute(_INDEXED, {"of": volume, "ids": batch})
        found.update((id_, Indexed(pack, condemned is not None)) for id_, pack, condemned in rows)
    return found


def places(connection: Connection, volume: bytes, ids: Iterable[bytes]) -> dict[bytes, Place]:
    """Find where blobs lie; ids that are not stored are left out."""
    found: dict[bytes, Place] = {}
    for batch in _batches(ids):
        rows = connection.execute(_PLACES, {"of": volume, "ids": batch})
        found.update((id_, Place(name, offset, length)) for id_, name, offset, length in rows)
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
    pack = connection.scalar(_PACK, {"of": volume, "named": name})
    for blob in new:
        query = update(blobs).where(blobs.c.volume == volume, blobs.c.id == blob.id, blobs.c.pack.in_(gone))
        connection.execute(query.values(pack=pack, offset=blob.offset, length=blob.length, touched=now, condemned=None))
    holds_none = packs.c.pack.in_(gone) & ~exists().where(blobs.c.pack == packs.c.pack)
    return sum(connection.scalars(delete(packs).where(holds_none).returning(packs.c.size_bytes)))


def add_pack(
    connection: Connection, volume: bytes, name: bytes, size_bytes: int, new: Sequence[NewBlob], now: int
) -> bool:
    """Index a stored pack and its blobs, leaving alone what is indexed already; say whether the pack was new."""
    add_pack_row, add_blob_rows = _ADD_UNLESS_THERE[connection.dialect.name]
    values = {"volume": volume, "name": name, "size_bytes": size_bytes, "uploaded": now}
    added = connection.execute(add_pack_row, values)
    pack = connection.scalar(_PACK, {"of": volume, "named": name})
    connection.execute(
        add_blob_rows,
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
