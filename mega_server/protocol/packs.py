"""A pack: several blobs sent and stored together, self-describing so that an index can be rebuilt from packs alone.

pack = "MGP" 0x01, count4, count x len4, the blobs one after another      (big-endian)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mega_server.protocol.limits import BLOB_LEAST_BYTES, BLOB_MOST_BYTES, PACK_BLOBS, PACK_BYTES

MAGIC = b"MGP\x01"
_FIXED = 8


def header_bytes(count: int) -> int:
    """Say how long the header of a pack of `count` blobs is."""
    return _FIXED + 4 * count


def pack_header(lengths: Sequence[int]) -> bytes:
    """Write the header for blobs of these lengths, in their order."""
    return MAGIC + struct.pack(f">I{len(lengths)}I", len(lengths), *lengths)


def blob_spans(pack: bytes | bytearray | memoryview) -> list[tuple[int, int]]:
    """Read where each blob lies: (offset, length) in order, covering the pack exactly.

    Raises ValueError on a wrong magic, a count of 0 or above the limit, a length out of bounds, missing or trailing
    bytes.
    """
    if len(pack) < _FIXED or bytes(pack[:4]) != MAGIC:
        msg = "not a pack"
        raise ValueError(msg)
    if len(pack) > PACK_BYTES:
        msg = f"a pack is at most {PACK_BYTES} bytes"
        raise ValueError(msg)
    (count,) = struct.unpack_from(">I", pack, 4)
    if not 1 <= count <= PACK_BLOBS:
        msg = f"a pack holds 1 to {PACK_BLOBS} blobs"
        raise ValueError(msg)
    offset = header_bytes(count)
    if len(pack) < offset:
        msg = "the pack's header is cut"
        raise ValueError(msg)
    spans = []
    for length in struct.unpack_from(f">{count}I", pack, _FIXED):
        if not BLOB_LEAST_BYTES <= length <= BLOB_MOST_BYTES:
            msg = f"a blob is {BLOB_LEAST_BYTES} to {BLOB_MOST_BYTES} bytes"
            raise ValueError(msg)
        spans.append((offset, length))
        offset += length
    if offset != len(pack):
        msg = "the pack's lengths do not cover it"
        raise ValueError(msg)
    return spans
