"""Identity certificates: an account's public keys, signed by themselves (`docs/formats/idcert.md`).

    "MGI" 0x01 ‖ account ‖ origin ‖ epoch4 ‖ idsign32 ‖ idbox32 ‖ prev_hash32
               ‖ own signature64 ‖ previous key's signature64

Version 1 knows an account's first certificate only: no certificate before it, so the last two fields that would speak
of one are zero. Whether the key is the pinned one is the caller's question.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import variable
from mega_cli.crypto.keys import MasterKeys
from mega_cli.crypto.signing import SIGNATURE_BYTES, sign, verify
from mega_cli.crypto.versions import check_magic, newer_version
from mega_cli.errors import IntegrityError
from mega_cli.formats.words import FINGERPRINT_BYTES

MAGIC: Final = b"MGI\x01"
ACCOUNT_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_KEYS = struct.Struct(">I32s32s32s")
_SIGNATURES_BYTES = 2 * SIGNATURE_BYTES
_NO_PREV = bytes(32)
_NO_SIGNATURE = bytes(SIGNATURE_BYTES)


@dataclass(frozen=True, slots=True)
class IdCert:
    """A verified certificate."""

    account: str
    origin: str
    epoch: int
    sign_public: bytes
    box_public: bytes


def encode_idcert(keys: MasterKeys, account: str, origin: str) -> bytes:
    """Write an account's first certificate and sign it."""
    fields = _KEYS.pack(keys.epoch, keys.identity_sign_public, keys.identity_box_public, _NO_PREV)
    body = MAGIC + variable(account.encode(), origin.encode()) + fields
    return body + sign(keys.identity_sign_seed, labels.SIGN_IDCERT, body) + _NO_SIGNATURE


def verify_idcert(raw: bytes) -> IdCert:
    """Read a certificate strictly and check its signature.

    Raises PolicyError for another version or a successor certificate, IntegrityError for everything else.
    """
    check_magic(raw, MAGIC)
    account, at = _text(raw, 4)
    origin, at = _text(raw, at)
    end = at + _KEYS.size
    if len(raw) != end + _SIGNATURES_BYTES or not ACCOUNT_PATTERN.fullmatch(account):
        raise IntegrityError
    epoch, sign_public, box_public, prev_hash = _KEYS.unpack_from(raw, at)
    verify(sign_public, labels.SIGN_IDCERT, raw[:end], raw[end : end + SIGNATURE_BYTES])
    if prev_hash != _NO_PREV:
        raise newer_version()
    if raw[-SIGNATURE_BYTES:] != _NO_SIGNATURE or not epoch:
        raise IntegrityError
    return IdCert(account, origin, epoch, sign_public, box_public)


def fingerprint(idcert: bytes) -> bytes:
    """Give the 16 bytes that people compare: of a certificate that was verified, without its signatures."""
    return sha256(idcert[:-_SIGNATURES_BYTES]).digest()[:FINGERPRINT_BYTES]


def _text(raw: bytes, at: int) -> tuple[str, int]:
    """Read one `len2 ‖ bytes` of ASCII; give it and where it ends. Raises IntegrityError."""
    start = at + 2
    end = start + int.from_bytes(raw[at:start], "big")
    if end > len(raw) or not raw[start:end].isascii():
        raise IntegrityError
    return raw[start:end].decode(), end
