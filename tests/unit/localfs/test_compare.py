"""The comparison that proves a round trip: it must see every difference it claims to look for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.localfs.compare import compare_folders
from tests.kit.special_files import make_pipe

MTIME_NS = 1_700_000_000_123_456_789


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Make a folder with a little of everything, and its exact copy."""
    source = tmp_path / "source"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "a").write_bytes(b"alpha")
    (source / "sub" / "b").write_bytes(b"beta" * 500_000)
    (source / "link").symlink_to("a")
    for path in (source / "a", source / "sub" / "b", source / "sub" / "empty", source / "sub"):
        os.utime(path, ns=(MTIME_NS, MTIME_NS))
    copy = tmp_path / "copy"
    shutil.copytree(source, copy, symlinks=True)
    return source, copy


def test_one_name_at_the_top_can_be_left_out(folders: tuple[Path, Path]) -> None:
    """Only there: below, it is compared as any other."""
    source, copy = folders
    (source / "own").mkdir()
    (source / "sub" / "own").mkdir()

    found = compare_folders(str(source), str(copy), but=b"own")

    assert ("own", "is missing") not in found.differences
    assert ("sub/own", "is missing") in found.differences


def test_equal_folders_have_no_difference(folders: tuple[Path, Path]) -> None:
    """And everything was counted."""
    found = compare_folders(*map(str, folders))

    assert found.differences == []
    assert (found.files, found.folders, found.links, found.content_bytes) == (2, 2, 1, 2_000_005)


def _other_byte(copy: Path) -> None:
    path = copy / "sub" / "b"
    content = bytearray(path.read_bytes())
    content[1_500_000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(MTIME_NS, MTIME_NS))


def _shorter(copy: Path) -> None:
    with (copy / "sub" / "b").open("r+b") as file:
        file.truncate(1024 * 1024)
    os.utime(copy / "sub" / "b", ns=(MTIME_NS, MTIME_NS))


def _other_target(copy: Path) -> None:
    (copy / "link").unlink()
    (copy / "link").symlink_to("b")


def _file_for_folder(copy: Path) -> None:
    (copy / "sub" / "empty").rmdir()
    (copy / "sub" / "empty").touch()
    os.utime(copy / "sub", ns=(MTIME_NS, MTIME_NS))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_other_byte, ("sub/b", "has other content")),
        (_shorter, ("sub/b", "has other content")),
        (_other_target, ("link", "points elsewhere")),
        (_file_for_folder, ("sub/empty", "is of another kind")),
        (lambda copy: (copy / "a").unlink(), ("a", "is missing")),
        (lambda copy: (copy / "a").chmod(0o600), ("a", "has mode 600 instead of 644")),
        (
            lambda copy: os.utime(copy / "a", ns=(MTIME_NS, MTIME_NS + 1)),
            ("a", f"has mtime {MTIME_NS + 1} instead of {MTIME_NS}"),
        ),
        (
            lambda copy: os.utime(copy / "sub", ns=(MTIME_NS, MTIME_NS + 1)),
            ("sub", f"has mtime {MTIME_NS + 1} instead of {MTIME_NS}"),
        ),
    ],
)
def test_every_difference_is_seen(
    folders: tuple[Path, Path], spoil: Callable[[Path], None], expected: tuple[str, str]
) -> None:
    """One spoiled item, one difference."""
    source, copy = folders
    (source / "a").chmod(0o644)
    (copy / "a").chmod(0o644)
    spoil(copy)

    assert compare_folders(str(source), str(copy)).differences == [expected]


def test_what_only_the_copy_has_is_counted(folders: tuple[Path, Path]) -> None:
    """A store keeps what its source has lost: no difference."""
    source, copy = folders
    (copy / "old").touch()

    found = compare_folders(str(source), str(copy))

    assert (found.differences, found.only_in_copy) == ([], 1)


def test_special_files_are_left_out(folders: tuple[Path, Path]) -> None:
    """A put skips and lists them; they are not missed here."""
    source, copy = folders
    make_pipe(source / "pipe")

    assert compare_folders(str(source), str(copy)).differences == []
