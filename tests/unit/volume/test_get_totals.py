"""The totals that a get counts ahead."""

from __future__ import annotations

import threading

import pytest

from mega_cli.errors import IntegrityError
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.volume import get_totals
from mega_cli.volume.browse import existing_entry
from mega_cli.volume.commit import open_tree
from mega_cli.volume.get_totals import totals_told
from mega_cli.volume.tree import FILES
from tests.unit.volume.conftest import Desk
from tests.unit.volume.test_put_totals import Watched


@pytest.fixture
def tree(desk: Desk) -> Desk:
    """Store three files, one of them in a subfolder, and a link."""
    desk.file("src/a.txt", "12345")
    desk.file("src/b.log", "123")
    desk.file("src/below/c.txt", "1")
    (desk.disk / "src/link").symlink_to("a.txt")
    desk.put()
    return desk


def told(desk: Desk, path: str, prefix: str, patterns: tuple[str, ...]) -> list[tuple[int, int]]:
    """Count a path while something waits for the count."""
    progress = Watched()
    names = RemotePath.parse(path).parts
    entry = existing_entry(open_tree(desk.session, desk.session.head()), (FILES, *names))
    with totals_told(desk.session, [(prefix, entry)], Filters(patterns), progress):
        assert progress.was_told.wait(10)
    return progress.told


@pytest.mark.parametrize(
    ("path", "prefix", "patterns", "expected"),
    [
        ("/", "", (), (3, 9)),
        ("/src", "src/", (), (3, 9)),
        ("/src", "src/", ("*.log",), (2, 6)),
        ("/src", "src/", ("below/",), (2, 8)),
        ("/src", "src/", ("/src",), (0, 0)),
        ("/src/a.txt", "a.txt/", (), (1, 5)),
    ],
)
def test_totals_count_what_the_filters_leave(
    tree: Desk,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    prefix: str,
    patterns: tuple[str, ...],
    expected: tuple[int, int],
) -> None:
    """Files and bytes as a get would fetch them."""
    monkeypatch.setattr(get_totals, "WATCHED_S", 0.0)

    assert told(tree, path, prefix, patterns) == [expected]


def test_a_get_tells_its_totals(tree: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service counts what it fetches."""
    seen = []
    monkeypatch.setattr(get_totals, "_count", lambda _pages, sources, *_: seen.append([path for path, _ in sources]))
    monkeypatch.setattr("tests.unit.volume.conftest.SilentProgress", Watched)
    tree.get("/src/a.txt", "/src/below", to=tree.disk)

    assert seen == [["a.txt/", "below/"]]


def test_a_get_that_ends_at_once_is_not_counted(tree: Desk) -> None:
    """The counter waits before it costs anything, and stops with the get."""
    progress = Watched()
    with totals_told(tree.session, [], Filters(), progress):
        pass

    assert progress.told == []


def test_nobody_watching_starts_no_counter(tree: Desk) -> None:
    """No thread is made when the totals would go nowhere."""
    with totals_told(tree.session, [], Filters(), Watched(wants_totals=False)):
        assert "count" not in [thread.name for thread in threading.enumerate()]


def test_what_is_damaged_is_the_gets_to_report(tree: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter goes quietly, and tells nothing that may be wrong."""
    monkeypatch.setattr(get_totals, "WATCHED_S", 0.0)

    def refuse(*_: object, **__: object) -> object:
        raise IntegrityError

    monkeypatch.setattr(get_totals, "walk", refuse)
    progress = Watched()
    entry = existing_entry(open_tree(tree.session, tree.session.head()), (FILES,))
    with totals_told(tree.session, [("", entry)], Filters(), progress):
        for thread in threading.enumerate():
            if thread.name == "count":
                thread.join(10)

    assert progress.told == []
