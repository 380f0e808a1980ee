"""Challenges, logins and sessions.

A slot leaves the server only after a login signature. Tokens are stored as SHA-256, so finding one is the comparison:
an attacker who times it learns about hashes, never about tokens.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError

from mega_server.database import accounts, sessions
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import CHALLENGE_LIFE_S, DEVICE_NAME_CHARS, SESSION_IDLE_DAYS, SESSIONS_PER_ACCOUNT
from mega_server.protocol.messages import LoginReply, LoginRequest, SessionInfo
from mega_server.protocol.proof import NONCE_BYTES
from mega_server.refusal import RefusedError, not_found, refuse
from mega_server.services.account_rules import check_account_name
from mega_server.services.backend import Backend
from mega_server.services.proofs import Signed, check_claim, is_proven, login_refused

SESSION_IDLE_MS = SESSION_IDLE_DAYS * 24 * 3_600_000
# Writing the time of every request would cost a commit each.
_USED_STEP_MS = 3_600_000
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a valid token belongs to."""

    account: str
    session_id: str
    token_hash: bytes = field(repr=False)


def new_challenge(backend: Backend, account: str) -> bytes:
    """Make a nonce that one login of this account may use; unknown accounts get one too.

    Raises RefusedError: bad_request for what cannot be an account.
    """
    check_account_name(account)
    nonce = secrets.token_bytes(NONCE_BYTES)
    now = backend.clock()
    # A challenge that a power cut forgets costs its client one more request.
    with backend.database.writing(is_durable=False) as connection:
        sessions.add_challenge(connection, _hash(nonce), account, now + CHALLENGE_LIFE_S * 1_000, now)
    return nonce


def login(backend: Backend, message: LoginRequest, signed: Signed) -> LoginReply:
    """Check a proof over the exact body and begin a session.

    Raises RefusedError: bad_request, forbidden for a disabled account whose key has signed, or login_refused.
    """
    check_account_name(message.account)
    check_claim(message, message.account)
    if len(message.device_name) > DEVICE_NAME_CHARS or not message.device_name.isprintable():
        refuse(f"a device name is at most {DEVICE_NAME_CHARS} printable characters")
    token, session_id = secrets.token_bytes(_TOKEN_BYTES), secrets.token_hex(8)
    with backend.database.writing() as connection:
        row = accounts.account_row(connection, message.account)
        is_allowed = is_proven(backend, connection, row, message, signed)
        if row is not None and is_allowed and row.disabled is None:
            sessions.add_session(
                connection,
                token_hash=_hash(token),
                session_id=session_id,
                account=message.account,
                device_name=message.device_name,
                now=backend.clock(),
            )
            sessions.drop_sessions_beyond(connection, message.account, SESSIONS_PER_ACCOUNT)
    if row is None or not is_allowed:
        raise login_refused()
    if row.disabled is not None:
        raise _disabled()
    slot = row.recovery_slot if message.key == "recovery" else row.password_slot
    return LoginReply(token=_token_text(token), session_id=session_id, slot=slot)


def signed_in(backend: Backend, token_text: str) -> SignedIn:
    """Find whose token this is, and remember that it was used.

    Raises RefusedError: unauthorized, forbidden for a disabled account.
    """
    try:
        token = base64.urlsafe_b64decode(token_text + "=" * (-len(token_text) % 4))
    except ValueError:
        token = b""
    now = backend.clock()
    token_hash = _hash(token)
    with backend.database.reading() as connection:
        row = sessions.session_row(connection, token_hash, now - SESSION_IDLE_MS)
    if row is None or len(token) != _TOKEN_BYTES:
        raise session_ended()
    if row.disabled is not None:
        raise _disabled()
    if row.used < now - _USED_STEP_MS:
        # A database without room refuses it, and keeps nobody from reading what is stored.
        with contextlib.suppress(OperationalError), backend.database.writing(is_durable=False) as connection:
            sessions.set_session_used(connection, token_hash, now)
    return SignedIn(row.account, row.session_id, token_hash)


def session_list(backend: Backend, who: SignedIn) -> list[SessionInfo]:
    """List the account's sessions, newest use first."""
    with backend.database.reading() as connection:
        rows = sessions.session_rows(connection, who.account, backend.clock() - SESSION_IDLE_MS)
    return [
        SessionInfo(
            session_id=row.session_id,
            device_name=row.device_name,
            created_ms=row.created,
            used_ms=row.used,
            is_current=row.session_id == who.session_id,
        )
        for row in rows
    ]


def end_session(backend: Backend, who: SignedIn, session_id: str) -> None:
    """End a session of the account; `current` is one's own. Raises RefusedError: not_found."""
    with backend.database.writing() as connection:
        ended = who.session_id if session_id == "current" else session_id
        if not sessions.drop_session(connection, who.account, ended):
            raise not_found()


def session_ended() -> RefusedError:
    """Make the one refusal of a request without a session."""
    return RefusedError(ErrorCode.UNAUTHORIZED, "not logged in, or the session has ended")


def _disabled() -> RefusedError:
    return RefusedError(
        ErrorCode.FORBIDDEN, "this server's administrator has disabled this account; what it stores is kept"
    )


def _token_text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
