"""Filters: gitignore syntax, and the order of the options."""

from __future__ import annotations

import pytest

from mega_cli.errors import UsageError
from mega_cli.paths.filters import Filters


def test_no_filter_leaves_nothing_out() -> None:
    """The default takes everything and compiles nothing."""
    assert not Filters().excludes("any/thing", is_folder=False)
    assert Filters()._spec is None


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "is_excluded"),
    [
        ("*.o", "a/b.o", False, True),
        ("*.o", "a/b.c", False, False),
        ("build/", "src/build", True, True),
        ("build/", "src/build", False, False),
        ("/build", "build", True, True),
        ("/build", "src/build", True, False),
        ("a/**/z", "a/b/c/z", False, True),
        ("#*#", "#draft#", False, True),
        ("*.tmp ", "a.tmp", False, True),
    ],
)
def test_a_pattern_means_what_it_means_in_git(pattern: str, path: str, is_folder: bool, is_excluded: bool) -> None:  # noqa: FBT001 -- a table
    """One row of gitignore's rules each; a hash mark in an option is a letter."""
    assert Filters.from_options([pattern]).excludes(path, is_folder) is is_excluded


def test_an_inclusion_takes_back_in() -> None:
    """`--include` wins over `--exclude`, whatever their order."""
    filters = Filters.from_options(["*.log"], ["keep.log"])

    assert filters.excludes("a.log", is_folder=False)
    assert not filters.excludes("keep.log", is_folder=False)


def test_lines_of_a_file_may_be_comments() -> None:
    """Comments and blank lines say nothing; line ends of Windows are no letters."""
    filters = Filters.from_options(exclude_lines=["# all objects\n", "\n", "*.o\r\n", "!keep.o\n"])

    assert filters.excludes("x.o", is_folder=False)
    assert not filters.excludes("keep.o", is_folder=False)
    assert not filters.excludes("# all objects", is_folder=False)


def test_a_pattern_that_means_nothing_is_refused() -> None:
    """It is a usage error, not a silent take-all."""
    with pytest.raises(UsageError):
        Filters.from_options(["!"])


def test_it_is_a_value() -> None:
    """Equal filters are equal, whatever was compiled."""
    assert Filters.from_options(["*.o"]) == Filters(("*.o",))
    assert hash(Filters.from_options(["*.o"])) == hash(Filters(("*.o",)))
    assert Filters(excludes_caches=True) != Filters()


def test_no_pattern_is_tried_in_every_way() -> None:
    """Thirty stars and a name made for them: every way to share the name among the stars would never end."""
    assert not Filters(("*a" * 30 + "b",)).excludes("a" * 250, is_folder=False)
