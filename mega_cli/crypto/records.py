"""Records: small sealed things with a fixed length, bound to where they stand (`docs/formats/slot.md`).

    "MGS" 0x01 ‖ type1 ‖ zero3 ‖ nonce24 ‖ commitment32 ‖ XChaCha20-Poly1305

The commitment is checked before anything is opened: a record cannot be made to open under several candidate keys.
"""

from __future__ import annotations

import hmac

from mega_cli.crypto import ciphers, labels, randomness
from mega_cli.crypto.kdf import kdf, mac
from mega_cli.crypto.versions import check_magic
from mega_cli.errors import IntegrityError

MAGIC = b"MGS\x01"
PASSWORD_SLOT = 1
RECOVERY_SLOT = 2
LINK_RECORD = 3
_CLEAR_BYTES = 64
OVERHEAD_BYTES = _CLEAR_BYTES + ciphers.MAC_BYTES


def seal_record(type: int, key: bytes, context: bytes, plaintext: bytes) -> bytes:  # noqa: A002 -- the layout's word
    """Seal `plaintext` for one type and one context; the record is 80 bytes longer."""
    head = MAGIC + bytes([type, 0, 0, 0]) + randomness.random_bytes(24)
    clear = head + mac(key, labels.RECORD_COMMIT, head + context)
    return clear + ciphers.aead_seal(plaintext, clear + context, head[8:], kdf(key, labels.RECORD_ENC))


def open_record(type: int, key: bytes, context: bytes, record: bytes, length: int) -> bytes:  # noqa: A002 -- as above
    """Check length, version, type and commitment in this order, then open.

    Raises PolicyError for another version, IntegrityError for everything else.
    """
    if len(record) != length or length < OVERHEAD_BYTES:
        raise IntegrityError
    check_magic(record, MAGIC)
    clear = record[:_CLEAR_BYTES]
    expected = mac(key, labels.RECORD_COMMIT, clear[:32] + context)
    if clear[4:8] != bytes([type, 0, 0, 0]) or not hmac.compare_digest(clear[32:], expected):
        raise IntegrityError
    return ciphers.aead_open(record[_CLEAR_BYTES:], clear + context, clear[8:32], kdf(key, labels.RECORD_ENC))
