"""Names and paths, whatever the bytes and whoever wrote them."""

from __future__ import annotations

import unicodedata

from hypothesis import assume, example, given
from hypothesis import strategies as st

from mega_cli.errors import LimitError, MegaError, UsageError
from mega_cli.paths.names import (
    ESCAPE_MARKER,
    check_name,
    name_from_disk,
    name_to_disk,
    printable,
    text_from_disk,
    text_to_disk,
)
from mega_cli.paths.remote import RemotePath

MARKER = ESCAPE_MARKER.encode()
SNIPPETS = [
    b"a",
    b"%",
    b"%41",
    b"%2F",
    b"\xff",
    b"\xcc\x81",
    b"\xc3\xa9",
    b"e\xcc\x81",
    b".",
    MARKER,
    MARKER[:2],
    b"%FF",
]
nasty = st.lists(st.sampled_from(SNIPPETS), max_size=12).map(b"".join)
disk_bytes = st.one_of(st.binary(max_size=90), nasty)
hostile_text = st.one_of(
    st.text(st.characters(), max_size=300),
    st.sampled_from(["..", ".", "", "a/b", "\0", ESCAPE_MARKER + "%2E%2E", ESCAPE_MARKER + "a%2Fb", ESCAPE_MARKER]),
    nasty.map(lambda raw: raw.decode("utf-8", "replace")),
)


def is_disk_name(raw: bytes) -> bool:
    """Tell whether a system could list this name."""
    return raw not in {b"", b".", b".."} and b"/" not in raw and b"\0" not in raw


@given(disk_bytes)
@example(b"\xea\xcc\x81")
@example(MARKER + b"\xcc\x81")
@example(MARKER)
def test_a_disk_name_comes_back_exactly(raw: bytes) -> None:
    """What a scan stores, a restore writes: the same bytes."""
    assume(is_disk_name(raw))

    name, raw_name = name_from_disk(raw)

    check_name(name)
    assert name_to_disk(name, raw_name) == raw
    assert raw_name == (b"" if name.encode() == raw else raw)


@given(disk_bytes)
def test_an_escaped_name_needs_no_memory(raw: bytes) -> None:
    """The name alone gives the bytes back, unless only Unicode's composition set them apart."""
    assume(is_disk_name(raw))

    name, _ = name_from_disk(raw)

    assert name_to_disk(name) in {raw, unicodedata.normalize("NFC", raw.decode("utf-8", "replace")).encode()}


@given(disk_bytes, disk_bytes)
def test_two_disk_names_meet_only_by_composition(one: bytes, other: bytes) -> None:
    """Different bytes get different names, but for two spellings of one Unicode text."""
    assume(is_disk_name(one) and is_disk_name(other) and one != other)
    if name_from_disk(one)[0] == name_from_disk(other)[0]:
        assert unicodedata.normalize("NFC", one.decode()) == unicodedata.normalize("NFC", other.decode())


@given(st.binary(max_size=200) | nasty)
def test_any_bytes_survive_as_text(raw: bytes) -> None:
    """A link's target comes back byte for byte."""
    assert text_to_disk(text_from_disk(raw)) == raw


@given(hostile_text, st.one_of(disk_bytes, st.sampled_from([b"..", b"/etc/passwd", b"a\0b"])))
@example(ESCAPE_MARKER + "%2E%2E", b"..")
@example("x", b"../x")
def test_a_hostile_entry_never_names_anything_unsafe(name: str, raw_name: bytes) -> None:
    """Whatever an entry claims, its disk name is one safe component or an error."""
    try:
        raw = name_to_disk(name, raw_name)
    except (UsageError, LimitError):
        return

    assert is_disk_name(raw)
    assert len(raw) <= 255
    assert raw == name.encode() or name_from_disk(raw)[0] == name


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b c", "…", "\n"]), max_size=30).map("/".join) | st.text())
def test_a_remote_path_never_leaves_its_root(text: str) -> None:
    """Whatever is typed, every part is a name below the root."""
    try:
        path = RemotePath.parse(text)
    except MegaError:
        return

    assert all(check_name(part) == part for part in path.parts)
    assert RemotePath.parse(str(path)) == path


@given(st.text(st.characters()))
def test_nothing_printed_commands_a_terminal(text: str) -> None:
    """No control, bidirectional or half-pair character survives."""
    shown = printable(text)

    assert all(c in "\u200c\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    shown.encode()
