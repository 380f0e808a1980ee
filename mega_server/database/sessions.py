"""Rows of login challenges and sessions; both are found by SHA-256 of the secret, never by the secret itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from mega_server.database.schema import accounts, challenges, sessions, volumes

# Made once: each request needs it.
_SESSION = (
    select(sessions, accounts.c.disabled)
    .join(accounts, accounts.c.account == sessions.c.account)
    .where(sessions.c.token_hash == bindparam("hash"), sessions.c.used > bindparam("after"))
)
_SEQUENCES = (
    select(sessions.c.token_hash, func.sum(volumes.c.revision))
    .join(accounts, accounts.c.account == sessions.c.account)
    .join(volumes, volumes.c.account == sessions.c.account)
    .where(sessions.c.token_hash.in_(bindparam("hashes", expanding=True)), sessions.c.used > bindparam("after"))
    .where(accounts.c.disabled.is_(None))
    .group_by(sessions.c.token_hash)
)


def add_challenge(connection: Connection, nonce_hash: bytes, account: str, expires: int, now: int) -> None:
    """Write a challenge and forget the expired ones."""
    connection.execute(delete(challenges).where(challenges.c.expires <= now))
    connection.execute(insert(challenges).values(nonce_hash=nonce_hash, account=account, expires=expires))


def take_challenge(connection: Connection, nonce_hash: bytes, account: str, now: int) -> bool:
    """Use a challenge up, and say whether it was this account's and in time."""
    taken = connection.execute(
        delete(challenges)
        .where(challenges.c.nonce_hash == nonce_hash)
        .returning(challenges.c.account, challenges.c.expires)
    ).first()
    return taken is not None and taken.account == account and taken.expires > now


def add_session(
    connection: Connection, *, token_hash: bytes, session_id: str, account: str, device_name: str, now: int
) -> None:
    """Write a session."""
    connection.execute(
        insert(sessions).values(
            token_hash=token_hash,
            session_id=session_id,
            account=account,
            device_name=device_name,
            created=now,
            used=now,
        )
    )


def session_row(connection: Connection, token_hash: bytes, used_after: int) -> Row[Any] | None:
    """Read the session of a token, unless it has lain unused for too long, and since when its account is disabled."""
    return connection.execute(_SESSION, {"hash": token_hash, "after": used_after}).first()


def sequences(connection: Connection, token_hashes: Sequence[bytes], used_after: int) -> dict[bytes, int]:
    """Sum up the revisions of the account's volumes for each of these sessions that has not ended."""
    found = connection.execute(_SEQUENCES, {"hashes": list(token_hashes), "after": used_after})
    return {bytes(token_hash): int(sequence) for token_hash, sequence in found}


def session_rows(connection: Connection, account: str, used_after: int) -> list[Row[Any]]:
    """Read an account's sessions, newest use first."""
    query = select(sessions).where(sessions.c.account == account, sessions.c.used > used_after)
    return list(connection.execute(query.order_by(sessions.c.used.desc(), sessions.c.session_id)))


def session_counts(connection: Connection, used_after: int) -> dict[str, tuple[int, int]]:
    """Count the sessions of each account that has one, with the time of the latest use."""
    query = select(sessions.c.account, func.count(), func.max(sessions.c.used)).where(sessions.c.used > used_after)
    return {account: (count, used) for account, count, used in connection.execute(query.group_by(sessions.c.account))}


def set_session_used(connection: Connection, token_hash: bytes, now: int) -> None:
    """Remember that a session was used."""
    connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(used=now))


def drop_sessions_beyond(connection: Connection, account: str, most: int) -> None:
    """End the sessions of an account that were used longest ago, so that `most` are left."""
    newest = select(sessions.c.token_hash).where(sessions.c.account == account)
    kept = newest.order_by(sessions.c.used.desc(), sessions.c.created.desc()).limit(most)
    connection.execute(delete(sessions).where(sessions.c.account == account, sessions.c.token_hash.not_in(kept)))


def drop_session(connection: Connection, account: str, session_id: str) -> bool:
    """End one session of an account, and say whether there was one."""
    dropped = connection.execute(
        delete(sessions).where(sessions.c.account == account, sessions.c.session_id == session_id)
    )
    return dropped.rowcount > 0


def drop_other_sessions(connection: Connection, account: str, kept: str) -> None:
    """End every session of an account but the one with this id."""
    connection.execute(delete(sessions).where(sessions.c.account == account, sessions.c.session_id != kept))
