"""The login proof over a request: which key must have signed it, and that its challenge is used up, right or wrong.

A wrong key and an unknown account are one refusal, after the same work. A challenge serves once, within 60 s of the
server's own clock. It never raises inside a transaction: that would give the challenge back.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from sqlalchemy import Connection, Row

from mega_server.database import sessions
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.messages import DeleteRequest, LoginRequest, SlotsRequest
from mega_server.protocol.proof import Proof, Purpose, login_statement
from mega_server.refusal import RefusedError, refuse
from mega_server.services.backend import Backend

Claim = LoginRequest | SlotsRequest | DeleteRequest
"""What names an account and which of its two login keys has signed."""
_PURPOSES = {LoginRequest: Purpose.LOGIN, SlotsRequest: Purpose.SLOTS, DeleteRequest: Purpose.DELETE}


@dataclass(frozen=True, slots=True)
class Signed:
    """A request's exact bytes, the proof that came with them, and the origin that the proof must name."""

    body: bytes = field(repr=False)
    proof: Proof
    origin: str


def check_claim(claim: Claim, account: str) -> None:
    """Refuse a claim for another account than this one, or by a key that does not exist. Raises: bad_request."""
    if claim.account != account:
        refuse("the account in the body is not the session's")
    if claim.key not in {"password", "recovery"}:
        refuse("`key` is password or recovery")


def is_proven(backend: Backend, connection: Connection, row: Row[Any] | None, claim: Claim, signed: Signed) -> bool:
    """Use the challenge up, and say whether the claim's key signed these bytes for this purpose and in time.

    `row` is the account's, None for an unknown one, which costs the same and is never proven.
    """
    proof = signed.proof
    is_fresh = sessions.take_challenge(
        connection, hashlib.sha256(proof.server_nonce).digest(), claim.account, backend.clock()
    )
    # Made for known accounts too: what takes time for one takes it for all.
    seed = hmac.digest(backend.secret, b"login key\0" + claim.account.encode(), hashlib.sha256)
    key = SigningKey(seed).verify_key.encode()
    if row is not None:
        key = row.recovery_key if claim.key == "recovery" else row.login_key
    statement = login_statement(
        origin=signed.origin,
        account=claim.account,
        server_nonce=proof.server_nonce,
        client_nonce=proof.client_nonce,
        purpose=_PURPOSES[type(claim)],
        body=signed.body,
    )
    is_signed = _verifies(key, statement, proof.signature)
    return row is not None and is_signed and is_fresh


def login_refused() -> RefusedError:
    """Make the one refusal of a proof, whatever was wrong with it."""
    return RefusedError(ErrorCode.LOGIN_REFUSED, "account or password is wrong")


def _verifies(key: bytes, statement: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(statement, signature)
    except BadSignatureError:
        return False
    return True
