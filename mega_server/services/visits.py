"""Visitors of links: one counted session an opening, then blobs of the link's volume, without the volume's id.

The visitor draws the session's token, so an opening that is sent again after a lost reply is the same opening. A wrong
proof is a 401 that says nothing more and counts only against the rate limit. What is revoked, expired or used up
answers 410, the last two only to who brings the proof.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError

from mega_server.database import links
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import LINK_SESSION_S
from mega_server.protocol.messages import LinkOpened
from mega_server.refusal import RefusedError, not_found
from mega_server.services.backend import Backend
from mega_server.services.downloads import Frames, read_blobs


def open_link(backend: Backend, link: bytes, auth: bytes, token: bytes) -> LinkOpened:
    """Open a counted session for `token`, or go on with the one it has, and give the link's record.

    Raises RefusedError: not_found, link_revoked, unauthorized, link_expired, link_exhausted.
    """
    now, token_hash = backend.clock(), _hash(token)
    expires = now + LINK_SESSION_S * 1_000
    with backend.database.writing() as connection:
        row = _usable(links.visited_row(connection, link))
        if not hmac.compare_digest(row.auth_hash, _hash(auth)):
            raise RefusedError(ErrorCode.UNAUTHORIZED, "the link does not open like this")
        _check_expiry(row, now)
        session = links.session_row(connection, token_hash)
        if session is not None and session.link != link:
            raise RefusedError(ErrorCode.UNAUTHORIZED, "this token serves another link: draw a new one")
        if session is not None:
            links.renew_session(connection, token_hash, expires)
        elif not links.count_opening(connection, link, now):
            raise RefusedError(ErrorCode.LINK_EXHAUSTED, "this link has been opened as often as it may be")
        else:
            links.drop_old_sessions(connection, link, now - links.LOG_KEPT_MS)
            links.add_session(connection, token_hash, link, now, expires)
    return LinkOpened(record=row.record, expires_in_s=LINK_SESSION_S)


def visitor_blobs(backend: Backend, link: bytes, token: bytes, ids: Sequence[BlobId]) -> Frames:
    """Answer blobs of the link's volume to a session. Raises RefusedError as `open_link` does."""
    now, token_hash = backend.clock(), _hash(token)
    with backend.database.reading() as connection:
        row = _usable(links.visited_row(connection, link))
        session = links.session_row(connection, token_hash)
    if session is None or session.link != link or session.expires <= now:
        raise RefusedError(ErrorCode.UNAUTHORIZED, "this visit has ended: open the link again")
    _check_expiry(row, now)
    frames = read_blobs(backend, row.account, VolumeId(row.volume), ids)
    # What a power cut, or a database without room, forgets of this count is no loss.
    with contextlib.suppress(OperationalError), backend.database.writing(is_durable=False) as connection:
        links.add_fetched_bytes(connection, token_hash, link, frames.size_bytes)
    return frames


def _usable(row: links.LinkRow | None) -> links.LinkRow:
    if row is None:
        raise not_found()
    if row.revoked is not None or row.disabled is not None or row.is_owner_disabled:
        raise RefusedError(ErrorCode.LINK_REVOKED, "this link has been revoked")
    return row


def _check_expiry(row: links.LinkRow, now: int) -> None:
    if row.expires and row.expires <= now:
        raise RefusedError(ErrorCode.LINK_EXPIRED, "this link has expired")


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
