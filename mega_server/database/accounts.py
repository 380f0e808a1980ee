"""Rows of accounts, and quota.

The statements that each pack needs are made once: making one costs SQLAlchemy as much as running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from mega_server.database.schema import accounts, blobs, challenges, packs, reservations, volumes

# An upload that has not ended after an hour has died with its process.
RESERVATION_LIFE_MS = 3_600_000

_ACCOUNT = select(accounts).where(accounts.c.account == bindparam("name"))
_STORED = select(accounts.c.used_bytes).where(accounts.c.account == bindparam("name"))
_PROMISED = select(func.sum(reservations.c.size_bytes)).where(
    reservations.c.account == bindparam("name"), reservations.c.created > bindparam("dead")
)
_COUNT = (
    update(accounts)
    .where(accounts.c.account == bindparam("name"))
    .values(used_bytes=accounts.c.used_bytes + bindparam("more"))
)
_FORGET_DEAD = delete(reservations).where(
    reservations.c.account == bindparam("name"), reservations.c.created <= bindparam("dead")
)
_RESERVE = insert(reservations)
_TAKE_BACK = delete(reservations).where(reservations.c.reservation == bindparam("number"))


def account_row(connection: Connection, account: str) -> Row[Any] | None:
    """Read an account."""
    return connection.execute(_ACCOUNT, {"name": account}).first()


def account_rows(connection: Connection) -> list[Row[Any]]:
    """Read every account, by name."""
    return list(connection.execute(select(accounts).order_by(accounts.c.account)))


def add_account(connection: Connection, values: Mapping[str, object]) -> None:
    """Write a new account."""
    connection.execute(insert(accounts).values(**values))


def set_account(connection: Connection, account: str, values: Mapping[str, object]) -> bool:
    """Change an account, and say whether there was one."""
    return connection.execute(update(accounts).where(accounts.c.account == account).values(**values)).rowcount > 0


def drop_account(connection: Connection, account: str) -> None:
    """Delete an account; its sessions, volumes, records and reservations go with it by their foreign keys."""
    own = select(volumes.c.volume).where(volumes.c.account == account)
    for table in (blobs, packs):
        connection.execute(delete(table).where(table.c.volume.in_(own)))
    connection.execute(delete(challenges).where(challenges.c.account == account))
    connection.execute(delete(accounts).where(accounts.c.account == account))


def used_bytes(connection: Connection, account: str, now: int) -> int:
    """Say how many bytes are stored or promised to uploads under way."""
    stored = connection.scalar(_STORED, {"name": account}) or 0
    promised = connection.scalar(_PROMISED, {"name": account, "dead": now - RESERVATION_LIFE_MS})
    return stored + int(promised or 0)


def add_used_bytes(connection: Connection, account: str, size_bytes: int) -> None:
    """Count stored bytes."""
    connection.execute(_COUNT, {"name": account, "more": size_bytes})


def add_reservation(connection: Connection, reservation: int, account: str, size_bytes: int, now: int) -> None:
    """Promise bytes to an upload, and forget promises whose uploads died. The number must be nobody's, ever."""
    connection.execute(_FORGET_DEAD, {"name": account, "dead": now - RESERVATION_LIFE_MS})
    row = {"reservation": reservation, "account": account, "size_bytes": size_bytes, "created": now}
    connection.execute(_RESERVE, row)


def drop_reservation(connection: Connection, reservation: int) -> None:
    """Take a promise back."""
    connection.execute(_TAKE_BACK, {"number": reservation})
