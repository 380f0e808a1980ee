"""Rows of codes: those of reserved names, and those that anyone may bring. Only SHA-256 of a code is kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from mega_server.database.schema import invites, signup_codes


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


def add_invite(connection: Connection, code_hash: bytes, quota_bytes: int | None, expires: int, now: int) -> None:
    """Write an invite, and forget those that have expired."""
    connection.execute(delete(invites).where(invites.c.expires <= now))
    connection.execute(insert(invites).values(code_hash=code_hash, quota_bytes=quota_bytes, expires=expires))


def take_invite(connection: Connection, code_hash: bytes, now: int) -> Row[Any] | None:
    """Use an invite up; None when there is none, or it came too late."""
    taken = connection.execute(delete(invites).where(invites.c.code_hash == code_hash).returning(invites)).first()
    return taken if taken is not None and taken.expires > now else None
