"""Reading sources: what holds still, what changes, and what is no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError
from mega_cli.localfs.failures import BlockedError, SourceChangedError
from mega_cli.localfs.sources import SMALL_MAX_BYTES, open_source, read_small
from mega_cli.localfs.stat_print import print_of
from tests.kit.special_files import make_pipe


def read_all(path: Path) -> bytes:
    """Read through `open_source` in small steps, as `read_small` does at once."""
    buffer = bytearray(1000)
    got = bytearray()
    with open_source(bytes(path)) as source:
        while count := source.readinto(buffer):
            got += buffer[:count]
        source.check_unchanged()
    return bytes(got)


def read_at_once(path: Path) -> bytes:
    """Read through `read_small`."""
    return read_small(bytes(path), 0)[0]


readers = pytest.mark.parametrize("read", [read_all, read_at_once])


@readers
@pytest.mark.parametrize("size_bytes", [0, 1, 1000, 70_000])
def test_a_file_is_read_whole(tmp_path: Path, read: Callable[[Path], bytes], size_bytes: int) -> None:
    """Every byte, in order."""
    data = os.urandom(size_bytes)
    (tmp_path / "f").write_bytes(data)

    assert read(tmp_path / "f") == data


@readers
def test_a_link_in_its_place_is_refused(tmp_path: Path, read: Callable[[Path], bytes]) -> None:
    """A link swapped in after the scan is not followed."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "f").symlink_to("secret")

    with pytest.raises(BlockedError, match="link"):
        read(tmp_path / "f")


@readers
def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path, read: Callable[[Path], bytes]) -> None:
    """A pipe that nobody writes to is refused at once."""
    make_pipe(tmp_path / "f")

    with pytest.raises(BlockedError, match="regular"):
        read(tmp_path / "f")


@readers
def test_a_folder_in_its_place_is_refused(tmp_path: Path, read: Callable[[Path], bytes]) -> None:
    """A folder has no bytes to read."""
    (tmp_path / "f").mkdir()

    with pytest.raises(BlockedError):
        read(tmp_path / "f")


@readers
def test_a_file_that_has_gone_says_so(tmp_path: Path, read: Callable[[Path], bytes]) -> None:
    """The message names the path."""
    with pytest.raises(MissingItemError, match="gone"):
        read(tmp_path / "gone")


def test_the_stamps_are_those_of_the_file(tmp_path: Path) -> None:
    """What is stored beside the bytes belongs to them."""
    (tmp_path / "f").write_bytes(b"abc")
    expected = print_of((tmp_path / "f").lstat())

    assert read_small(str(tmp_path / "f"), 3) == (b"abc", expected)
    with open_source(str(tmp_path / "f")) as source:
        assert source.stat == expected


@pytest.mark.parametrize("change", ["append", "rewrite", "truncate"])
def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, change: str) -> None:
    """Growth, equal length with a new time, and loss are all seen."""
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    os.utime(path, ns=(1, 1))
    buffer = bytearray(100)

    with open_source(bytes(path)) as source:
        source.readinto(buffer)
        path.write_bytes({"append": b"0123456789!", "rewrite": b"9876543210", "truncate": b""}[change])
        while source.readinto(buffer):
            pass
        with pytest.raises(SourceChangedError):
            source.check_unchanged()


def test_bytes_that_were_not_read_are_noticed(tmp_path: Path) -> None:
    """A reader that stops early cannot pass for one that read the file."""
    (tmp_path / "f").write_bytes(b"0123456789")

    with open_source(bytes(tmp_path / "f")) as source:
        source.readinto(bytearray(4))
        with pytest.raises(SourceChangedError):
            source.check_unchanged()


def test_a_small_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write between the two looks is seen."""
    path = tmp_path / "f"
    path.write_bytes(b"before")
    os.utime(path, ns=(1, 1))
    read = os.read

    def read_then_write(fd: int, size_bytes: int) -> bytes:
        data = read(fd, size_bytes)
        path.write_bytes(b"after!")
        return data

    monkeypatch.setattr(os, "read", read_then_write)

    with pytest.raises(SourceChangedError):
        read_small(bytes(path), 6)


def test_a_small_file_that_has_become_large_is_not_read(tmp_path: Path) -> None:
    """Memory stays bounded by what the scan saw, or 256 KiB."""
    with (tmp_path / "f").open("wb") as file:
        file.truncate(SMALL_MAX_BYTES + 1)

    with pytest.raises(SourceChangedError):
        read_small(bytes(tmp_path / "f"), 10)
    assert len(read_small(bytes(tmp_path / "f"), SMALL_MAX_BYTES + 1)[0]) == SMALL_MAX_BYTES + 1


def test_a_path_with_nul_is_a_clear_error() -> None:
    """No builtin error reaches the user."""
    with pytest.raises(BlockedError, match="NUL"):
        read_small(b"a\0b", 1)
