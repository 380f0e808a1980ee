"""The members of `Disk`, each with somebody beside it who puts things in its way, for tests of what all promise."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import pytest

from mega_cli.localfs import atomic_rename
from mega_cli.localfs.disk import Disk, OpenFile, Place
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import SimUser
from tests.kit.special_files import make_pipe

REAL: Final = ("real", "real, old system")
SIMULATED: Final = (
    "simulated",
    "simulated, 2 s",
    "simulated, insensitive",
    "simulated, decomposed",
    "simulated, durable",
    "simulated, no exchange",
)
START_NS: Final = 1_700_000_000_123_456_789


def ticking(start_ns: int = START_NS, step_ns: int = 1_000) -> Callable[[], int]:
    """Make a clock that goes on a little at each look."""
    steps = itertools.count(start_ns, step_ns)
    return lambda: next(steps)


class Neighbour(Protocol):
    """Who works on the same folder without mega's care."""

    def write(self, place: Place, data: bytes) -> None:
        """Write a file in place."""

    def read(self, place: Place) -> bytes:
        """Read a file."""

    def hard_link(self, place: Place, other: Place) -> None:
        """Give a file one more name."""

    def make_pipe(self, place: Place) -> None:
        """Make a pipe."""


class RealNeighbour:
    """A neighbour on the real disk."""

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)

    def path(self, place: Place) -> Path:
        """Give a place's path."""
        return Path(os.fsdecode(b"/".join((self._root, *place))))

    def write(self, place: Place, data: bytes) -> None:
        """Write a file in place."""
        self.path(place).parent.mkdir(parents=True, exist_ok=True)
        self.path(place).write_bytes(data)

    def read(self, place: Place) -> bytes:
        """Read a file."""
        return self.path(place).read_bytes()

    def hard_link(self, place: Place, other: Place) -> None:
        """Give a file one more name."""
        self.path(other).hardlink_to(self.path(place))

    def make_pipe(self, place: Place) -> None:
        """Make a pipe."""
        make_pipe(self.path(place))


@contextmanager
def disk_called(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[Disk, Neighbour]]:
    """Give one member, empty, and its neighbour."""
    if name in REAL:
        root = folder / "root"
        root.mkdir()
        if name == "real, old system":
            patch.setattr(atomic_rename, "_SYSTEM", None)
        with RealDisk(os.fsencode(root)) as real:
            yield real, RealNeighbour(root)
        return
    simulated = SimDisk(
        ticking(),
        tick_ns=2_000_000_000 if name == "simulated, 2 s" else 1,
        folds_case=name == "simulated, insensitive",
        stores_nfd=name == "simulated, decomposed",
        has_exchange=name != "simulated, no exchange",
        is_forgetful=name != "simulated, durable",
    )
    yield simulated, SimUser(simulated)


def content(disk: Disk, place: Place) -> bytes:
    """Read a whole file through the disk."""
    with disk.open_file(place) as file:
        return rest(file)


def rest(file: OpenFile) -> bytes:
    """Read to the end, in small steps."""
    found, buffer = bytearray(), bytearray(3)
    while count := file.readinto(buffer):
        found += buffer[:count]
    return bytes(found)


def make(disk: Disk, place: Place, data: bytes = b"") -> None:
    """Make a file with content."""
    with disk.make_file(place) as file:
        file.write(data)


def names(disk: Disk, place: Place = ()) -> set[bytes]:
    """List a folder's names."""
    return {line.name for line in disk.list_folder(place)}


def refused(number: int) -> pytest.RaisesExc[OSError]:
    """Expect an error of this number."""
    return pytest.RaisesExc(OSError, check=lambda error: error.errno == number)
