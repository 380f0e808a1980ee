"""Rows of packs whose account was deleted and whose files are still to be removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, tuple_

from mega_server.database.schema import doomed_packs as table
from mega_server.database.schema import packs, volumes


def doom_packs(connection: Connection, account: str) -> None:
    """Write down every pack of an account."""
    found = select(packs.c.volume, packs.c.name).join(volumes, volumes.c.volume == packs.c.volume)
    connection.execute(insert(table).from_select(["volume", "name"], found.where(volumes.c.account == account)))


def doomed_packs(connection: Connection, most: int) -> list[Row[Any]]:
    """Read some of the doomed packs: volume and name."""
    return list(connection.execute(select(table.c.volume, table.c.name).limit(most)))


def forget(connection: Connection, removed: Sequence[Row[Any]]) -> None:
    """Drop the rows of packs whose files are gone."""
    connection.execute(delete(table).where(tuple_(table.c.volume, table.c.name).in_([tuple(row) for row in removed])))


def is_doomed(connection: Connection, volume: bytes) -> bool:
    """Say whether a deleted account left a pack of this volume that is not removed yet."""
    return connection.scalar(select(table.c.volume).where(table.c.volume == volume).limit(1)) is not None
