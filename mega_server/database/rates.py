"""Rows of rate limits: until when a key has used its share up. Keys are hashes; what they mean is the service's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from mega_server.database.schema import rate_limits


def busy_until(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    """Read the times of these keys; a key that is not limited at all is left out."""
    query = select(rate_limits.c.key, rate_limits.c.busy_until).where(rate_limits.c.key.in_(list(keys)))
    return {row.key: row.busy_until for row in connection.execute(query)}


def put_busy_until(connection: Connection, times: Mapping[bytes, int], now: int) -> None:
    """Write the times of these keys, and forget the keys whose time is past: they are as good as new."""
    replaced = rate_limits.c.key.in_(list(times)) | (rate_limits.c.busy_until <= now)
    connection.execute(delete(rate_limits).where(replaced))
    connection.execute(insert(rate_limits), [{"key": key, "busy_until": time} for key, time in times.items()])
