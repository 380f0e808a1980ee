"""The door through which the services see the contract's messages, and what a login key signs, made ready for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import DEVICE_NAME_CHARS
from mega_server.protocol.messages import (
    AccountInfo,
    DeleteRequest,
    KdfParameters,
    LinkInfo,
    LinkOpening,
    LinkRequest,
    LinkUpdate,
    LoginReply,
    LoginRequest,
    ServerInfo,
    SessionInfo,
    SignupRequest,
    SlotsRequest,
)
from mega_server.protocol.proof import LOGIN_CONTEXT, Proof, Purpose, login_statement

__all__ = [
    "DEVICE_NAME_CHARS",
    "AccountInfo",
    "DeleteRequest",
    "ErrorCode",
    "KdfParameters",
    "LinkInfo",
    "LinkOpening",
    "LinkRequest",
    "LinkUpdate",
    "LoginReply",
    "LoginRequest",
    "ServerInfo",
    "SessionInfo",
    "SignedRequest",
    "SignupRequest",
    "SlotsRequest",
    "signed_request",
]

_PURPOSES: Final = {
    LoginRequest: Purpose.LOGIN,
    SlotsRequest: Purpose.SLOTS,
    DeleteRequest: Purpose.DELETE,
}


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """One request that a login key signs."""

    body: bytes = field(repr=False)
    to_sign: bytes = field(repr=False)
    """What follows the 16 bytes of signature context."""
    server_nonce: bytes = field(repr=False)
    client_nonce: bytes = field(repr=False)

    def proof(self, signature: bytes) -> str:
        """Write the header that carries the signature of 64 bytes."""
        return Proof(self.server_nonce, self.client_nonce, signature).header()


def signed_request(
    message: LoginRequest | SlotsRequest | DeleteRequest, *, origin: str, server_nonce: bytes, client_nonce: bytes
) -> SignedRequest:
    """Lay out a message for its signature, which serves this purpose alone. Both nonces are 32 bytes."""
    body = msgspec.json.encode(message)
    statement = login_statement(
        origin=origin,
        account=message.account,
        server_nonce=server_nonce,
        client_nonce=client_nonce,
        purpose=_PURPOSES[type(message)],
        body=body,
    )
    return SignedRequest(body, statement[len(LOGIN_CONTEXT) :], server_nonce, client_nonce)
