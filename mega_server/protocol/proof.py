"""The login proof: what the client signs, and how it travels in `X-Mega-Proof`.

    statement = "mega1/sig/login" padded to 16, then len2 origin, len2 account, server_nonce32, client_nonce32,
                purpose1, SHA-256(request body)

The context of 16 bytes comes first, so a server nonce can never make the statement pass for another signed layout.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

LOGIN_CONTEXT = b"mega1/sig/login".ljust(16, b"\0")
NONCE_BYTES = 32
SIGNATURE_BYTES = 64


class Purpose(IntEnum):
    """What a proof allows; a proof for one purpose serves no other."""

    LOGIN = 1
    SLOTS = 2
    DELETE = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """The three parts of `X-Mega-Proof`."""

    server_nonce: bytes = field(repr=False)
    client_nonce: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def header(self) -> str:
        """Write the header's value."""
        return base64.urlsafe_b64encode(self.server_nonce + self.client_nonce + self.signature).rstrip(b"=").decode()

    @classmethod
    def parse(cls, header: str) -> Proof:
        """Read the header's value. Raises ValueError."""
        try:
            raw = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
        except (binascii.Error, UnicodeEncodeError) as error:
            msg = "the proof is no base64url"
            raise ValueError(msg) from error
        if len(raw) != 2 * NONCE_BYTES + SIGNATURE_BYTES:
            msg = "a proof is 128 bytes"
            raise ValueError(msg)
        return cls(raw[:32], raw[32:64], raw[64:])


def login_statement(
    *, origin: str, account: str, server_nonce: bytes, client_nonce: bytes, purpose: Purpose, body: bytes
) -> bytes:
    """Lay out the bytes that the login key signs, context included."""
    if len(server_nonce) != NONCE_BYTES or len(client_nonce) != NONCE_BYTES:
        msg = "a nonce is 32 bytes"
        raise ValueError(msg)
    fields = b"".join(len(part).to_bytes(2, "big") + part for part in (origin.encode(), account.encode()))
    return LOGIN_CONTEXT + fields + server_nonce + client_nonce + bytes([purpose]) + hashlib.sha256(body).digest()
