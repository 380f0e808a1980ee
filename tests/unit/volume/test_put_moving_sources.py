"""Sources that do not hold still: each is a problem of that file alone, and no entry mixes two of its versions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.model import MIB
from mega_cli.volume.item_failure import ItemReader
from tests.kit.forge import fixed
from tests.unit.volume.conftest import Desk

SIZE = 3 * MIB


def grow(path: Path) -> None:
    """Append."""
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    """Cut off the end."""
    os.truncate(path, SIZE // 2)


def rewrite(path: Path) -> None:
    """Change a byte in place, near the beginning, which was read already."""
    with path.open("r+b") as file:
        file.write(b"!")


def replace(path: Path) -> None:
    """Rename another file of the same size into its place: what is open is the old one, and reads on."""
    other = path.with_name("other")
    other.write_bytes(bytes(SIZE))
    other.replace(path)


def vanish(path: Path) -> None:
    """Remove it: what is open reads on."""
    path.unlink()


@pytest.mark.parametrize("change", [grow, shrink, rewrite])
def test_a_large_file_that_changes_half_way_is_listed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """It is left out; the files beside it are stored, and the next run stores it as it is then."""
    path = desk.file("src/moving", fixed("moving", SIZE))
    desk.file("src/still", "still")
    _after_first_read(monkeypatch, lambda: change(path))
    summary = desk.put()

    assert [(problem.path, "changed while it was read" in problem.message) for problem in summary.problems] == [
        ("/src/moving", True)
    ]
    assert set(desk.ls()) == {"src", "src/still"}
    assert desk.put().problems == ()
    assert desk.get("/src/moving").problems == ()
    assert (desk.disk / "out").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("change", [replace, vanish])
def test_a_large_file_that_loses_its_name_half_way_is_never_mixed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """Its inode's ctime changes with the name, so it counts as changed: the entry would carry stamps of neither."""
    path = desk.file("src/moving", fixed("moving", SIZE))
    _after_first_read(monkeypatch, lambda: change(path))
    summary = desk.put()

    assert [problem.path for problem in summary.problems] == ["/src/moving"]
    assert "src/moving" not in desk.ls()


def _after_first_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something once, after the first piece of a large file was read."""
    readinto = ItemReader.readinto
    todo = [act]

    def read_and_act(item: ItemReader, buffer: memoryview, /) -> int | None:
        count = readinto(item, buffer)
        while todo:
            todo.pop()()
        return count

    monkeypatch.setattr(ItemReader, "readinto", read_and_act)
