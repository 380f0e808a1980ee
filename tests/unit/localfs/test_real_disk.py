"""What only the real disk can get wrong: the world outside its folder, old systems, masks, descriptors, races."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mega_cli.errors import MegaError
from mega_cli.localfs import atomic_rename
from mega_cli.localfs.disk import Place
from mega_cli.localfs.real_disk import RealDisk
from tests.kit.disks import content, make, names, refused
from tests.kit.special_files import make_socket

A, B, FOLDER = (b"a",), (b"b",), (b"folder",)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a synced folder beside something that must not be touched."""
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_bytes(b"untouched")
    return tmp_path / "root"


@pytest.fixture
def disk(root: Path) -> Iterator[RealDisk]:
    """Open it."""
    with RealDisk(os.fsencode(root)) as disk:
        yield disk


def outside(root: Path) -> list[tuple[str, bytes, os.stat_result]]:
    """Take everything of the folder beside, but the time of the last reading."""
    beside = root.parent / "outside"
    return [(path.name, path.read_bytes(), path.stat()) for path in sorted(beside.iterdir())]


OUTSIDE_CALLS: dict[str, Callable[[RealDisk], object]] = {
    "list_folder": lambda disk: disk.list_folder((b"out",)),
    "open_file": lambda disk: disk.open_file((b"out", b"canary")),
    "continue_file": lambda disk: disk.continue_file((b"out", b"canary")),
    "make_file": lambda disk: disk.make_file((b"out", b"new")),
    "make_folder": lambda disk: disk.make_folder((b"out", b"new"), 0o755),
    "make_link": lambda disk: disk.make_link((b"out", b"new"), b"x"),
    "rename in": lambda disk: disk.rename(A, (b"out", b"new")),
    "rename out": lambda disk: disk.rename((b"out", b"canary"), B),
    "exchange": lambda disk: disk.exchange(A, (b"out", b"canary")),
    "remove_file": lambda disk: disk.remove_file((b"out", b"canary")),
    "describe": lambda disk: disk.describe((b"out", b"canary"), 0o777, 0),
    "describe a link": lambda disk: disk.describe((b"file",), 0o777, 0),
    "open a link": lambda disk: disk.open_file((b"file",)),
    "continue a link": lambda disk: disk.continue_file((b"file",)),
    "make where a link is": lambda disk: disk.make_file((b"gone",)),
    "dots": lambda disk: disk.remove_file((b"..", b"outside", b"canary")),
    "dots in a name": lambda disk: disk.remove_file((b"../outside/canary",)),
}


@pytest.mark.parametrize("call", OUTSIDE_CALLS)
def test_nothing_outside_is_touched(disk: RealDisk, root: Path, call: str) -> None:
    """Links out of the folder, planted as a parent or in a file's place, lead no call there."""
    make(disk, A, b"mine")
    (root / "out").symlink_to(root.parent / "outside")
    (root / "file").symlink_to(root.parent / "outside" / "canary")
    (root / "gone").symlink_to(root.parent / "outside" / "new")
    before = outside(root)

    with pytest.raises((OSError, MegaError)):
        OUTSIDE_CALLS[call](disk)

    assert outside(root) == before
    assert content(disk, A) == b"mine"


def test_a_parent_that_becomes_a_link_and_back_leads_nowhere(disk: RealDisk, root: Path) -> None:
    """While somebody swaps a folder for a link outwards, again and again, nothing is made or removed out there."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    (root / "link").symlink_to(root.parent / "outside")
    before = outside(root)
    is_done = threading.Event()

    def swap() -> None:
        while not is_done.is_set():
            for one, other in (("folder", "aside"), ("link", "folder"), ("folder", "link"), ("aside", "folder")):
                (root / one).rename(root / other)

    thread = threading.Thread(target=swap)
    thread.start()
    for number in range(400):
        inside = (b"folder", b"%d" % number)
        with suppress(OSError):
            make(disk, inside)
        with suppress(OSError):
            disk.describe(inside, 0o777, 0)
        with suppress(OSError):
            disk.rename((b"folder", b"canary"), (b"folder", b"moved"))
        with suppress(OSError):
            disk.remove_file((b"folder", b"canary"))
    is_done.set()
    thread.join(timeout=30)

    assert outside(root) == before


def test_a_socket_is_refused(disk: RealDisk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket in a file's place is no file."""
    monkeypatch.chdir(root)  # the system bounds the length of a socket's path
    make_socket(Path("socket"))
    with refused(errno.EINVAL):
        disk.open_file((b"socket",))
    with refused(errno.EINVAL):
        disk.continue_file((b"socket",))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mask")
