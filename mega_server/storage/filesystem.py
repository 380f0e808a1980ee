"""Packs as files: `v/<volume hex>/<pack name hex>` under one folder.

A pack is written to a temporary file beside its place, fsynced, renamed, and its folder fsynced, so a power cut leaves
either the whole pack or none. Names are hexadecimal digits of our own making: nothing a client sends reaches a path.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mega_server.protocol.ids import VolumeId
from mega_server.storage.direct import write_direct
from mega_server.storage.store import PackLostError, PackName, StoredPack

# A worker's share of the usual limit of 1,024 descriptors, beside sockets and the database.
_OPEN_PACKS = 256
_VOLUME = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[0-9a-f]{64}")
_PARTIAL = ".part"
# An empty file needs no block, so a full disk would take it.
_PROBE = bytes(4096)


class FilesystemStore:
    """A `BlobStore` in a folder."""

    def __init__(self, root: Path) -> None:
        """Use `root`, making it when it is missing."""
        self._root = root / "v"
        make_folder(self._root)
        self._open: OrderedDict[tuple[VolumeId, PackName], _OpenPack] = OrderedDict()
        self._lock = threading.Lock()
        self._durable: set[VolumeId] = set()

    def put(self, volume: VolumeId, name: PackName, parts: Sequence[bytes | memoryview]) -> None:
        """Store a pack durably."""
        folder = self._durable_folder(volume)
        partial = folder / f"{name.hex()}.{secrets.token_hex(8)}{_PARTIAL}"
        try:
            with partial.open("xb", buffering=0) as file:
                done = write_direct(file.fileno(), parts[0]) if len(parts) == 1 else 0
                for part in parts:
                    _write_all(file.fileno(), memoryview(part)[done:])
                os.fsync(file.fileno())
            partial.replace(folder / name.hex())
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(folder)

    def read(self, volume: VolumeId, name: PackName, offset: int, length: int) -> bytes:
        """Read exactly `length` bytes. Raises PackLostError."""
        data = self._opened(volume, name).read(offset, length)
        if len(data) != length:
            raise PackLostError
        return data

    def size_bytes(self, volume: VolumeId, name: PackName) -> int | None:
        """Say how long a pack is; None when it is not there."""
        try:
            found = (self._root / volume.hex() / name.hex()).stat()
        except FileNotFoundError:
            return None
        with self._lock:
            pack = self._open.get((volume, name))
            if pack is not None and pack.inode != found.st_ino:
                del self._open[volume, name]  # stored anew since it was opened
        return found.st_size

    def packs(self) -> Iterator[StoredPack]:
        """List every pack; files of other names are not packs."""
        for file, pack, _ in self._files():
            if _NAME.fullmatch(file.name):
                yield pack

    def remove(self, volume: VolumeId, name: PackName) -> None:
        """Remove a pack, if it is there."""
        (self._root / volume.hex() / name.hex()).unlink(missing_ok=True)
        with self._lock:
            self._open.pop((volume, name), None)

    def free_bytes(self) -> int | None:
        """Say how much room the disk has for us."""
        return shutil.disk_usage(self._root).free

    def leftovers(self, before_ms: int) -> Iterator[StoredPack]:
        """List the partial files last written before this time."""
        for file, pack, written_ms in self._files():
            if file.suffix == _PARTIAL and written_ms < before_ms:
                yield pack

    def drop_leftovers(self, before_ms: int) -> int:
        """Remove them."""
        old = [file for file, _, written_ms in self._files() if file.suffix == _PARTIAL and written_ms < before_ms]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def check(self) -> None:
        """Write and remove a file, as storing a pack would. Raises OSError."""
        probe = self._root / f"{secrets.token_hex(8)}.probe"
        try:
            probe.write_bytes(_PROBE)
        finally:
            probe.unlink(missing_ok=True)

    def close(self) -> None:
        """Close every cached descriptor that no reader holds."""
        with self._lock:
            self._open.clear()

    def _durable_folder(self, volume: VolumeId) -> Path:
        """Make the volume's folder last; another worker may just have made it, and not be done with that."""
        folder = self._root / volume.hex()
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            is_new = False
        else:
            is_new = True
        if is_new or volume not in self._durable:
            sync_folder(self._root)
            self._durable.add(volume)
        return folder

    def _files(self) -> Iterator[tuple[Path, StoredPack, int]]:
        """List the packs and the partial ones, each with the time it was last written in milliseconds."""
        for folder in self._root.iterdir():
            if not _VOLUME.fullmatch(folder.name):
                continue
            for file in folder.iterdir():
                stem = file.name.partition(".")[0]
                if not _NAME.fullmatch(stem):
                    continue
                try:
                    stat = file.stat()
                except FileNotFoundError:  # a partial file that has just become a pack
                    continue
                pack = StoredPack(VolumeId(bytes.fromhex(folder.name)), PackName(bytes.fromhex(stem)), stat.st_size)
                yield file, pack, stat.st_mtime_ns // 1_000_000

    def _opened(self, volume: VolumeId, name: PackName) -> _OpenPack:
        with self._lock:
            pack = self._open.get((volume, name))
            if pack is not None:
                self._open.move_to_end((volume, name))
                return pack
        try:
            pack = _OpenPack(self._root / volume.hex() / name.hex())
        except FileNotFoundError as error:
            raise PackLostError from error
        with self._lock:
            self._open[volume, name] = pack
            if len(self._open) > _OPEN_PACKS:
                self._open.popitem(last=False)
        return pack


class _OpenPack:
    """A descriptor that closes with its last holder, so that leaving the cache cannot close it under a reader."""

    __slots__ = ("_lock", "fd", "inode")

    def __init__(self, path: Path) -> None:
        self.fd = -1
        self._lock = threading.Lock()
        self.fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.inode = os.fstat(self.fd).st_ino

    def read(self, offset: int, length: int) -> bytes:
        if sys.platform != "win32":
            return os.pread(self.fd, length, offset)
        else:  # noqa: RET505 -- mypy skips a branch of the other platform only when it is one
            with self._lock:  # Windows reads only at the descriptor's own position
                os.lseek(self.fd, offset, os.SEEK_SET)
                return os.read(self.fd, length)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


def _write_all(fd: int, part: bytes | memoryview) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(fd, rest) :]


def make_folder(folder: Path) -> None:
    """Make a private folder, and what is missing above it, so that a power cut cannot take its name and all in it."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable: POSIX keeps names in the folder, which has its own fsync. Windows has nothing like it."""
    if sys.platform != "win32":
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
