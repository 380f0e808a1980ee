"""The promises of `Disk`, over every member: what is a name and what is none; and several threads at once."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

import pytest

from mega_cli.localfs.disk import Disk, Place
from mega_cli.localfs.failures import BlockedError
from tests.kit.disks import content, make, names, refused

A, B, FOLDER = (b"a",), (b"b",), (b"folder",)
BAD_NAMES = [b"", b".", b"..", b"a/b", b"/etc", b"a\0b"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_is_no_name_is_blocked(disk: Disk, name: bytes) -> None:
    """No call takes a name that is not one component, last or on the way."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    for place in ((name,), (b"folder", name), (name, b"a")):
        for call in calls_at(disk, place):
            with pytest.raises(BlockedError):
                call()
    assert names(disk) == {b"a", b"folder"}


def calls_at(disk: Disk, place: Place) -> list[Callable[[], object]]:
    """Make every call that takes a place."""
    return [
        lambda: disk.look(place),
        lambda: disk.list_folder(place),
        lambda: disk.open_file(place),
        lambda: disk.read_link(place),
        lambda: disk.make_folder(place, 0o755),
        lambda: disk.make_file(place),
        lambda: disk.continue_file(place),
        lambda: disk.make_link(place, b"a"),
        lambda: disk.rename(place, B),
        lambda: disk.rename(A, place),
        lambda: disk.exchange(A, place),
        lambda: disk.exchange(place, A),
        lambda: disk.remove_file(place),
        lambda: disk.remove_folder(place),
        lambda: disk.describe(place, 0o644, None),
        lambda: disk.sync_folder(place),
    ]


def test_the_longest_name(disk: Disk) -> None:
    """255 bytes are a name, 256 are none."""
    make(disk, (b"n" * 255,), b"long")
    assert content(disk, (b"n" * 255,)) == b"long"
    with refused(errno.ENAMETOOLONG):
        disk.make_file((b"n" * 256,))


def test_bytes_that_are_no_text(disk: Disk, member: str) -> None:
    """A name that is no UTF-8 is kept as it is, where the disk keeps any name."""
    if member == "simulated, decomposed":
        with refused(errno.EILSEQ):
            disk.make_file((b"\xff\xfe",))
    else:
        make(disk, (b"\xff\xfe",), b"data")
        assert names(disk) == {b"\xff\xfe"}
        assert content(disk, (b"\xff\xfe",)) == b"data"


def test_deep_places(disk: Disk) -> None:
    """A place may be deeper than a path may be long."""
    place: Place = ()
    for _ in range(40):
        place = (*place, b"d" * 200)
        disk.make_folder(place, 0o755)
    make(disk, (*place, b"a"), b"deep")
    assert content(disk, (*place, b"a")) == b"deep"


# --- threads ----------------------------------------------------------------------------------------------------------


def test_folders_are_read_while_they_change(disk: Disk) -> None:
    """Listing, looking, opening and reading go on in four threads while a fifth makes, moves and removes."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, A, b"steady")
    for number in range(20):
        make(disk, (b"folder", b"%d" % number))
    failures: list[object] = []
    is_done = threading.Event()

    def read() -> None:
        while not is_done.is_set():
            listed = len(disk.list_folder(FOLDER))
            if not 19 <= listed <= 22 or content(disk, A) != b"steady" or disk.look(FOLDER) is None:
                failures.append(listed)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(150):
        make(disk, (b"folder", b"new"))
        disk.rename((b"folder", b"new"), (b"folder", b"newer"))
        disk.remove_file((b"folder", b"newer"))
        assert number >= 0
    is_done.set()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
