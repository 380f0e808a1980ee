"""Walks, what they add up, and what they look for; and where they stop."""

from __future__ import annotations

import pytest

from mega_cli.errors import LimitError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume import walk as walk_module
from mega_cli.volume.browse import walk_path
from mega_cli.volume.find import Conditions
from mega_cli.volume.usage import path_usage
from tests.kit.forge import entry, ref_for
from tests.unit.volume.conftest import Desk

ROOT = RemotePath.parse("/")


@pytest.fixture
def tree(desk: Desk) -> Desk:
    """Fill the volume: /a/b/two, /a/c/, /a/one, /three."""
    desk.file("a/one", "1")
    desk.file("a/b/two", "22")
    (desk.disk / "a/c").mkdir()
    desk.file("three", "333")
    desk.put(desk.disk / "a", desk.disk / "three")
    return desk


def test_a_walk_goes_down_before_it_goes_on(tree: Desk) -> None:
    """Each folder, then what is in it; and each step knows how deep it is and whether it is the last."""
    steps = [(step.path, step.depth, step.is_last) for step in walk_path(tree.session, ROOT)]

    assert steps == [
        ("a", 1, False),
        ("a/b", 2, False),
        ("a/b/two", 3, True),
        ("a/c", 2, False),
        ("a/one", 2, True),
        ("three", 1, True),
    ]


def test_a_walk_goes_no_deeper_than_asked(tree: Desk) -> None:
    """Two levels, and pages below them are not even loaded."""
    assert [step.path for step in walk_path(tree.session, ROOT, most_depth=2)] == ["a", "a/b", "a/c", "a/one", "three"]


def test_a_walk_to_a_file_is_that_file(tree: Desk) -> None:
    """One step, of depth 0."""
    (step,) = walk_path(tree.session, RemotePath.parse("/a/one"))

    assert (step.path, step.depth) == ("one", 0)


def test_usage_adds_up_from_below(tree: Desk) -> None:
    """Folders after those in them, the whole last; links and folders have no size."""
    found = [
        (used.path, used.depth, used.size_bytes, used.files, used.folders) for used in path_usage(tree.session, ROOT)
    ]

    assert found == [("/a/b", 2, 2, 1, 0), ("/a/c", 2, 0, 0, 0), ("/a", 1, 3, 2, 2), ("/", 0, 6, 3, 3)]


def test_usage_of_a_file_is_its_size(tree: Desk) -> None:
    """One line."""
    (used,) = path_usage(tree.session, RemotePath.parse("/three"))

    assert (used.path, used.size_bytes, used.files) == ("/three", 3, 1)


def test_a_walk_ends_at_its_number_of_entries(tree: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before is given, then the limit is said."""
    monkeypatch.setattr(walk_module, "MOST_ENTRIES", 4)
    steps = walk_path(tree.session, ROOT)

    assert len([next(steps) for _ in range(4)]) == 4
    with pytest.raises(LimitError, match="more than 4 entries"):
        next(steps)


def test_a_page_is_entered_a_hundred_times_and_no_more() -> None:
    """The count is of one page; others, and empty folders, do not add to it."""
    limits = walk_module.WalkLimits()
    again, other = ref_for("again", 3, 100), ref_for("other", 3, 100)
    for _ in range(walk_module.MOST_REPEATS):
        limits.enter(again)
        limits.enter(None)
    limits.enter(other)

    with pytest.raises(LimitError, match="no end"):
        limits.enter(again)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (Conditions(), True),
        (Conditions(name="*.txt"), True),
        (Conditions(name="*.TXT"), False),
        (Conditions(name="a"), False),
        (Conditions(kind="d"), False),
        (Conditions(least_bytes=11), False),
        (Conditions(most_bytes=9), False),
        (Conditions(least_bytes=10, most_bytes=10), True),
        (Conditions(newer_ns=99), True),
        (Conditions(newer_ns=100), False),
        (Conditions(older_ns=100), False),
        (Conditions(older_ns=101), True),
    ],
)
def test_conditions_are_of_one_entry(conditions: Conditions, *, found: bool) -> None:
    """Name, kind, size and time; every one that is given must hold."""
    assert conditions.match(entry("a.txt", size=10, mtime_ns=100)) is found


@pytest.mark.parametrize("kind", [FOLDER, "l"])
def test_only_files_have_a_size_to_look_for(kind: str) -> None:
    """A folder of 0 bytes is not smaller than 1 KiB."""
    found: Entry = entry("x", kind=kind, digest=b"")

    assert not Conditions(most_bytes=1023).match(found)
