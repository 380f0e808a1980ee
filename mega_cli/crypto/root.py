"""The sealed part of a root record: commitment, length, body (`docs/formats/root-record.md`)."""

from __future__ import annotations

import hmac

from mega_cli.crypto import ciphers, labels
from mega_cli.crypto.kdf import kdf, mac
from mega_cli.errors import IntegrityError

BODY_BYTES = 512
CLEAR_BYTES = 120
_LENGTH = (BODY_BYTES + ciphers.MAC_BYTES).to_bytes(2, "big")
SEALED_BYTES = 32 + len(_LENGTH) + BODY_BYTES + ciphers.MAC_BYTES


def seal_root_body(root_enc: bytes, clear: bytes, body: bytes) -> bytes:
    """Seal 512 bytes under the 120 clear ones, whose last 24 are a fresh random nonce; gives bytes 120 to 681."""
    if len(clear) != CLEAR_BYTES or len(body) != BODY_BYTES:
        msg = "a root record has 120 clear bytes and a body of 512"
        raise ValueError(msg)
    middle = mac(root_enc, labels.RECORD_COMMIT, clear) + _LENGTH
    return middle + ciphers.aead_seal(body, clear + middle, clear[96:], kdf(root_enc, labels.RECORD_ENC))


def open_root_body(root_enc: bytes, clear: bytes, sealed: bytes) -> bytes:
    """Check the commitment and open the body. Raises IntegrityError."""
    middle = sealed[:34]
    expected = mac(root_enc, labels.RECORD_COMMIT, clear) + _LENGTH
    if len(sealed) != SEALED_BYTES or not hmac.compare_digest(middle, expected):
        raise IntegrityError
    return ciphers.aead_open(sealed[34:], clear + middle, clear[96:], kdf(root_enc, labels.RECORD_ENC))
