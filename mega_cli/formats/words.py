"""Words to read aloud: a fingerprint as twelve, a state as six, from the English list of BIP-39 (11 bits a word)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from mega_cli.formats.wordlist import WORDS

FINGERPRINT_BYTES: Final = 16
_WORD_BITS = 11
_STATE_WORDS = 6


def fingerprint_words(fingerprint: bytes) -> list[str]:
    """Write 16 bytes as the twelve words of BIP-39: 128 bits and 4 of checksum. Raises ValueError on another length."""
    if len(fingerprint) != FINGERPRINT_BYTES:
        msg = "a fingerprint is 16 bytes"
        raise ValueError(msg)
    return _words(fingerprint + sha256(fingerprint).digest(), 12)


def state_words(digest: bytes) -> list[str]:
    """Write the first 66 bits of a root record's SHA-256 as six words, for two people to compare."""
    return _words(digest, _STATE_WORDS)


def _words(raw: bytes, count: int) -> list[str]:
    """Read `count` groups of 11 bits from the front of `raw`."""
    bits = int.from_bytes(raw, "big")
    first = len(raw) * 8
    return [WORDS[bits >> (first - _WORD_BITS * (at + 1)) & 0x7FF] for at in range(count)]
