"""Blobs: a payload sealed under a key made from its own bytes (`docs/formats/object.md`).

    blob = "MGB" 0x01 ‖ kdf(ck, "mega1/blob/com") ‖ secretbox(payload, nonce = 0^24, key = kdf(ck, "mega1/blob/enc"))
    id   = SHA-256(blob)

The zero nonce is safe only because ck is a keyed hash of the exact bytes sealed: a payload is immutable from hashing to
sealing. The commitment stands in the blob because one secretbox can be made to open under two keys.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from blake3 import blake3

from mega_cli.crypto import ciphers, labels
from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.versions import check_magic
from mega_cli.errors import IntegrityError
from mega_cli.model import BlobId

MAGIC = b"MGB\x01"
PREFIX_BYTES = 36
OVERHEAD_BYTES = 52


def object_key(payload: bytes, secret: bytes) -> bytes:
    """Make ck, the key of exactly this payload, from S' (the volume's S, or 32 fresh random bytes)."""
    return keyed_object_key(payload, kdf(secret, labels.BLOB_KEY))


def keyed_object_key(payload: bytes, key: bytes) -> bytes:
    """Make ck when kdf(S', "mega1/blob/key") is at hand."""
    return blake3(payload, key=key).digest()


def seal_blob(payload: bytes, ck: bytes) -> tuple[bytes, BlobId]:
    """Seal a payload under its own `object_key`; give the blob and its id."""
    blob = ciphers.box_seal(MAGIC + kdf(ck, labels.BLOB_COMMIT), payload, kdf(ck, labels.BLOB_ENC))
    return blob, BlobId(sha256(blob).digest())


def open_blob(blob: bytes, id: BlobId, ck: bytes, *, most_bytes: int) -> bytes:  # noqa: A002 -- DESIGN.md's word
    """Verify and open a blob of at most `most_bytes`: size, SHA-256 = id, magic, commitment, box.

    The id is checked whatever the source: a reader knows ck, so the box alone would not stop a reader and the server
    together. Raises PolicyError for a version to come, IntegrityError for everything else.
    """
    if not OVERHEAD_BYTES <= len(blob) <= most_bytes or sha256(blob).digest() != id:
        raise IntegrityError
    check_magic(blob, MAGIC)
    if not hmac.compare_digest(blob[4:PREFIX_BYTES], kdf(ck, labels.BLOB_COMMIT)):
        raise IntegrityError
    return ciphers.box_open(blob, PREFIX_BYTES, kdf(ck, labels.BLOB_ENC))
