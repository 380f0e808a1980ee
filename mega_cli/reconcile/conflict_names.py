"""Names for what must step aside: a conflict copy, and a node that met another under one name.

Every name is valid for the volume, new among its neighbours, and keeps its extension. Nothing here reads a clock.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from mega_cli.paths.names import ESCAPE_MARKER, NAME_MAX_BYTES

IsTaken = Callable[[str], bool]

_DEVICE_MOST_BYTES: Final = 64
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999: a clock beyond it gets no year of five digits
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UNSAFE_CHARACTERS: Final = frozenset('<>:"/\\|?*')  # what some system does not take in a name
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def conflict_name(name: str, device: str, now_ns: int, is_taken: IsTaken) -> str:
    """Name the conflict copy of `name` that `device` makes at `now_ns`, wall-clock time in UTC.

    >>> conflict_name("foo.tar.gz", "laptop", 0, lambda _: False)
    'foo (conflict laptop 1970-01-01 000000).tar.gz'
    """
    moment = _EPOCH + timedelta(seconds=min(max(now_ns // 10**9, 0), _LAST_SECOND))
    mark = f" (conflict {_safe_device(device)} {moment:%Y-%m-%d %H%M%S})"
    names = (_join(name, mark + (f" {number}" if number > 1 else "")) for number in count(1))
    return next(found for found in names if not is_taken(found))


def apart_name(name: str, is_taken: IsTaken) -> str:
    """Name the one of two nodes that has to give way under `name`.

    >>> apart_name("notes.txt", lambda _: False)
    'notes 2.txt'
    """
    names = (_join(name, f" {number}") for number in count(2))
    return next(found for found in names if not is_taken(found))


def _join(name: str, mark: str) -> str:
    """Put `mark` between stem and extension, and cut the stem until 255 bytes hold it all."""
    # A name that spells bytes loses its marker: with the mark inside, it would spell other bytes, or none.
    stem, extension = _split(name.lstrip(ESCAPE_MARKER))
    room_bytes = NAME_MAX_BYTES - len(mark.encode()) - len(extension.encode())
    first_bytes = len(stem[:1].encode())
    if room_bytes < first_bytes:
        stem, extension = stem + extension, ""
        room_bytes = NAME_MAX_BYTES - len(mark.encode())
    cut = stem.encode()[:room_bytes].decode(errors="ignore")
    return unicodedata.normalize("NFC", f"{cut}{mark}{extension}")


def _split(name: str) -> tuple[str, str]:
    """Split a name before its extension, `.tar.gz` being one; a leading dot starts none, nor does one before a space.

    >>> [_split(name) for name in ("a.txt", ".bashrc", "foo.tar.gz", "Mr. Smith", "v1.")]
    [('a', '.txt'), ('.bashrc', ''), ('foo', '.tar.gz'), ('Mr. Smith', ''), ('v1.', '')]
    """
    stem, dot, last = name.rpartition(".")
    if not stem.strip(".") or not last or any(letter.isspace() for letter in last):
        return name, ""
    inner, inner_dot, middle = stem.rpartition(".")
    if inner.strip(".") and middle.lower() == "tar":
        return inner, inner_dot + middle + dot + last
    return stem, dot + last


def _safe_device(device: str) -> str:
    """Make a device's name fit for the middle of a file's name on every system; at most 64 bytes, never empty."""
    safe = "".join(
        "-" if letter in _UNSAFE_CHARACTERS or unicodedata.category(letter) in _UNSAFE_CATEGORIES else letter
        for letter in device
    )
    cut = unicodedata.normalize("NFC", safe).encode()[:_DEVICE_MOST_BYTES].decode(errors="ignore")
    return " ".join(cut.split()) or "device"
