"""Rows of volumes and their chain of root records, which is kept for ever."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mega_server.database.schema import records, volumes
from mega_server.protocol.record_header import RecordHeader

VolumeRow = Row[Any]
"""volume, account, epoch, writer_key, revision, digest."""

# Made once: each request for a volume needs it.
_VOLUME = select(volumes).where(volumes.c.volume == bindparam("id"), volumes.c.account == bindparam("owner"))


def volume_row(connection: Connection, volume: bytes, account: str) -> VolumeRow | None:
    """Read a volume, if it is this account's."""
    return connection.execute(_VOLUME, {"id": volume, "owner": account}).first()


def volume_rows(connection: Connection, account: str) -> list[Row[Any]]:
    """Read an account's volumes."""
    query = select(volumes).where(volumes.c.account == account).order_by(volumes.c.volume)
    return list(connection.execute(query))


def has_volume(connection: Connection, volume: bytes) -> bool:
    """Say whether any account has this volume."""
    return connection.scalar(select(volumes.c.revision).where(volumes.c.volume == volume)) is not None


def add_volume(connection: Connection, account: str, header: RecordHeader) -> None:
    """Write a new volume whose head is the record of `header`."""
    connection.execute(
        insert(volumes).values(
            volume=header.volume,
            account=account,
            epoch=header.epoch,
            writer_key=header.writer_key,
            revision=header.revision,
            digest=header.digest,
        )
    )


def swap_head(connection: Connection, header: RecordHeader) -> bool:
    """Make the record of `header` the head, if its `prev` still is; say whether it was."""
    swapped = connection.execute(
        update(volumes)
        .where(
            volumes.c.volume == header.volume,
            volumes.c.revision == header.revision - 1,
            volumes.c.digest == header.prev,
        )
        .values(revision=header.revision, digest=header.digest)
    )
    return swapped.rowcount == 1


def add_record(connection: Connection, header: RecordHeader, record: bytes, now: int) -> None:
    """Append a record to the chain."""
    connection.execute(
        insert(records).values(
            volume=header.volume, revision=header.revision, digest=header.digest, record=record, stored=now
        )
    )


def record_at(connection: Connection, volume: bytes, revision: int) -> bytes | None:
    """Read one record of the chain."""
    query = select(records.c.record).where(records.c.volume == volume, records.c.revision == revision)
    return connection.scalar(query)


def records_between(connection: Connection, volume: bytes, first: int, last: int) -> list[bytes]:
    """Read the records of revisions `first` to `last`, both included, oldest first."""
    query = select(records.c.record).where(records.c.volume == volume, records.c.revision.between(first, last))
    return list(connection.scalars(query.order_by(records.c.revision)))
