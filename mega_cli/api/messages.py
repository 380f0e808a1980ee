"""The door through which the services see the contract's messages, and the login statement made ready for signing."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import DEVICE_NAME_CHARS
from mega_server.protocol.messages import (
    AccountInfo,
    KdfParameters,
    LoginReply,
    LoginRequest,
    ServerInfo,
    SessionInfo,
    SignupRequest,
)
from mega_server.protocol.proof import LOGIN_CONTEXT, Proof, Purpose, login_statement

__all__ = [
    "DEVICE_NAME_CHARS",
    "AccountInfo",
    "ErrorCode",
    "KdfParameters",
    "LoginAttempt",
    "LoginReply",
    "ServerInfo",
    "SessionInfo",
    "SignupRequest",
    "login_attempt",
]


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One login, ready to be signed."""

    body: bytes
    to_sign: bytes
    """What follows the 16 bytes of signature context."""
    server_nonce: bytes = field(repr=False)
    client_nonce: bytes = field(repr=False)

    def proof(self, signature: bytes) -> str:
        """Write the header that carries the signature of 64 bytes."""
        return Proof(self.server_nonce, self.client_nonce, signature).header()


def login_attempt(
    *, origin: str, account: str, device_name: str, server_nonce: bytes, client_nonce: bytes
) -> LoginAttempt:
    """Lay out a login with the password's key. Both nonces are 32 bytes."""
    body = msgspec.json.encode(LoginRequest(account=account, key="password", device_name=device_name))
    statement = login_statement(
        origin=origin,
        account=account,
        server_nonce=server_nonce,
        client_nonce=client_nonce,
        purpose=Purpose.LOGIN,
        body=body,
    )
    return LoginAttempt(body, statement[len(LOGIN_CONTEXT) :], server_nonce, client_nonce)
