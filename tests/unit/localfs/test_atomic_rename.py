"""The renames that Python does not have, asked of the system itself."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from mega_cli.localfs import atomic_rename
from mega_cli.localfs.disk import NO_EXCHANGE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make two files."""
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"2")
    return tmp_path


def _or_skip(error: OSError) -> None:
    """Skip where the file system under the tests lacks the call."""
    if error.errno in NO_EXCHANGE:
        pytest.skip(f"not here: {error}")
    raise error


def test_a_new_name_is_taken(folder: Path) -> None:
    """A free name is given in one step, between places that are whole paths too."""
    try:
        atomic_rename.rename_new(os.fsencode(folder / "one"), os.fsencode(folder / "new"), None, None)
    except OSError as error:
        _or_skip(error)
    assert sorted(path.name for path in folder.iterdir()) == ["new", "two"]


def test_a_taken_name_is_refused(folder: Path) -> None:
    """What has the name stays."""
    try:
        with pytest.raises(FileExistsError):
            atomic_rename.rename_new(os.fsencode(folder / "one"), os.fsencode(folder / "two"), None, None)
    except OSError as error:
        _or_skip(error)
    assert (folder / "two").read_bytes() == b"2"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no descriptors of folders")
def test_two_names_change_places(folder: Path) -> None:
    """Names are looked up in open folders."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        atomic_rename.exchange(b"one", b"two", fd, fd)
    except OSError as error:
        _or_skip(error)
    finally:
        os.close(fd)
    assert ((folder / "one").read_bytes(), (folder / "two").read_bytes()) == (b"2", b"1")


def test_a_failure_tells_its_number(folder: Path) -> None:
    """What is not there cannot change places."""
    with pytest.raises(OSError, match=r".") as caught:
        atomic_rename.exchange(os.fsencode(folder / "one"), os.fsencode(folder / "none"), None, None)
    assert caught.value.errno in {errno.ENOENT, *NO_EXCHANGE}


def test_a_system_without_the_call_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the call is missing, nothing is tried."""
    monkeypatch.setattr(atomic_rename, "_SYSTEM", None)
    with pytest.raises(OSError, match=r".") as caught:
        atomic_rename.rename_new(os.fsencode(folder / "one"), os.fsencode(folder / "new"), None, None)
    assert caught.value.errno in NO_EXCHANGE
    assert (folder / "one").exists()
