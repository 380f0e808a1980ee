"""Challenges, logins and sessions.

A slot leaves the server only after a login signature. A wrong key and an unknown account are one refusal, after the
same work. Challenges are used once, within 60 s of the server's own clock. Tokens are stored as SHA-256, so finding one
is the comparison: an attacker who times it learns about hashes, never about tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from mega_server.database import accounts, sessions
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import CHALLENGE_LIFE_S, DEVICE_NAME_CHARS, SESSION_IDLE_DAYS
from mega_server.protocol.messages import LoginReply, LoginRequest, SessionInfo
from mega_server.protocol.proof import NONCE_BYTES, Proof, Purpose, login_statement
from mega_server.refusal import RefusedError, not_found, refuse
from mega_server.services.accounts import check_account_name
from mega_server.services.backend import Backend

_IDLE_MS = SESSION_IDLE_DAYS * 24 * 3_600_000
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


def login(backend: Backend, message: LoginRequest, body: bytes, proof: Proof, origin: str) -> LoginReply:
    """Check a proof over the exact `body` and begin a session.

    Raises RefusedError: bad_request, or login_refused for every other reason.
    """
    check_account_name(message.account)
    if message.key not in {"password", "recovery"}:
        refuse("`key` is password or recovery")
    if len(message.device_name) > DEVICE_NAME_CHARS or not message.device_name.isprintable():
        refuse(f"a device name is at most {DEVICE_NAME_CHARS} printable characters")
    now = backend.clock()
    with backend.database.writing() as connection:
        is_fresh = sessions.take_challenge(connection, _hash(proof.server_nonce), message.account, now)
        row = accounts.account_row(connection, message.account)
    is_recovery = message.key == "recovery"
    if row is None:
        seed = hmac.digest(backend.secret, b"login key\0" + message.account.encode(), hashlib.sha256)
        key = SigningKey(seed).verify_key.encode()
    else:
        key = row.recovery_key if is_recovery else row.login_key
    statement = login_statement(
        origin=origin,
        account=message.account,
        server_nonce=proof.server_nonce,
        client_nonce=proof.client_nonce,
        purpose=Purpose.LOGIN,
        body=body,
    )
    is_signed = _is_signed(key, statement, proof.signature)
    if row is None or not is_signed or not is_fresh:
        raise RefusedError(ErrorCode.LOGIN_REFUSED, "account or password is wrong")
    token, session_id = secrets.token_bytes(_TOKEN_BYTES), secrets.token_hex(8)
    with backend.database.writing() as connection:
        sessions.add_session(
            connection,
            token_hash=_hash(token),
            session_id=session_id,
            account=message.account,
            device_name=message.device_name,
            now=now,
        )
    slot = row.recovery_slot if is_recovery else row.password_slot
    return LoginReply(token=_token_text(token), session_id=session_id, slot=slot)


def signed_in(backend: Backend, token_text: str) -> SignedIn:
    """Find whose token this is, and remember that it was used. Raises RefusedError: unauthorized."""
    try:
        token = base64.urlsafe_b64decode(token_text + "=" * (-len(token_text) % 4))
    except ValueError:
        token = b""
    now = backend.clock()
    token_hash = _hash(token)
    with backend.database.reading() as connection:
        row = sessions.session_row(connection, token_hash, now - _IDLE_MS)
    if row is None or len(token) != _TOKEN_BYTES:
        raise RefusedError(ErrorCode.UNAUTHORIZED, "not logged in, or the session has ended")
    if row.used < now - _USED_STEP_MS:
        with backend.database.writing(is_durable=False) as connection:
            sessions.set_session_used(connection, token_hash, now)
    return SignedIn(row.account, row.session_id, token_hash)


def session_list(backend: Backend, who: SignedIn) -> list[SessionInfo]:
    """List the account's sessions, newest use first."""
    with backend.database.reading() as connection:
        rows = sessions.session_rows(connection, who.account, backend.clock() - _IDLE_MS)
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


def _is_signed(key: bytes, statement: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(statement, signature)
    except BadSignatureError:
        return False
    return True


def _token_text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
