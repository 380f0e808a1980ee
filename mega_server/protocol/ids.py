"""Identifiers as they travel: raw bytes, checked once at the door."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NewType

BlobId = NewType("BlobId", bytes)
"""SHA-256 of a blob: 32 bytes."""

VolumeId = NewType("VolumeId", bytes)
"""A volume's identifier: 16 bytes."""

BLOB_ID_BYTES = 32
VOLUME_ID_BYTES = 16


def blob_id(raw: bytes) -> BlobId:
    """Check that `raw` is 32 bytes long. Raises ValueError."""
    if len(raw) != BLOB_ID_BYTES:
        msg = f"a blob id is {BLOB_ID_BYTES} bytes, not {len(raw)}"
        raise ValueError(msg)
    return BlobId(bytes(raw))


def volume_id(raw: bytes) -> VolumeId:
    """Check that `raw` is 16 bytes long. Raises ValueError."""
    if len(raw) != VOLUME_ID_BYTES:
        msg = f"a volume id is {VOLUME_ID_BYTES} bytes, not {len(raw)}"
        raise ValueError(msg)
    return VolumeId(bytes(raw))


def blob_id_from_hex(text: str) -> BlobId:
    """Parse 64 lower-case hexadecimal digits, the form of an id in a URL. Raises ValueError."""
    raw = blob_id(bytes.fromhex(text))
    if raw.hex() != text:
        msg = "an id in a URL is lower-case hexadecimal"
        raise ValueError(msg)
    return raw


def volume_id_from_hex(text: str) -> VolumeId:
    """Parse 32 lower-case hexadecimal digits, the form of a volume id in a URL. Raises ValueError."""
    raw = volume_id(bytes.fromhex(text))
    if raw.hex() != text:
        msg = "an id in a URL is lower-case hexadecimal"
        raise ValueError(msg)
    return raw


def split_ids(raw: bytes, *, most: int) -> list[BlobId]:
    """Cut a concatenation of ids into at most `most` ids, in the order given.

    Raises ValueError when the length is no multiple of 32 or there are more than `most`.
    """
    if len(raw) % BLOB_ID_BYTES:
        msg = "a run of ids is a multiple of 32 bytes"
        raise ValueError(msg)
    if len(raw) // BLOB_ID_BYTES > most:
        msg = f"at most {most} ids are taken at once"
        raise ValueError(msg)
    return [BlobId(raw[at : at + BLOB_ID_BYTES]) for at in range(0, len(raw), BLOB_ID_BYTES)]


def split_id_set(raw: bytes, *, most: int) -> list[BlobId]:
    """Cut a sorted set of ids; as `split_ids`, and refuse a repeated or unsorted id with ValueError."""
    ids = split_ids(raw, most=most)
    if any(first >= second for first, second in pairwise(ids)):
        msg = "a set of ids is sorted and names each id once"
        raise ValueError(msg)
    return ids


def join_id_set(ids: Iterable[BlobId]) -> bytes:
    """Write a set of ids as the wire wants it: sorted, each once, 32 bytes apiece."""
    return b"".join(sorted(set(ids)))
