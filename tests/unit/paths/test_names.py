"""Names: what is refused, what is remembered, what is escaped."""

from __future__ import annotations

import pytest

from mega_cli.errors import LimitError, UsageError
from mega_cli.paths.names import (
    ESCAPE_MARKER,
    check_name,
    name_from_disk,
    name_to_disk,
    printable,
    text_from_disk,
    text_to_disk,
    windows_problem,
)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0", "e\u0301", "\ud800"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Empty names, dots, separators, NUL, decomposed text and half pairs never enter a page."""
    with pytest.raises(UsageError) as caught:
        check_name(name)

    assert caught.value.hint


@pytest.mark.parametrize("name", ["a", "...", ".mega", " ", "NUL.txt", "a\nb", "é", "日本", "x" * 255, "é" * 127])
def test_what_is_odd_but_possible_is_a_name(name: str) -> None:
    """A volume holds what a Unix disk holds."""
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128])
def test_a_name_has_at_most_255_bytes(name: str) -> None:
    """Bytes count, not characters."""
    with pytest.raises(LimitError):
        check_name(name)


def test_an_ordinary_name_needs_no_memory() -> None:
    """A composed UTF-8 name spells its own bytes."""
    assert name_from_disk("naïve.txt".encode()) == ("naïve.txt", b"")


def test_a_decomposed_name_is_composed_and_remembered() -> None:
    """A Mac may write NFD: the remote name is NFC, and the disk bytes are kept."""
    raw = "nai\u0308ve".encode()

    assert name_from_disk(raw) == ("naïve", raw)
    assert name_to_disk("naïve", raw) == raw
    assert name_to_disk("naïve") == "naïve".encode()


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        (b"caf\xe9.txt", "caf%E9.txt"),
        (b"100%\xff", "100%25%FF"),
        ("é".encode() + b"\xff", "é%FF"),
        (b"\xea\xcc\x81", "%EA%CC%81"),  # a combining mark would join the A before it
        (b"e\xcc\x81\xff", "e%CC%81%FF"),  # not composed, so it is spelled in ASCII
        (ESCAPE_MARKER.encode() + b"x", "%EF%9D%8Dx"),  # UTF-8, but it looks escaped
    ],
)
def test_bytes_that_are_not_text_are_spelled(raw: bytes, spelled: str) -> None:
    """The table of docs/formats/names.md."""
    assert name_from_disk(raw) == (ESCAPE_MARKER + spelled, raw)
    assert name_to_disk(ESCAPE_MARKER + spelled) == raw


def test_a_name_too_long_once_spelled_is_reported() -> None:
    """An escape that does not fit is an error of that item, never a cut name."""
    with pytest.raises(LimitError):
        name_from_disk(b"\xff" * 100)


@pytest.mark.parametrize(
    "raw_name", [b"..", b".", b"../../x", b"/etc/passwd", b"a\0", b"other", b"\xff", b"A", b"x" * 300]
)
def test_a_claim_that_does_not_read_back_is_ignored(raw_name: bytes) -> None:
    """The remembered bytes count only when the disk would show them under this very name."""
    assert name_to_disk("a", raw_name) == b"a"


@pytest.mark.parametrize("spelled", ["%2E%2E", "%2E", "", "a%2Fb", "%00", "%41", "%e9", "%E9%", "%"])
def test_an_escape_that_no_scan_writes_is_taken_as_it_stands(spelled: str) -> None:
    """Only the one spelling a scan makes is undone, so no spelling smuggles in a path."""
    name = ESCAPE_MARKER + spelled

    assert name_to_disk(name) == name.encode()


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "/abs", "nul\0"])
def test_an_unsafe_name_never_reaches_the_disk(name: str) -> None:
    """Even if a page slipped through, its names do not."""
    with pytest.raises(UsageError):
        name_to_disk(name, b"good")


@pytest.mark.parametrize("raw", [b"../up", b"", b"nai\xcc\x88ve", b"\xff/\xfe", ESCAPE_MARKER.encode()])
def test_a_link_target_is_kept_exactly(raw: bytes) -> None:
    """Targets are text without the rules of names: not composed, and slashes belong."""
    assert text_to_disk(text_from_disk(raw)) == raw


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï 日本 👩‍🚀", "plain ünï 日本 👩‍🚀"),
        ("a\x1b]0;x\x07", "a\\x1b]0;x\\x07"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066\u200b\ufeff\u2028", "\\u2066\\u200b\\ufeff\\u2028"),
        ("\U000e0041", "\\U000e0041"),
        ("\udce9", "\\udce9"),
        (ESCAPE_MARKER + "caf%E9", ESCAPE_MARKER + "caf%E9"),
    ],
)
def test_what_deceives_is_shown_escaped(text: str, shown: str) -> None:
    """Controls, bidirectional marks, invisible characters and half pairs; letters and emoji stay."""
    assert printable(text) == shown


@pytest.mark.parametrize("name", ["NUL", "nul.txt", "COM1", "aux .c", "a:b", "a\\b", "what?", "end.", "end ", "\x01"])
def test_what_windows_cannot_hold_is_named(name: str) -> None:
    """Devices, streams, separators and dropped endings."""
    assert windows_problem(name)


@pytest.mark.parametrize("name", ["null", "a.b", "COM10", "console.log", ".hidden", "日本"])
def test_what_windows_can_hold_passes(name: str) -> None:
    """Names that only look like devices are fine."""
    assert windows_problem(name) == ""
