"""What any place that keeps packs promises. One contract suite (tests/contract/test_blob_store.py) holds all members.

A store knows packs by (volume, name) and bytes by range; it knows nothing of blobs, accounts or quota.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, NewType, Protocol

from mega_server.protocol.ids import VolumeId

PackName = NewType("PackName", bytes)
"""32 bytes that bind a pack's whole content: see `services.uploads.pack_name`."""


class PackLostError(Exception):
    """A pack is not there, or is shorter than a range asked of it."""


class StoredPack(NamedTuple):
    """One pack as the store sees it."""

    volume: VolumeId
    name: PackName
    size_bytes: int


class BlobStore(Protocol):
    """Keeps packs. Every method may be called by several threads at once."""

    def put(self, volume: VolumeId, name: PackName, parts: Sequence[bytes | memoryview]) -> None:
        """Store a pack, given as parts to be joined, so that it survives a power cut once this returns.

        No reader ever sees a partial pack. Storing a name again replaces it with the same bytes. `parts` are not
        kept: the caller may reuse their memory. Raises OSError when the bytes could not be made durable.
        """

    def read(self, volume: VolumeId, name: PackName, offset: int, length: int) -> bytes:
        """Read exactly `length` bytes. Raises PackLostError when they are not all there."""

    def size_bytes(self, volume: VolumeId, name: PackName) -> int | None:
        """Say how long a pack is; None when it is not there."""

    def packs(self) -> Iterator[StoredPack]:
        """List every pack, in no order."""

    def remove(self, volume: VolumeId, name: PackName) -> None:
        """Remove a pack; one that is not there is a success. A power cut may bring it back."""

    def free_bytes(self) -> int | None:
        """Say how much room is left; None where nobody knows."""

    def leftovers(self, before_ms: int) -> Iterator[StoredPack]:
        """List what a `put` that was killed left of a pack, last written before this time: its bytes serve nobody."""

    def drop_leftovers(self, before_ms: int) -> int:
        """Remove them, and say how many there were."""

    def check(self) -> None:
        """Raise OSError when a pack could not be stored now."""

    def close(self) -> None:
        """Let go of what is open."""
