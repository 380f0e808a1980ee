"""Packs in a dictionary: for tests and for trying things out. It promises all but surviving the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mega_server.protocol.ids import VolumeId
from mega_server.storage.store import PackLostError, PackName, StoredPack


class MemoryStore:
    """A `BlobStore` without a disk."""

    def __init__(self) -> None:
        """Start empty."""
        self._packs: dict[tuple[VolumeId, PackName], bytes] = {}

    def put(self, volume: VolumeId, name: PackName, parts: Sequence[bytes | memoryview]) -> None:
        """Store a pack."""
        self._packs[volume, name] = b"".join(parts)

    def read(self, volume: VolumeId, name: PackName, offset: int, length: int) -> bytes:
        """Read exactly `length` bytes. Raises PackLostError."""
        data = self._packs.get((volume, name), b"")[offset : offset + length]
        if len(data) != length:
            raise PackLostError
        return data

    def size_bytes(self, volume: VolumeId, name: PackName) -> int | None:
        """Say how long a pack is; None when it is not there."""
        pack = self._packs.get((volume, name))
        return None if pack is None else len(pack)

    def packs(self) -> Iterator[StoredPack]:
        """List every pack."""
        for (volume, name), pack in list(self._packs.items()):
            yield StoredPack(volume, name, len(pack))

    def remove(self, volume: VolumeId, name: PackName) -> None:
        """Forget a pack."""
        self._packs.pop((volume, name), None)

    def free_bytes(self) -> int | None:
        """Nobody knows."""
        return None

    def leftovers(self, before_ms: int) -> Iterator[StoredPack]:  # noqa: ARG002 -- the protocol's argument
        """List nothing: what is cut here is gone."""
        return iter(())

    def drop_leftovers(self, before_ms: int) -> int:  # noqa: ARG002 -- the protocol's argument
        """Remove nothing."""
        return 0

    def check(self) -> None:
        """Memory is always there."""

    def close(self) -> None:
        """Nothing is open."""
