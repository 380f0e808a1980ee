"""Fixed inputs and layouts written freely, right or wrong: what vectors and hostile tests forge with."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import msgspec

from mega_cli.crypto.blobs import object_key, seal_blob
from mega_cli.crypto.keys import MasterKeys, VolumeKeys
from mega_cli.formats import page
from mega_cli.formats.object import padme
from mega_cli.model import DATA, Ref, Secret, blob_id, volume_id
from tests.kit.vectors import Vector

ACCOUNT, ORIGIN = "alice", "https://mega.example"


def fixed(name: str, n: int = 32) -> bytes:
    """Give `n` bytes that depend on the name only."""
    return hashlib.shake_256(name.encode()).digest(n)


MASTER = MasterKeys(Secret(fixed("mk")), 1)
VK = fixed("vk")
VOLUME = fixed("volume", 16)
KEYS = VolumeKeys(Secret(VK), volume_id(VOLUME), 1)
VOLUME_FIELDS: Vector = {"vk": VK.hex(), "volume": VOLUME.hex(), "epoch": 1}


def ref_for(name: str, kind: int, plain_len: int) -> Ref:
    """Make up a ref."""
    return Ref(blob_id(fixed(name + " id")), fixed(name + " ck"), kind, plain_len)


def flipped(raw: bytes, at: int) -> bytes:
    """Change one bit of one byte."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def sealed(payload: bytes, kind: int = DATA, plain_len: int = 0) -> tuple[bytes, Ref]:
    """Seal any payload, well formed or not."""
    ck = object_key(payload, fixed("secret"))
    blob, id_ = seal_blob(payload, ck)
    return blob, Ref(id_, ck, kind, plain_len)


def payload_of(codec: int, kind: int, stored: bytes, plain_len: int, size: int = 0, zero: int = 0) -> bytes:
    """Lay out a payload freely."""
    size = size or max(512, padme(12 + len(stored)))
    return (struct.pack(">BBHII", codec, kind, zero, len(stored), plain_len) + stored).ljust(size, b"\0")


def entry(name: str, **changes: Any) -> page.Entry:
    """Make an empty file's entry."""
    digest = bytes.fromhex("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
    made = page.Entry(
        name, fixed("node " + name, 16), page.FILE, 0, 1_700_000_000_123_456_789, 0o644, digest, b"", "", 1, {}
    )
    return made.replace(**changes)


def page_of(items: list[Any], level: int = 0, version: int = 1) -> bytes:
    """Write a page without asking whether it is right."""
    return msgspec.msgpack.encode([version, level, items])
