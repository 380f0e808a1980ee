"""Identity of what moved: the table of `mega_cli.reconcile.identity`, row for row."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.identity import Trace, match_contents, match_folders

_A, _B, _C = (letter * 16 for letter in (b"a", b"b", b"c"))
_X, _Y = b"x" * 32, b"y" * 32
_NAMES = frozenset({"1", "2", "3", "4"})


@pytest.mark.parametrize(
    ("row", "item", "is_one"),
    [
        pytest.param(Trace("d", 7, names=_NAMES), Trace("d", 8, names=_NAMES), False, id="another inode"),
        pytest.param(
            Trace("d", 7, birth_ns=1, names=_NAMES), Trace("d", 7, birth_ns=2, names=_NAMES), False, id="born apart"
        ),
        pytest.param(Trace("d", 7, names=_NAMES), Trace("d", 7, names=_NAMES), True, id="all children"),
        pytest.param(Trace("d", 7, birth_ns=1, names=_NAMES), Trace("d", 7, names=_NAMES), True, id="one birth known"),
        pytest.param(Trace("d", 7, names=_NAMES), Trace("d", 7, names=frozenset({"1", "2"})), True, id="half of them"),
        pytest.param(Trace("d", 7, names=_NAMES), Trace("d", 7, names=frozenset({"1", "x"})), False, id="fewer"),
        pytest.param(Trace("d", 7, names=_NAMES), Trace("d", 7), False, id="none left"),
        pytest.param(Trace("d", 7, names=frozenset({"1"})), Trace("d", 7, names=_NAMES), True, id="many new ones"),
        pytest.param(Trace("d", 7), Trace("d", 7), False, id="empty, birth unknown"),
        pytest.param(Trace("d", 7), Trace("d", 7, names=_NAMES), False, id="was empty, birth unknown"),
        pytest.param(Trace("d", 7, birth_ns=1), Trace("d", 7, birth_ns=1), True, id="empty, same birth"),
        pytest.param(Trace("d", 7, birth_ns=1), Trace("d", 7, birth_ns=2), False, id="empty, born apart"),
        pytest.param(Trace("d", 7, names=_NAMES), Trace("f", 7), False, id="another kind"),
    ],
)
def test_folders(row: Trace, item: Trace, is_one: bool) -> None:  # noqa: FBT001 -- a table
    """The rows of the table about folders."""
    assert match_folders({_A: row}, [item]) == ({0: _A} if is_one else {})


@pytest.mark.parametrize(
    ("row", "item", "is_one"),
    [
        pytest.param(Trace("f", 7, content=_X), Trace("f", 7, content=_X), True, id="same inode and content"),
        pytest.param(Trace("l", 7, content=b"to"), Trace("l", 7, content=b"to"), True, id="a link"),
        pytest.param(Trace("f", 7, content=_X), Trace("f", 7, content=_Y), False, id="other content"),
        pytest.param(Trace("l", 7, content=b"to"), Trace("l", 7, content=b"else"), False, id="a link elsewhere"),
        pytest.param(
            Trace("f", 7, birth_ns=1, content=_X), Trace("f", 7, birth_ns=2, content=_X), False, id="born apart"
        ),
        pytest.param(Trace("f", 7, links=2, content=_X), Trace("f", 7, content=_X), False, id="had several names"),
        pytest.param(Trace("f", 7, content=_X), Trace("f", 7, links=2, content=_X), False, id="has several names"),
        pytest.param(Trace("f", 7, content=_X), Trace("f", 8, content=_X), False, id="a copy"),
        pytest.param(Trace("f", 7, content=b"to"), Trace("l", 7, content=b"to"), False, id="another kind"),
    ],
)
def test_files_and_links(row: Trace, item: Trace, is_one: bool) -> None:  # noqa: FBT001 -- a table
    """The rows of the table about files and links."""
    assert match_contents({_A: row}, [item], ids_are_stable=True) == ({0: _A} if is_one else {})


@pytest.mark.parametrize(
    ("rows", "items", "expected"),
    [
        pytest.param({_A: Trace("f", 1, content=_X)}, [Trace("f", 2, content=_X)], {0: _A}, id="one of each"),
        pytest.param(
            {_A: Trace("f", 1, content=_X), _B: Trace("f", 2, content=_X)},
            [Trace("f", 3, content=_X)],
            {},
            id="several vanished",
        ),
        pytest.param(
            {_A: Trace("f", 1, content=_X)},
            [Trace("f", 2, content=_X), Trace("f", 3, content=_X)],
            {},
            id="several appeared",
        ),
        pytest.param({_A: Trace("f", 1, content=_X)}, [Trace("f", 1, content=_Y)], {}, id="other content"),
    ],
)
def test_where_inodes_mean_nothing(rows: dict[bytes, Trace], items: list[Trace], expected: dict[int, bytes]) -> None:
    """A content that only one row and only one item have is a move; anything else is none."""
    assert match_contents(rows, items, ids_are_stable=False) == expected


def test_a_row_becomes_one_item_only() -> None:
    """Two things that appeared are never one node."""
    row, item = Trace("f", 7, content=_X), Trace("f", 7, content=_X)

    assert match_contents({_A: row}, [item, item], ids_are_stable=True) == {0: _A}
    assert match_folders({_A: Trace("d", 7, names=_NAMES)}, [Trace("d", 7, names=_NAMES)] * 2) == {0: _A}


def test_of_several_folders_that_fit_the_fuller_one_is_taken() -> None:
    """Rows may still name an inode that was used again; names tell them apart, then ids."""
    rows = {
        _A: Trace("d", 7, names=frozenset({"1", "x"})),
        _C: Trace("d", 7, names=_NAMES),
        _B: Trace("d", 7, names=_NAMES),
    }

    assert match_folders(rows, [Trace("d", 7, names=_NAMES)]) == {0: _B}
