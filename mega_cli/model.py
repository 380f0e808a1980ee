"""Value types shared by every floor, and the names of the wire contract that pure floors need.

It holds no behaviour beyond packing and redaction. This module and `mega_cli.api` are the only doors to `mega_server`.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field
from typing import Final, final

from mega_server.protocol.ids import BLOB_ID_BYTES, BlobId, VolumeId, blob_id, volume_id
from mega_server.protocol.limits import (
    GIB,
    KIB,
    MIB,
    NEEDS_PER_COMMIT,
    PACK_TARGET_BYTES,
    ROOT_RECORD_BYTES,
    SLOT_BYTES,
)

__all__ = [
    "BLOB_ID_BYTES",
    "DATA",
    "GIB",
    "KIB",
    "LIST",
    "MIB",
    "NEEDS_PER_COMMIT",
    "PACK_TARGET_BYTES",
    "PAGE",
    "REF_BYTES",
    "ROOT_RECORD_BYTES",
    "SLOT_BYTES",
    "ZERO_REF",
    "BlobId",
    "KdfPolicy",
    "Network",
    "Pin",
    "Ref",
    "Secret",
    "VolumeId",
    "blob_id",
    "volume_id",
]

DATA: Final = 1
LIST: Final = 2
PAGE: Final = 3

REF_BYTES: Final = 80
ZERO_REF: Final = bytes(REF_BYTES)
_REF = struct.Struct(">32s32sBB6xQ")


@final
class Secret:
    """Bytes that must not be printed: keys, passwords, tokens. Compared in constant time, unhashable."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a secret in a set or a dictionary key would be compared in variable time

    def __init__(self, value: bytes) -> None:
        """Wrap `value`; the bytes are copied so that nobody can change them."""
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Give the bytes, to a function that needs them now."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        """Show nothing."""
        return "Secret(…)"


@final
class Ref:
    """id + key + kind + plain length: everything needed to fetch, verify and open one object.

    `plain_len` counts the file's bytes beneath it (data, list) or the page's own bytes. The packed form is 80 bytes
    (`docs/formats/object.md`). The key never shows in `repr`.
    """

    __slots__ = ("id", "key", "kind", "plain_len")

    def __init__(self, id: BlobId, key: bytes, kind: int, plain_len: int) -> None:  # noqa: A002 -- DESIGN.md's word
        """Take the parts as they are; `unpack` is the door for untrusted bytes."""
        self.id = id
        self.key = key
        self.kind = kind
        self.plain_len = plain_len

    def pack(self) -> bytes:
        """Write the 80 bytes."""
        return _REF.pack(self.id, self.key, self.kind, 0, self.plain_len)

    @classmethod
    def unpack(cls, raw: bytes) -> Ref:
        """Read 80 bytes strictly. Raises ValueError on a wrong length, an unknown kind or reserved bits."""
        if len(raw) != REF_BYTES:
            msg = "a ref is 80 bytes"
            raise ValueError(msg)
        id_, key, kind, flags, plain_len = _REF.unpack(raw)
        if kind not in (DATA, LIST, PAGE) or flags or any(raw[66:72]):
            msg = "a ref has an unknown kind or reserved bits"
            raise ValueError(msg)
        return cls(BlobId(id_), key, kind, plain_len)

    @classmethod
    def unpack_all(cls, raw: bytes) -> list[Ref]:
        """Read a run of refs, 80 bytes each. Raises ValueError."""
        if len(raw) % REF_BYTES:
            msg = "a run of refs is a multiple of 80 bytes"
            raise ValueError(msg)
        return [cls.unpack(raw[at : at + REF_BYTES]) for at in range(0, len(raw), REF_BYTES)]

    def __eq__(self, other: object) -> bool:
        """Compare all fields."""
        return isinstance(other, Ref) and hmac.compare_digest(self.pack(), other.pack())

    def __hash__(self) -> int:
        """Hash the id alone: it is public and unique."""
        return hash(self.id)

    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"Ref(id={self.id.hex()[:12]}…, kind={self.kind}, plain_len={self.plain_len})"


@dataclass(frozen=True, slots=True)
class KdfPolicy:
    """Argon2id parameters: `passes`, and `memory_bytes`."""

    passes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Network:
    """How this device's network reaches a server: chosen at login or signup, and kept with the session."""

    insecure_http: bool = False
    """Plain http to another machine is allowed."""
    ca_file: str = ""
    """An absolute path: the authorities trusted instead of the well-known ones."""
    proxy: str = field(default="", repr=False)
    """The URL of a proxy, in place of those that the environment names."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The newest revision of a volume that this device has seen."""

    revision: int
    digest: bytes
    """SHA-256 of the root record."""
