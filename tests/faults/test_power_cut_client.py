"""A power cut after any step of a client that writes a file for good: the old file, the new one, or none; never half.

This holds for durable publishing, the session, the recovery kit and the pointer to the current profile. What `get`
publishes is not flushed, which is not claimed either: there a killed process is the fault, and order is all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.localfs.publish import Destination, Expected, PartialFile, publish_bytes
from mega_cli.state.kit_file import KitFile
from mega_cli.state.private_files import write_private_file
from mega_cli.system.directories import open_home
from tests.kit import taps
from tests.kit.disk_model import LEAVES, Leaves, RecordingDisk, cut

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed by /proc")
OLD, NEW = b"what was there before " * 50, b"what is there now " * 70
SEEDS = 5
Write = Callable[[Path, bytes], None]


def publish_small(place: Path, data: bytes) -> None:
    """Publish a small file durably, replacing what is there."""
    with Destination(str(place.parent)) as destination:
        found = destination.root.look(place.name.encode())
        publish_bytes(destination.root, place.name.encode(), data, 0o600, 1, expected=Expected(found), is_durable=True)


def publish_partial(place: Path, data: bytes) -> None:
    """Publish a file that grew in parts."""
    with Destination(str(place.parent)) as destination, PartialFile(destination.root, place.name.encode(), data) as new:
        for at in range(0, len(data), 100):
            new.append(data[at : at + 100])
        new.finish(0o600, 1, is_durable=True)


def keep_kit(place: Path, data: bytes) -> None:
    """Keep a recovery kit, which never replaces a file."""
    KitFile(place).keep(data.decode())


def remains_after(life: RecordingDisk, name: str, leaves: Leaves, steps: int) -> set[bytes | None]:
    """Say what has the name after a power cut, for each seed."""
    return {cut(life, steps, leaves, seed).files.get(name) for seed in range(SEEDS)}


def recorded(folder: Path, place: Path, acts: list[Callable[[], None]]) -> tuple[RecordingDisk, list[int]]:
    """Do things while the disk records; say how long its log is after each."""
    disk = RecordingDisk(folder)
    ends = []
    with pytest.MonkeyPatch.context() as patch:
        taps.install(disk, [str(folder)], patch.setattr)
        place.parent.mkdir(parents=True, exist_ok=True)
        for made in (place.parent, *place.parents):
            if made.is_relative_to(folder):
                sync(made)
        for act in acts:
            act()
            ends.append(len(disk.log))
    return disk, ends


def sync(folder: Path) -> None:
    """Make a folder's names safe: the test's own folders are not what is tried."""
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


@pytest.mark.parametrize("leaves", LEAVES)
@pytest.mark.parametrize("write", [publish_small, publish_partial, write_private_file])
def test_a_file_is_old_or_new_and_new_once_written(tmp_path: Path, write: Write, leaves: Leaves) -> None:
    """At every step of the second write the first content or the second is there, whole; after it only the second."""
    place = tmp_path / "folder" / "file"
    disk, (begun, done) = recorded(tmp_path, place, [lambda: write(place, OLD), lambda: write(place, NEW)])

    for steps in range(begun, done):
        assert remains_after(disk, "folder/file", leaves, steps) <= {OLD, NEW}
    for steps in range(begun):
        assert remains_after(disk, "folder/file", leaves, steps) <= {None, OLD}
    assert remains_after(disk, "folder/file", leaves, done) == {NEW}


@pytest.mark.parametrize("leaves", LEAVES)
def test_a_kit_is_whole_or_absent_and_there_once_kept(tmp_path: Path, leaves: Leaves) -> None:
    """No power cut leaves half a kit under its name, and none takes a kit whose account may be posted."""
    place = tmp_path / "folder" / "kit"
    disk, (done,) = recorded(tmp_path, place, [lambda: keep_kit(place, NEW)])

    for steps in range(done):
        assert remains_after(disk, "folder/kit", leaves, steps) <= {None, NEW}
    assert remains_after(disk, "folder/kit", leaves, done) == {NEW}


@pytest.mark.parametrize("leaves", LEAVES)
def test_the_current_profile_is_one_or_the_other(tmp_path: Path, leaves: Leaves) -> None:
    """The pointer is never empty: the next command would know no account."""
    home = open_home({"MEGA_HOME": str(tmp_path)})
    place = home.directories.accounts / "current"
    old, new = b"alice@one\n", b"alice@two\n"
    acts = [
        lambda: home.with_profile("alice@one").make_current(),
        lambda: home.with_profile("alice@two").make_current(),
    ]
    disk, (_, done) = recorded(tmp_path, place, acts)
    name = str(place.relative_to(tmp_path))

    for steps in range(done + 1):
        assert remains_after(disk, name, leaves, steps) <= {None, old, new}
