"""RemotePath: what users type, and what it never becomes."""

from __future__ import annotations

import dataclasses

import pytest

from mega_cli.errors import LimitError, UsageError
from mega_cli.paths.names import ESCAPE_MARKER
from mega_cli.paths.remote import ROOT, RemotePath


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a/b", "/a/b"),
        ("/a//b/", "/a/b"),
        ("", "/"),
        ("/", "/"),
        (".", "/"),
        ("./a/./b", "/a/b"),
        ("a/../b", "/b"),
        ("../../etc/passwd", "/etc/passwd"),
        ("a/b/../../..", "/"),
        ("...", "/..."),
        ("e\u0301", "/é"),
    ],
)
def test_a_typed_path_is_normalised_inside_the_root(typed: str, shown: str) -> None:
    """Empty parts and dots vanish, two dots go up and stop at the root, names are composed."""
    assert str(RemotePath.parse(typed)) == shown


@pytest.mark.parametrize("typed", ["a/b\0c", "\ud800"])
def test_what_is_no_path_is_refused(typed: str) -> None:
    """NUL and half pairs are usage errors."""
    with pytest.raises(UsageError):
        RemotePath.parse(typed)


def test_a_name_that_is_too_long_is_refused() -> None:
    """A name of 256 bytes can lie nowhere."""
    with pytest.raises(LimitError):
        RemotePath.parse("a/" + "x" * 256)


def test_bytes_of_the_command_line_find_their_escaped_name() -> None:
    """A shell passes a name that is not UTF-8, and it means what the scan stored."""
    typed = b"d/caf\xe9".decode("utf-8", "surrogateescape")

    assert RemotePath.parse(typed).parts == ("d", ESCAPE_MARKER + "caf%E9")


def test_an_escaped_name_can_be_pasted() -> None:
    """What a listing shows is what parse takes."""
    assert RemotePath.parse(ESCAPE_MARKER + "caf%E9").name == ESCAPE_MARKER + "caf%E9"


@pytest.mark.parametrize("part", ["", ".", "..", "a/b", "a\0"])
def test_no_path_can_be_built_from_what_is_no_name(part: str) -> None:
    """The constructor checks as `parse` does."""
    with pytest.raises(UsageError):
        RemotePath((part,))
    with pytest.raises(UsageError):
        ROOT.child(part)


def test_it_walks_up_and_down() -> None:
    """Parent and child undo each other; the root is its own parent."""
    path = RemotePath.parse("a/b")

    assert path.parent.child(path.name) == path
    assert ROOT.parent is not None
    assert ROOT.parent == ROOT
    assert (ROOT.name, ROOT.is_root, path.is_root) == ("", True, False)


def test_it_knows_what_lies_within() -> None:
    """Whole names count, not letters."""
    a = RemotePath.parse("a")

    assert RemotePath.parse("a/b").is_within(a)
    assert a.is_within(a)
    assert a.is_within(ROOT)
    assert not RemotePath.parse("ab").is_within(a)


def test_it_is_a_value() -> None:
    """Equal paths are one key, and none can be changed."""
    path = RemotePath.parse("a")

    assert {path: 1}[RemotePath.parse("/a/")] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        path.parts = ()  # type: ignore[misc]  # that it cannot is the test


def test_its_repr_tells_no_name() -> None:
    """Names are secrets of the user."""
    assert "diary" not in repr(RemotePath.parse("secret/diary"))
