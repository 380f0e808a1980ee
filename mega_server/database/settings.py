"""Values the server makes for itself once and keeps for ever."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from mega_server.database.schema import settings


def setting(connection: Connection, name: str) -> bytes | None:
    """Read one value."""
    return connection.scalar(select(settings.c.value).where(settings.c.name == name))


def add_setting(connection: Connection, name: str, value: bytes) -> None:
    """Write a value that did not exist."""
    connection.execute(insert(settings).values(name=name, value=value))
