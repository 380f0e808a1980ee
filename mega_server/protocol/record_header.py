"""The clear part of a root record, all that the server ever reads of it (`docs/formats/root-record.md`)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from mega_server.protocol.limits import ROOT_RECORD_BYTES

MAGIC = b"MGR\x01"
ROOT_SIGNATURE_CONTEXT = b"mega1/sig/root".ljust(16, b"\0")
SIGNED_BYTES = ROOT_RECORD_BYTES - 64
_CLEAR = struct.Struct(">4s16sIQ32s32s")


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """A root record as the server sees it."""

    volume: bytes
    epoch: int
    revision: int
    prev: bytes
    writer_key: bytes
    signed: bytes
    """What the signature covers: the context and the record up to the signature."""
    signature: bytes
    digest: bytes
    """SHA-256 of the whole record: what the next record's `prev` must equal."""


def parse_record_header(record: bytes) -> RecordHeader:
    """Read the clear fields; the signature is not checked here. Raises ValueError on a wrong length or magic."""
    if len(record) != ROOT_RECORD_BYTES:
        msg = f"a root record is {ROOT_RECORD_BYTES} bytes"
        raise ValueError(msg)
    magic, volume, epoch, revision, prev, writer = _CLEAR.unpack_from(record)
    if magic != MAGIC:
        msg = "the root record has an unknown version"
        raise ValueError(msg)
    return RecordHeader(
        volume=volume,
        epoch=epoch,
        revision=revision,
        prev=prev,
        writer_key=writer,
        signed=ROOT_SIGNATURE_CONTEXT + record[:SIGNED_BYTES],
        signature=record[SIGNED_BYTES:],
        digest=hashlib.sha256(record).digest(),
    )