@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
def test_the_mask_of_the_process_changes_nothing(disk: RealDisk, mask: int) -> None:
    """A folder gets its mode, and a file is never readable by others before it is described."""
    before = os.umask(mask)
    try:
        disk.make_folder(FOLDER, 0o775)
        with disk.make_file(A) as file:
            assert file.found().stamps.mode & 0o077 == 0
            file.describe(0o664, 0)
    finally:
        os.umask(before)
    assert [found.stamps.mode for place in (FOLDER, A) if (found := disk.look(place))] == [0o775, 0o664]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
@pytest.mark.parametrize("place", [(), FOLDER])
def test_bits_of_a_folder_that_are_not_synced_stay(disk: RealDisk, root: Path, place: Place) -> None:
    """A folder that hands its group down does so after its permissions were set."""
    disk.make_folder(FOLDER, 0o755)
    root.joinpath(*map(os.fsdecode, place)).chmod(0o3775)
    disk.describe(place, 0o6750, None)
    found = disk.look(place)
    assert found is not None
    assert found.stamps.mode == 0o3750


@pytest.mark.skipif(sys.platform != "linux", reason="a folder of descriptors is Linux's")
def test_no_descriptor_is_left_open(disk: RealDisk) -> None:
    """Calls that work and calls that fail give every descriptor back."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, A)
    disk.make_link(B, b"a")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a count, not paths
    for place in (A, B, FOLDER, (), (b"folder", b"x"), (b"a", b"x"), (b"x", b"y"), (b"folder", b".."), (b"..",)):
        for call in (disk.look, disk.list_folder, disk.sync_folder, disk.read_link, disk.remove_folder):
            with suppress(OSError, MegaError):
                call(place)
        for opens in (disk.open_file, disk.continue_file, disk.make_file):
            with suppress(OSError, MegaError), opens(place):
                pass
        with suppress(OSError, MegaError):
            disk.describe(place, 0o700, 0)
        with suppress(OSError, MegaError):
            disk.rename(place, (b"folder", b"y"))
        with suppress(OSError, MegaError):
            disk.exchange(place, A)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 -- a count, not paths


def test_what_vanishes_while_listing_is_left_out(disk: RealDisk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is gone before it is looked at is no error, and no line."""
    make(disk, A)
    make(disk, B)
    scandir = os.scandir

    class Scan:
        """A scan after whose names one file is removed."""

        def __init__(self, fd: int) -> None:
            self.lines = list(scandir(fd))
            (root / "a").unlink()

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.lines)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Scan)
    assert names(disk) == {b"b"}


@pytest.mark.parametrize("place", [A, FOLDER])
def test_what_the_owner_may_not_open_is_described(
    disk: RealDisk, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """Where opening is refused, the attributes are set without it."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    opens = os.open

    def strict(path: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == place[0] and not flags & getattr(os, "O_PATH", 0):
            raise PermissionError(errno.EACCES, "no")
        return opens(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", strict)
    disk.describe(place, 0o740, 1_000_000_000)
    found = disk.look(place)
    assert found is not None
    assert (found.stamps.mode, found.stamps.mtime_ns) == (0o740, 1_000_000_000)


def test_a_missing_folder_is_told_in_words(tmp_path: Path) -> None:
    """Opening what is not there is an error a user can act on."""
    with pytest.raises(MegaError, match="no such file or folder"):
        RealDisk(os.fsencode(tmp_path / "missing"))


# --- systems without the call -----------------------------------------------------------------------------------------


@pytest.fixture
def old_disk(disk: RealDisk, monkeypatch: pytest.MonkeyPatch) -> RealDisk:
    """Take the call away, as NFS does."""
    monkeypatch.setattr(atomic_rename, "_SYSTEM", None)
    return disk


def test_a_disk_without_links_refuses_rather_than_replaces(old_disk: RealDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With neither the call nor hard links a file cannot be moved safely, so it stays."""

    def no_link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "link", no_link)
    make(old_disk, A, b"stays")
    with refused(errno.ENOTSUP):
        old_disk.rename(A, B)
    assert names(old_disk) == {b"a"}


def test_a_crash_between_the_steps_leaves_both_names(old_disk: RealDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move in two steps that ends in the middle lost nothing, and the file is not written to again."""

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    make(old_disk, A, b"words")
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            old_disk.rename(A, B)
    assert (content(old_disk, A), content(old_disk, B)) == (b"words", b"words")
    with refused(errno.EMLINK):
        old_disk.continue_file(A)


def test_an_empty_folder_is_not_replaced_in_steps(old_disk: RealDisk) -> None:
    """rename(2) would replace an empty folder; it is looked for first."""
    old_disk.make_folder(FOLDER, 0o755)
    old_disk.make_folder(B, 0o700)
    with refused(errno.EEXIST):
        old_disk.rename(FOLDER, B)
    assert names(old_disk) == {b"folder", b"b"}
