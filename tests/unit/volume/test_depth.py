"""Folders in one another: as deep as a disk can have them, deeper, and without an end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.errors import LimitError
from mega_cli.formats.page import FOLDER
from mega_cli.paths.remote import RemotePath
from mega_cli.volume import depth
from mega_cli.volume.browse import list_path
from mega_cli.volume.changes import copy, make_folder, move, remove
from mega_cli.volume.commit import commit
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.tree import FILES, Tree
from mega_cli.volume.upload import Uploader
from tests.kit.forge import entry
from tests.unit.volume.conftest import Desk

DEEP = 1_990


@pytest.fixture
def chain(desk: Desk) -> Iterator[Path]:
    """Make folders in one another about as deep as paths reach, with a file in the last."""
    top = desk.disk / "deep"
    top.mkdir()
    at = os.open(top, os.O_RDONLY)
    for _ in range(DEEP - 1):
        os.mkdir("a", dir_fd=at)
        below = os.open("a", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("f", os.O_WRONLY | os.O_CREAT, dir_fd=at))
    os.close(at)
    yield top
    for folder in (top, desk.disk / "out"):
        _remove_chain(folder)


def _remove_chain(top: Path) -> None:
    """Remove folders in one another, which `rmtree` cannot."""
    while (top / "a").exists():
        (top / "a").rename(top / "next")
        for path in (top / "next").iterdir():
            path.rename(top / path.name)
        (top / "next").rmdir()


def plant(desk: Desk, folders: int) -> None:
    """Commit folders in one another, each of one page, under /deep: deeper than any put makes them."""

    def change(tree: Tree) -> None:
        ref = None
        for _ in range(folders):
            refs = b"" if ref is None else ref.pack()
            ref = PageTree(desk.session.pages, None).edit({"a": entry("a", kind=FOLDER, refs=refs, digest=b"")})
        assert ref is not None
        tree.folder((FILES,)).set(entry("deep", kind=FOLDER, refs=ref.pack(), digest=b""))

    with Uploader(desk.session.client, desk.session.keys.volume, lambda _facts: None) as uploader:
        commit(desk.session, change, uploader)


@pytest.mark.skipif(sys.platform == "win32", reason="paths end at 260 characters there")
def test_folders_as_deep_as_a_disk_has_them(desk: Desk, chain: Path) -> None:
    """They are put, put again, listed, copied, moved, fetched and removed."""
    assert (desk.put(chain).folders, desk.put(chain).problems) == (DEEP, ())
    assert len(desk.ls("/deep")) == DEEP
    copy(desk.session, [RemotePath.parse("/deep")], RemotePath.parse("/twin"))
    move(desk.session, [RemotePath.parse("/deep")], RemotePath.parse("/moved"))
    summary = desk.get("/twin" + "/a" * (DEEP - 600))
    assert (summary.folders, summary.new, summary.problems) == (600, 1, ())
    desk.file("deep/fresh", "fresh")
    path = "/moved" + "/a" * (DEEP - 1)
    assert desk.put(desk.disk / "deep/fresh", to=path).new == 1
    remove(desk.session, [RemotePath.parse("/moved")], is_recursive=True)


def test_a_tree_deeper_than_any_disk_ends_in_words(desk: Desk) -> None:
    """Listing and copying say that it is too deep; a get lists it and goes on; moving it up is what helps."""
    plant(desk, 3 * depth.MOST_FOLDERS)
    with pytest.raises(LimitError, match="deep in one another"):
        desk.ls("/deep")
    with pytest.raises(LimitError, match="deep in one another"):
        copy(desk.session, [RemotePath.parse("/deep")], RemotePath.parse("/twin"))
    move(desk.session, [RemotePath.parse("/deep")], RemotePath.parse("/moved"))

    assert [item.path for item in list_path(desk.session, RemotePath.parse("/moved"))] == ["a"]


def test_what_lies_too_deep_is_a_problem_of_that_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a put and for a get; the rest is stored and fetched."""
    desk.file("src/a/b/c/d/f", "deep")
    desk.file("src/a/b/f", "f")
    monkeypatch.setattr(depth, "MOST_FOLDERS", 4)
    summary = desk.put()
    assert [problem.path for problem in summary.problems] == ["/src/a/b/c/d"]
    monkeypatch.setattr(depth, "MOST_FOLDERS", 3)
    (desk.disk / "out").mkdir()
    got = desk.get("/src")

    assert [problem.path for problem in got.problems] == ["/src/a/b/c"]
    assert (desk.disk / "out/src/a/b/f").read_text() == "f"


def test_a_path_that_is_too_deep_is_refused(desk: Desk) -> None:
    """However it is spelled, before anything is made."""
    with pytest.raises(LimitError, match="deep in one another"):
        make_folder(desk.session, RemotePath.parse("/a" * (depth.MOST_FOLDERS + 1)), with_parents=True)
    assert desk.ls() == {}
