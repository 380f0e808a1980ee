"""Root records: the signed, numbered pointer to a volume's tree (`docs/formats/root-record.md`).

      0   4 "MGR" 0x01   4 16 volume_id   20 4 epoch   24 8 revision   32 32 prev   64 32 writer key   96 24 nonce
    120  32 commitment   152 2 body length = 528   154 528 sealed body   682 64 Ed25519

The signature is checked with the derived key before the body is opened. Descent from the pin is checked elsewhere.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Final

from mega_cli.crypto import labels, randomness
from mega_cli.crypto.keys import VolumeKeys
from mega_cli.crypto.root import BODY_BYTES, CLEAR_BYTES, open_root_body, seal_root_body
from mega_cli.crypto.signing import sign, verify
from mega_cli.crypto.versions import check_magic, newer_version
from mega_cli.errors import IntegrityError
from mega_cli.model import PAGE, ROOT_RECORD_BYTES, ZERO_REF, Ref, VolumeId

MAGIC: Final = b"MGR\x01"
MIN_READER: Final = 1
"""The version of reader that this module is."""
MAX_DEVICES: Final = 15
FIRST_REVISION: Final = 1
LAST_REVISION: Final = 2**63 - 1
"""What every database holds; the server refuses more as well."""
NO_PREV: Final = bytes(32)
_SIGNED_BYTES = ROOT_RECORD_BYTES - 64
_CLEAR = struct.Struct(">4s16sIQ32s32s24s")
_BODY = struct.Struct(">80sQ16sQ16sHB")
_DEVICE = struct.Struct(">16sQ")


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """The clear fields of a record. Nothing in them is verified until `open_root_record` has returned."""

    volume: VolumeId
    epoch: int
    revision: int
    prev: bytes
    """SHA-256 of the record before; zero at revision 1."""
    writer_key: bytes
    digest: bytes
    """SHA-256 of this whole record."""


@dataclass(frozen=True, slots=True)
class RootBody:
    """What only the account's devices read."""

    root: Ref | None
    """The root page; None is an empty volume, at revision 1 only."""
    time_ms: int
    device_id: bytes
    device_seq: int
    commit_nonce: bytes = field(repr=False)
    min_reader: int = MIN_READER
    devices: tuple[tuple[bytes, int], ...] = ()
    """(device_id, last seq), the longest silent first."""


def with_device(devices: tuple[tuple[bytes, int], ...], device_id: bytes, seq: int) -> tuple[tuple[bytes, int], ...]:
    """Move a device to the end with its new seq; a 16th evicts the longest silent."""
    others = tuple(device for device in devices if device[0] != device_id)
    return (*others, (device_id, seq))[-MAX_DEVICES:]


def seal_root_record(keys: VolumeKeys, revision: int, prev: bytes, body: RootBody) -> bytes:
    """Write and sign a record: 746 bytes. Raises ValueError when a reader would refuse it."""
    if not _is_consistent(revision, prev, body):
        msg = "only revision 1 has no record before it and may have no root page"
        raise ValueError(msg)
    clear = _CLEAR.pack(MAGIC, keys.volume, keys.epoch, revision, prev, keys.writer_public, randomness.random_bytes(24))
    unsigned = clear + seal_root_body(keys.root_enc, clear, _encode_body(body))
    return unsigned + sign(keys.writer_seed, labels.SIGN_ROOT, unsigned)


def record_header(record: bytes) -> RecordHeader:
    """Read the clear fields, unverified. Raises IntegrityError on a wrong length, PolicyError for another version."""
    if len(record) != ROOT_RECORD_BYTES:
        raise IntegrityError
    check_magic(record, MAGIC)
    _, volume, epoch, revision, prev, writer_key, _ = _CLEAR.unpack_from(record)
    return RecordHeader(VolumeId(volume), epoch, revision, prev, writer_key, hashlib.sha256(record).digest())


def open_root_record(keys: VolumeKeys, record: bytes) -> tuple[RecordHeader, RootBody]:
    """Require this volume, epoch and writer, verify the signature, and only then open the body.

    Raises IntegrityError; PolicyError when the record or its body needs a newer reader.
    """
    header = record_header(record)
    if (header.volume, header.epoch, header.writer_key) != (keys.volume, keys.epoch, keys.writer_public):
        raise IntegrityError
    verify(keys.writer_public, labels.SIGN_ROOT, record[:_SIGNED_BYTES], record[_SIGNED_BYTES:])
    body = _decode_body(open_root_body(keys.root_enc, record[:CLEAR_BYTES], record[CLEAR_BYTES:_SIGNED_BYTES]))
    if not _is_consistent(header.revision, header.prev, body):
        raise IntegrityError
    return header, body


def _is_consistent(revision: int, prev: bytes, body: RootBody) -> bool:
    """Tell whether the revision is in range, and 1, and no other, has neither a record before it nor a root page."""
    is_first = revision == FIRST_REVISION
    is_in_range = FIRST_REVISION <= revision <= LAST_REVISION
    return is_in_range and (prev == NO_PREV) == is_first and (body.root is None) == is_first


def _encode_body(body: RootBody) -> bytes:
    """Lay out the 512 bytes."""
    if len(body.devices) > MAX_DEVICES or (body.root is not None and body.root.kind != PAGE):
        msg = "a root body names a page and at most 15 devices"
        raise ValueError(msg)
    root = ZERO_REF if body.root is None else body.root.pack()
    fixed = _BODY.pack(
        root, body.time_ms, body.device_id, body.device_seq, body.commit_nonce, body.min_reader, len(body.devices)
    )
    return (fixed + b"".join(_DEVICE.pack(*device) for device in body.devices)).ljust(BODY_BYTES, b"\0")


def _decode_body(raw: bytes) -> RootBody:
    """Read the 512 bytes strictly. Raises IntegrityError, PolicyError."""
    root, time_ms, device_id, device_seq, commit_nonce, min_reader, count = _BODY.unpack_from(raw)
    if min_reader > MIN_READER:
        raise newer_version()
    end = _BODY.size + count * _DEVICE.size
    if count > MAX_DEVICES or any(raw[end:]):
        raise IntegrityError
    devices: tuple[tuple[bytes, int], ...] = tuple(_DEVICE.iter_unpack(raw[_BODY.size : end]))
    if len({device[0] for device in devices}) != count:
        raise IntegrityError
    try:
        ref = None if root == ZERO_REF else Ref.unpack(root)
    except ValueError:
        raise IntegrityError from None
    if ref is not None and ref.kind != PAGE:
        raise IntegrityError
    return RootBody(ref, time_ms, device_id, device_seq, commit_nonce, min_reader, devices)
