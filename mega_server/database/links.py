"""Rows of links and of their visitors' sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from mega_server.database.schema import accounts, link_sessions, links

LOG_KEPT_MS = 30 * 24 * 3_600_000
"""So long it is known when a link was opened."""
LinkRow = Row[Any]
"""The columns of `links`; from `visited_row` also `is_owner_disabled`."""


def link_row(connection: Connection, link: bytes) -> LinkRow | None:
    """Read a link, whoever owns it."""
    return connection.execute(select(links).where(links.c.link == link)).first()


def visited_row(connection: Connection, link: bytes) -> LinkRow | None:
    """Read a link as a visitor meets it: with whether its owner may use the server."""
    query = select(links, accounts.c.disabled.is_not(None).label("is_owner_disabled"))
    return connection.execute(query.join(accounts).where(links.c.link == link)).first()


def link_rows(connection: Connection, account: str | None = None) -> list[LinkRow]:
    """Read an account's links, or all, newest first."""
    query = select(links).order_by(links.c.created.desc(), links.c.link)
    return list(connection.execute(query if account is None else query.where(links.c.account == account)))


def count_links(connection: Connection, account: str) -> int:
    """Say how many links an account has that have not ended: a stopped one still has its record, and may go on."""
    has_record = func.length(links.c.record) > 0
    query = select(func.count()).select_from(links).where(links.c.account == account, has_record)
    return int(connection.scalar(query) or 0)


def add_link(connection: Connection, values: Mapping[str, object]) -> None:
    """Write a new link."""
    connection.execute(insert(links).values(**values, opened=0, fetched_bytes=0, last_opened=0))


def set_link(connection: Connection, link: bytes, values: Mapping[str, object]) -> None:
    """Change columns of a link."""
    connection.execute(update(links).where(links.c.link == link).values(**values))


def count_opening(connection: Connection, link: bytes, now: int) -> bool:
    """Count one more opening, unless the link has had its last; say whether it was counted."""
    has_room = or_(links.c.most_opened == 0, links.c.opened < links.c.most_opened)
    counted = connection.execute(
        update(links).where(links.c.link == link, has_room).values(opened=links.c.opened + 1, last_opened=now)
    )
    return counted.rowcount == 1


def session_row(connection: Connection, token_hash: bytes) -> Row[Any] | None:
    """Read a visitor's session."""
    return connection.execute(select(link_sessions).where(link_sessions.c.token_hash == token_hash)).first()


def add_session(connection: Connection, token_hash: bytes, link: bytes, now: int, expires: int) -> None:
    """Write a visitor's session."""
    row = {"token_hash": token_hash, "link": link, "opened": now, "expires": expires, "fetched_bytes": 0}
    connection.execute(insert(link_sessions).values(**row))


def renew_session(connection: Connection, token_hash: bytes, expires: int) -> None:
    """Let a session last until `expires`."""
    connection.execute(update(link_sessions).where(link_sessions.c.token_hash == token_hash).values(expires=expires))


def add_fetched_bytes(connection: Connection, token_hash: bytes, link: bytes, size_bytes: int) -> None:
    """Count what a visitor fetches, for the session and for the link."""
    for table, is_it in ((link_sessions, link_sessions.c.token_hash == token_hash), (links, links.c.link == link)):
        connection.execute(update(table).where(is_it).values(fetched_bytes=table.c.fetched_bytes + size_bytes))


def openings(connection: Connection, link: bytes, after: int, most: int) -> list[Row[Any]]:
    """Read a link's sessions that were opened after a time, newest first."""
    query = select(link_sessions).where(link_sessions.c.link == link, link_sessions.c.opened > after)
    return list(connection.execute(query.order_by(link_sessions.c.opened.desc()).limit(most)))


def drop_old_sessions(connection: Connection, link: bytes, before: int) -> None:
    """Forget a link's sessions that ended before a time. The index finds those opened before it: only they may have."""
    is_old = (link_sessions.c.opened < before) & (link_sessions.c.expires < before)
    connection.execute(delete(link_sessions).where(link_sessions.c.link == link, is_old))
