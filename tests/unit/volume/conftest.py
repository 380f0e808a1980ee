"""One volume on an in-memory server, one device on it, and a folder of the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import MIB
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import list_path
from mega_cli.volume.get import get
from mega_cli.volume.progress import Outcome, SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import GetOptions, GetSummary, Listed, PutOptions, PutStream, PutSummary
from mega_cli.volume.session import VolumeSession
from tests.kit.forge import fixed
from tests.kit.memory_server import MemoryServer, open_device

LARGE = fixed("content 1", 6 * MIB)
"""Eight chunks under a list, the last of more than 64 KiB."""
MIDDLE = fixed("content 2", 100 * 1024)
"""One chunk of 64 KiB or more."""


class Bytes:
    """A stream of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on."""
        count = min(len(buffer), len(self._data))
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


class Recorder(SilentProgress):
    """Notes how each item ended, and what was waited for."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Outcome]] = []
        self.waits: list[str] = []

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Note it."""
        self.done.append((path, outcome))

    def waiting(self, reason: str) -> None:
        """Note it."""
        self.waits.append(reason)


class Desk:
    """A device at work: short forms of the services, and a disk folder to work in."""

    def __init__(self, server: MemoryServer, folder: Path, stack: ExitStack) -> None:
        self.server = server
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.mkdir(parents=True, exist_ok=True)
        self._stack = stack
        self.session = self._open()

    def _open(self, number: int = 1) -> VolumeSession:
        return self._stack.enter_context(open_device(self.server, self.folder / f"device{number}", number))

    def another(self, number: int = 2) -> VolumeSession:
        """Open the volume on another device."""
        return self._open(number)

    def file(self, name: str, data: bytes | str = b"") -> Path:
        """Write a file on the disk, below the folder."""
        path = self.disk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def put(self, *sources: str | Path | PutStream, to: str = "/", options: PutOptions | None = None) -> PutSummary:
        """Put, by default the disk folder's `src`."""
        given = [source if isinstance(source, PutStream) else str(source) for source in sources or (self.disk / "src",)]
        return put(self.session, given, RemotePath.parse(to), options or PutOptions(), SilentProgress())

    def get(self, *paths: str, to: str | Path = "", options: GetOptions | None = None) -> GetSummary:
        """Get, by default into the disk folder's `out`."""
        wanted = [RemotePath.parse(path) for path in paths]
        return get(self.session, wanted, str(to or self.disk / "out"), options or GetOptions(), SilentProgress())

    def ls(self, path: str = "/") -> dict[str, Listed]:
        """List everything below a path."""
        return {item.path: item for item in list_path(self.session, RemotePath.parse(path), is_recursive=True)}


@pytest.fixture
def server() -> MemoryServer:
    """Give a volume without files."""
    return MemoryServer()


@pytest.fixture
def desk(server: MemoryServer, tmp_path: Path) -> Iterator[Desk]:
    """Give a device on that volume."""
    with ExitStack() as stack:
        yield Desk(server, tmp_path, stack)


@pytest.fixture
def src(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill a source folder of every size class, whose stamps are believed at once."""
    desk.file("src/empty")
    desk.file("src/small", "small")
    desk.file("src/sub/middle", MIDDLE)
    desk.file("src/sub/large", LARGE)
    (desk.disk / "src/hollow").mkdir()
    (desk.disk / "src/link").symlink_to("small")
    age(desk.disk)
    # A file written just now has a racy ctime, which no call can set.
    monkeypatch.setattr("mega_cli.volume.put_read.is_racy", lambda _stamps, _now_ns: False)
    return desk.disk / "src"


def age(folder: Path) -> None:
    """Give everything a stamp of the past, so that rows of the index are not racy."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.utime(path, ns=(1_600_000_000_111_222_333, 1_600_000_000_111_222_333))


def partials(folder: Path) -> list[Path]:
    """List the partial files in a folder."""
    return [path for path in folder.iterdir() if is_partial_name(path.name.encode())]
