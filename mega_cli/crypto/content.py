"""Hashes of plaintext: the digest that an entry carries, and the keyed fingerprint of the local index.

A fingerprint never leaves the device; its key derives from MK, so a stolen index answers no guess about content.
"""

from __future__ import annotations

from typing import Protocol

from blake3 import blake3

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import kdf

DIGEST_BYTES = 32


class ContentHasher(Protocol):
    """BLAKE3 over a file's bytes, fed in order."""

    def update(self, data: bytes | bytearray | memoryview, /) -> object:
        """Add bytes."""

    def digest(self) -> bytes:
        """Give the 32 bytes for everything so far."""


def content_hasher() -> ContentHasher:
    """Start the digest of a file's content: unkeyed BLAKE3-256."""
    hasher: ContentHasher = blake3()
    return hasher


def content_digest(data: bytes) -> bytes:
    """Digest content that is at hand whole."""
    return blake3(data).digest()


def chunk_index_key(local_key: bytes) -> bytes:
    """Derive the key of the local content index from `MasterKeys.local_key`."""
    return kdf(local_key, labels.LOCAL_CHUNK)


def chunk_fingerprint(data: bytes, key: bytes) -> bytes:
    """Fingerprint a chunk for a look-up in the local index."""
    return blake3(data, key=key).digest()
