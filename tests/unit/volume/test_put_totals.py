"""The totals that a put counts ahead."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mega_cli.paths.filters import Filters
from mega_cli.volume import put_totals
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put_totals import totals_told


class Watched(SilentProgress):
    """A progress that someone watches."""

    def __init__(self, *, wants_totals: bool = True) -> None:
        self.wants_totals = wants_totals
        self.told: list[tuple[int, int]] = []
        self.was_told = threading.Event()

    def total(self, files: int, size_bytes: int) -> None:
        """Keep the totals."""
        self.told.append((files, size_bytes))
        self.was_told.set()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a folder of three files, one of them in a subfolder, and a link."""
    (tmp_path / "below").mkdir()
    (tmp_path / "a.txt").write_bytes(b"12345")
    (tmp_path / "b.log").write_bytes(b"123")
    (tmp_path / "below" / "c.txt").write_bytes(b"1")
    (tmp_path / "link").symlink_to("a.txt")
    return tmp_path


@pytest.mark.parametrize(("patterns", "expected"), [((), (3, 9)), (("*.log",), (2, 6)), (("below/",), (2, 8))])
def test_totals_count_what_the_filters_leave(
    tree: Path, monkeypatch: pytest.MonkeyPatch, patterns: tuple[str, ...], expected: tuple[int, int]
) -> None:
    """Files and bytes as a put would store them."""
    monkeypatch.setattr(put_totals, "WATCHED_S", 0.0)
    progress = Watched()
    with totals_told([str(tree)], Filters(patterns), progress):
        assert progress.was_told.wait(10)

    assert progress.told == [expected]


def test_a_put_that_ends_at_once_is_not_counted(tree: Path) -> None:
    """The counter waits before it costs anything, and stops with the put."""
    progress = Watched()
    with totals_told([str(tree)], Filters(), progress):
        pass

    assert progress.told == []


def test_nobody_watching_starts_no_counter(tree: Path) -> None:
    """No thread is made when the totals would go nowhere."""
    with totals_told([str(tree)], Filters(), Watched(wants_totals=False)):
        assert "count" not in [thread.name for thread in threading.enumerate()]
