"""Ed25519 over a 16-byte context and a message, so that no signature can pass for one of another layout."""

from __future__ import annotations

import nacl.bindings
from nacl.exceptions import BadSignatureError

from mega_cli.crypto.kdf import label16
from mega_cli.errors import IntegrityError

SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 32


def public_key(seed: bytes) -> bytes:
    """Give the 32-byte public key of a 32-byte seed."""
    return nacl.bindings.crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, context: bytes, message: bytes) -> bytes:
    """Sign `context` (a label, padded to 16) ‖ `message`; 64 bytes."""
    secret_key = nacl.bindings.crypto_sign_seed_keypair(seed)[1]
    return nacl.bindings.crypto_sign(label16(context) + message, secret_key)[:SIGNATURE_BYTES]


def verify(public: bytes, context: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature. Raises IntegrityError."""
    if len(signature) != SIGNATURE_BYTES or len(public) != PUBLIC_KEY_BYTES:
        raise IntegrityError
    try:
        nacl.bindings.crypto_sign_open(signature + label16(context) + message, public)
    except BadSignatureError:
        raise IntegrityError from None
