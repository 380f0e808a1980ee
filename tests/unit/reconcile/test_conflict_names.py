"""Names of what steps aside: valid, new, and with their extension (scenario 9)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mega_cli.errors import LimitError, UsageError
from mega_cli.paths.names import ESCAPE_MARKER, check_name, name_from_disk, name_to_disk
from mega_cli.reconcile.conflict_names import apart_name, conflict_name

NOON_NS = 1_795_348_800 * 10**9 + 1
MARK = " (conflict laptop 2026-11-22 120000)"
FAMILY = "👩‍👩‍👧"


def free(_name: str) -> bool:
    """Find no name taken."""
    return False


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("notes.txt", f"notes{MARK}.txt"),
        ("foo.tar.gz", f"foo{MARK}.tar.gz"),
        ("a.b.c", f"a.b{MARK}.c"),
        (".bashrc", f".bashrc{MARK}"),
        (".tar.gz", f".tar{MARK}.gz"),
        ("..x", f"..x{MARK}"),
        ("README", f"README{MARK}"),
        ("Mr. Smith", f"Mr. Smith{MARK}"),
        ("v1.", f"v1.{MARK}"),
        (f"{FAMILY}.jpg", f"{FAMILY}{MARK}.jpg"),
        ("CON.txt", f"CON{MARK}.txt"),
        (f"notes{MARK}.txt", f"notes{MARK}{MARK}.txt"),
    ],
)
def test_a_copy_keeps_stem_and_extension(name: str, copy: str) -> None:
    """Scenario 9, and 8: a copy of a copy is an ordinary name."""
    assert conflict_name(name, "laptop", NOON_NS, free) == copy


def test_clashes_are_numbered_before_the_extension() -> None:
    """The second conflict of one second gets ` 2`, the next ` 3`."""
    taken = {f"a{MARK}.txt", f"a{MARK} 2.txt"}

    assert conflict_name("a.txt", "laptop", NOON_NS, taken.__contains__) == f"a{MARK} 3.txt"


def test_a_long_stem_is_cut_at_a_character() -> None:
    """255 bytes of two-byte letters leave whole letters and the extension."""
    copy = conflict_name("é" * 125 + ".jpeg", "laptop", NOON_NS, free)

    assert copy == "é" * ((255 - len(MARK) - 5) // 2) + MARK + ".jpeg"


def test_a_number_never_makes_a_name_too_long() -> None:
    """The stem gives way to it."""
    first = conflict_name("x" * 255, "laptop", NOON_NS, free)
    second = conflict_name("x" * 255, "laptop", NOON_NS, {first}.__contains__)

    assert (len(first), len(second)) == (255, 255)
    assert second.endswith(f"{MARK} 2")


def test_an_extension_that_leaves_no_room_is_cut() -> None:
    """It alone is too long, so it counts as stem."""
    assert conflict_name("a." + "y" * 253, "laptop", NOON_NS, free) == "a." + "y" * (253 - len(MARK)) + MARK


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        ("a/b\\c:d", "a-b-c-d"),
        ("tab\there\n", "tab-here-"),
        ("\u202eevil", "-evil"),
        ("", "device"),
        (" \u3000 ", "device"),
        ("é" * 100, "é" * 32),
        ("half \ud800", "half -"),
        ("n\u0303", "ñ"),
    ],
)
def test_a_device_name_is_made_safe(device: str, shown: str) -> None:
    """Whatever a host calls itself, the name holds no slash, control character or 200 bytes of it."""
    assert conflict_name("a", device, NOON_NS, free) == f"a (conflict {shown} 2026-11-22 120000)"


@pytest.mark.parametrize(
    ("now_ns", "shown"), [(-1, "1970-01-01 000000"), (0, "1970-01-01 000000"), (10**30, "9999-12-31 235959")]
)
def test_a_clock_gone_wrong_is_bounded(now_ns: int, shown: str) -> None:
    """A time without a date never stops sync."""
    assert conflict_name("a", "laptop", now_ns, free) == f"a (conflict laptop {shown})"


def test_a_name_that_spells_bytes_becomes_text() -> None:
    """With the mark inside it would spell something else, and come back from disk under another name."""
    name, _ = name_from_disk(b"caf\xe9.txt")

    copy = conflict_name(name, "laptop", NOON_NS, free)

    assert copy == f"caf%E9{MARK}.txt"
    assert name_from_disk(name_to_disk(copy))[0] == copy


def test_two_that_meet_are_numbered_apart() -> None:
    """` 2` before the extension, ` 3` when that is taken."""
    assert apart_name("a.tar.gz", free) == "a 2.tar.gz"
    assert apart_name("a.tar.gz", {"a 2.tar.gz"}.__contains__) == "a 3.tar.gz"


def is_name(name: str) -> bool:
    """Tell whether the volume takes the name."""
    try:
        return bool(check_name(name))
    except (UsageError, LimitError):
        return False


pieces = st.sampled_from(["a", "é", "😀", "\u0301", ".", " ", ".tar", ".gz", FAMILY, ESCAPE_MARKER, "x" * 90, "ü" * 60])
names = (
    st.one_of(st.text(min_size=1, max_size=80), st.lists(pieces, min_size=1, max_size=9).map("".join))
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(is_name)
)


@given(names, st.text(st.characters(), max_size=90), st.integers(), st.integers(0, 12))
def test_every_copy_is_a_name_of_the_volume(name: str, device: str, now_ns: int, clashes: int) -> None:
    """Valid, at most 255 bytes, NFC, free, and the same on its way through a disk."""
    taken: set[str] = {name}
    for _ in range(clashes):
        taken.add(conflict_name(name, device, now_ns, taken.__contains__))
        taken.add(apart_name(name, taken.__contains__))

    assert len(taken) == 1 + 2 * clashes
    for copy in taken - {name}:
        assert check_name(copy) == copy
        assert name_from_disk(name_to_disk(copy)) == (copy, b"")
