"""Rows of accounts, reserved names, and quota."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from mega_server.database.schema import accounts, reservations, signup_codes

# An upload that has not ended after an hour has died with its process.
RESERVATION_LIFE_MS = 3_600_000


def account_row(connection: Connection, account: str) -> Row[Any] | None:
    """Read an account."""
    return connection.execute(select(accounts).where(accounts.c.account == account)).first()


def add_account(connection: Connection, values: Mapping[str, object]) -> None:
    """Write a new account."""
    connection.execute(insert(accounts).values(**values))


def signup_code_row(connection: Connection, account: str) -> Row[Any] | None:
    """Read the code that a reserved name waits for."""
    return connection.execute(select(signup_codes).where(signup_codes.c.account == account)).first()


def put_signup_code(connection: Connection, account: str, code_hash: bytes, expires: int) -> None:
    """Reserve a name, replacing an older code."""
    drop_signup_code(connection, account)
    connection.execute(insert(signup_codes).values(account=account, code_hash=code_hash, expires=expires))


def drop_signup_code(connection: Connection, account: str) -> None:
    """End a reservation of a name."""
    connection.execute(delete(signup_codes).where(signup_codes.c.account == account))


def used_bytes(connection: Connection, account: str, now: int) -> int:
    """Say how many bytes are stored or promised to uploads under way."""
    stored = connection.scalar(select(accounts.c.used_bytes).where(accounts.c.account == account)) or 0
    promised = connection.scalar(
        select(func.sum(reservations.c.size_bytes)).where(
            reservations.c.account == account, reservations.c.created > now - RESERVATION_LIFE_MS
        )
    )
    return stored + int(promised or 0)


def add_used_bytes(connection: Connection, account: str, size_bytes: int) -> None:
    """Count stored bytes."""
    connection.execute(
        update(accounts).where(accounts.c.account == account).values(used_bytes=accounts.c.used_bytes + size_bytes)
    )


def add_reservation(connection: Connection, account: str, size_bytes: int, now: int) -> int:
    """Promise bytes to an upload, and forget promises whose uploads died. Returns the promise's number."""
    connection.execute(
        delete(reservations).where(
            reservations.c.account == account, reservations.c.created <= now - RESERVATION_LIFE_MS
        )
    )
    added = connection.execute(insert(reservations).values(account=account, size_bytes=size_bytes, created=now))
    assert added.inserted_primary_key is not None
    return int(added.inserted_primary_key[0])


def drop_reservation(connection: Connection, reservation: int) -> None:
    """Take a promise back."""
    connection.execute(delete(reservations).where(reservations.c.reservation == reservation))
