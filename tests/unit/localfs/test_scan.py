"""The scan of one folder: its order, its stamps, and what it reports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError
from mega_cli.localfs.failures import BlockedError
from mega_cli.localfs.partial_name import partial_name
from mega_cli.localfs.scan import is_cache_folder, list_folder, scan_one
from mega_cli.paths.filters import CACHE_TAG
from mega_cli.paths.names import ESCAPE_MARKER, text_to_disk
from tests.kit.special_files import make_pipe, make_socket

only_bytes_names = pytest.mark.skipif(sys.platform != "linux", reason="the file system keeps only Unicode names")


def test_entries_stand_in_the_order_of_their_utf8_bytes(tmp_path: Path) -> None:
    """A page can be built from the list as it is."""
    names = ["b", "a", "Z", "é", "\U0001f600", "\uffee", "ab"]
    for name in names:
        (tmp_path / name).touch()

    listed = [entry.name for entry in list_folder(str(tmp_path))]

    assert listed == sorted(names, key=str.encode)


def test_an_entry_carries_the_stamps_of_lstat(tmp_path: Path) -> None:
    """Size, times, inode, device and the permission bits."""
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    path.chmod(0o640)
    info = path.lstat()

    [entry] = list_folder(tmp_path.as_posix())

    assert (entry.kind, entry.disk_name, entry.raw_name, entry.problem) == ("f", b"f", b"", "")
    assert entry.stat == (5, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_dev, 0o640)


def test_a_link_is_listed_and_not_followed(tmp_path: Path) -> None:
    """A link to a folder is a link, with its text."""
    (tmp_path / "l").symlink_to("../elsewhere/é")

    [entry] = list_folder(bytes(tmp_path))

    assert (entry.kind, entry.target) == ("l", "../elsewhere/é")


@only_bytes_names
def test_a_target_that_is_no_text_comes_back(tmp_path: Path) -> None:
    """The bytes of a link are kept exactly."""
    (tmp_path / "l").symlink_to(os.fsdecode(b"caf\xe9"))

    [entry] = list_folder(bytes(tmp_path))

    assert text_to_disk(entry.target) == b"caf\xe9"


@only_bytes_names
def test_names_that_compose_alike_are_a_collision(tmp_path: Path) -> None:
    """The first in the order of disk bytes keeps the name; the other is reported."""
    (tmp_path / "e\u0301").write_text("decomposed")
    (tmp_path / "é").write_text("composed")

    first, second = list_folder(bytes(tmp_path))

    assert (first.name, first.disk_name, first.kind) == ("é", "e\u0301".encode(), "f")
    assert (second.name, second.disk_name, second.kind) == ("é", "é".encode(), "special")
    assert "same name" in second.problem


@only_bytes_names
def test_names_that_are_not_text_are_escaped(tmp_path: Path) -> None:
    """They are stored under their escape, with the exact bytes beside."""
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9")).touch()

    [entry] = list_folder(bytes(tmp_path))

    assert (entry.name, entry.raw_name, entry.kind) == (ESCAPE_MARKER + "caf%E9", b"caf\xe9", "f")


@only_bytes_names
def test_a_name_that_cannot_be_stored_is_reported(tmp_path: Path) -> None:
    """One whose escape is too long is listed with its problem, and does not spoil the folder."""
    Path(os.fsdecode(bytes(tmp_path) + b"/" + b"\xff" * 200)).touch()
    (tmp_path / "good").touch()

    kinds = {entry.disk_name[:1]: (entry.kind, bool(entry.problem)) for entry in list_folder(bytes(tmp_path))}

    assert kinds == {b"g": ("f", False), b"\xff": ("special", True)}


def test_pipes_and_sockets_are_reported(tmp_path: Path) -> None:
    """What is no file, folder or link is listed with its problem."""
    make_pipe(tmp_path / "pipe")
    make_socket(tmp_path / "s")

    entries = list_folder(bytes(tmp_path))

    assert [(entry.kind, bool(entry.problem)) for entry in entries] == [("special", True)] * 2


def test_our_partial_files_are_left_out(tmp_path: Path) -> None:
    """What an interrupted get left is no content; a name that only looks alike is."""
    Path(os.fsdecode(bytes(tmp_path) + b"/" + partial_name(b"token", b"x"))).touch()
    (tmp_path / ".mega-notes.part").touch()

    assert [entry.name for entry in list_folder(bytes(tmp_path))] == [".mega-notes.part"]


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The message names the path, the hint helps."""
    with pytest.raises(MissingItemError, match="nowhere") as caught:
        list_folder(bytes(tmp_path / "nowhere"))

    assert caught.value.hint


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Listing a file is refused."""
    (tmp_path / "f").touch()

    with pytest.raises(BlockedError):
        list_folder(bytes(tmp_path / "f"))


def test_a_cache_declares_itself(tmp_path: Path) -> None:
    """The tag counts by its first bytes, not by its name alone."""
    tag = tmp_path / "CACHEDIR.TAG"
    assert not is_cache_folder(bytes(tmp_path))
    tag.write_bytes(b"something else")
    assert not is_cache_folder(bytes(tmp_path))
    tag.write_bytes(CACHE_TAG + b"\n# made by a test")
    assert is_cache_folder(str(tmp_path))


def test_an_entry_shows_no_name(tmp_path: Path) -> None:
    """Names are secrets of the user."""
    (tmp_path / "diary").touch()

    assert "diary" not in repr(list_folder(bytes(tmp_path)))


def test_one_item_is_seen_as_the_scan_sees_it(tmp_path: Path) -> None:
    """A source that the user names is looked at alone, and a link is a link."""
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to("f")
    make_pipe(tmp_path / "p")
    listed = list_folder(bytes(tmp_path))

    alone = [scan_one(bytes(tmp_path), entry.disk_name) for entry in listed]

    assert [(e.name, e.kind, e.stat, e.target, e.problem) for e in alone] == [
        (e.name, e.kind, e.stat, e.target, e.problem) for e in listed
    ]


def test_one_item_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The message names its path."""
    with pytest.raises(MissingItemError, match="gone"):
        scan_one(str(tmp_path), b"gone")
