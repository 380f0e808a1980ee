"""Counts over whole tables: for the administrator, never for a client."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.sql.elements import ColumnElement

from mega_server.database.accounts import RESERVATION_LIFE_MS
from mega_server.database.links import LOG_KEPT_MS
from mega_server.database.schema import (
    accounts,
    blobs,
    challenges,
    doomed_packs,
    invites,
    link_sessions,
    packs,
    rate_limits,
    records,
    reservations,
    sessions,
    signup_codes,
    volumes,
)


def totals(connection: Connection) -> dict[str, int]:
    """Count rows and bytes. Counting blobs reads their whole index: a second for a few million."""
    counted = {
        "accounts": accounts,
        "sessions": sessions,
        "volumes": volumes,
        "revisions": records,
        "packs": packs,
        "blobs": blobs,
        "doomed_packs": doomed_packs,
    }
    found = {name: connection.scalar(select(func.count()).select_from(table)) for name, table in counted.items()}
    found["stored_bytes"] = connection.scalar(select(func.sum(packs.c.size_bytes)))
    # Added up here: quotas are promises, and two of the largest are more than SQLite's 64 bits.
    found["quota_promised_bytes"] = sum(connection.scalars(select(accounts.c.quota_bytes)))
    return {name: int(value or 0) for name, value in found.items()}


def drop_expired(connection: Connection, now: int, session_idle_ms: int, *, is_dry_run: bool) -> dict[str, int]:
    """Forget what has run out, and say how much of each kind that was; a dry run only counts."""
    expired: dict[str, ColumnElement[bool]] = {
        "challenges": challenges.c.expires <= now,
        "sessions": sessions.c.used <= now - session_idle_ms,
        "signup_codes": signup_codes.c.expires <= now,
        "invites": invites.c.expires <= now,
        "rate_limits": rate_limits.c.busy_until <= now,
        "reservations": reservations.c.created <= now - RESERVATION_LIFE_MS,
        "link_sessions": link_sessions.c.expires <= now - LOG_KEPT_MS,
    }
    found = (challenges, sessions, signup_codes, invites, rate_limits, reservations, link_sessions)
    tables = {table.name: table for table in found}
    if is_dry_run:
        counts = {
            name: connection.scalar(select(func.count()).select_from(tables[name]).where(condition))
            for name, condition in expired.items()
        }
        return {name: int(count or 0) for name, count in counts.items()}
    return {
        name: connection.execute(delete(tables[name]).where(condition)).rowcount for name, condition in expired.items()
    }
