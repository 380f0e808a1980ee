"""How a pause is written: which pair, and for how long: `mega syncs pause ~/Documents 2h`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from mega_cli.errors import UsageError
from mega_cli.sync.pairs import UNTIL_RESUMED

_FOR: Final = re.compile(r"(\d{1,4})([mhdw])", re.ASCII)
"""At most four digits: an id has eight characters, so none is taken for a time."""
_NO_ID: Final = re.compile(r"\d+[g-z]\w*", re.ASCII)
"""Meant as a time: ids are hexadecimal."""
_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_RESUMED: Final = ("until", "resumed")
HOW: Final = "write it as: mega syncs pause, mega syncs pause 30m, mega syncs pause ID 2h"


class Pause(NamedTuple):
    """What was asked: a pair's id or folder, empty for all, and when it goes on, or UNTIL_RESUMED."""

    pair: str
    until_ms: int


def parse_pause(words: Sequence[str], now_ms: int) -> Pause:
    """Read `[ID|LOCAL] [30m|2h|until resumed]`. Raises UsageError.

    >>> parse_pause(["30m"], 0), parse_pause(["4f1c09a7", "until", "resumed"], 0)
    (Pause(pair='', until_ms=1800000), Pause(pair='4f1c09a7', until_ms=-1))
    """
    rest = [part for word in words for part in (_RESUMED if word == " ".join(_RESUMED) else (word,))]
    until_ms = UNTIL_RESUMED
    if tuple(rest[-2:]) == _RESUMED:
        rest = rest[:-2]
    elif rest and (found := _FOR.fullmatch(rest[-1])):
        until_ms = now_ms + int(found[1]) * _MS[found[2]]
        rest = rest[:-1]
    if len(rest) > 1 or (rest and _NO_ID.fullmatch(rest[0])):
        raise UsageError(f"no time to pause for: {rest[-1]}", HOW)
    return Pause("".join(rest), until_ms)
