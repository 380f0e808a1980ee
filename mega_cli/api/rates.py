"""Bandwidth limits as people write them: one rate, one for each way, or a timetable of a day or a week. Pure.

    512K                     up and down
    1M:off                   1 MiB/s up, no limit down
    08:00,512K 23:00,off     from 8 to 23 o'clock, every day
    Mon-08:00,1M Sat-00:00,off

The syntax is rclone's, but for one thing: rclone takes a number without a unit for KiB, others for bytes, so here it is
refused. Times are the local clock's; the latest line at or before now holds, round the week.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from mega_cli.errors import UsageError

Way = Literal["up", "down"]

_UNITS: Final = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([BKMG])(?:I?B)?(?:/S)?", re.ASCII)
_TIME = re.compile(r"(?:(mon|tue|wed|thu|fri|sat|sun)[a-z]*-)?(\d{1,2}):(\d{2})", re.ASCII)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES: Final = 24 * 60
_HINT: Final = "such as 512K, 1M:off (up:down), or '08:00,512K 23:00,off'"


class Rates(NamedTuple):
    """Bytes a second for each way; None: no limit."""

    up: int | None = None
    down: int | None = None


@dataclass(frozen=True, slots=True)
class Timetable:
    """What holds from which minute of the week on (0 is Monday, 0:00), in order; at least one line."""

    lines: tuple[tuple[int, Rates], ...]

    def at(self, minute_of_week: int) -> Rates:
        """Give the rates of a minute: the latest line's at or before it, else the last of the week before.

        >>> table = parse_rates("08:00,512K 23:00,off")
        >>> table.at(8 * 60), table.at(7 * 60)
        (Rates(up=524288, down=524288), Rates(up=None, down=None))
        """
        past = [rates for minute, rates in self.lines if minute <= minute_of_week]
        return past[-1] if past else self.lines[-1][1]


def parse_rates(text: str) -> Timetable:
    """Read a limit or a timetable. Raises UsageError.

    >>> parse_rates("1M:100K").at(0)
    Rates(up=1048576, down=102400)
    """
    words = text.split()
    if len(words) == 1 and "," not in words[0]:
        return Timetable(((0, _rates(words[0])),))
    lines: dict[int, Rates] = {}
    for word in words:
        moment, comma, rates = word.partition(",")
        found = _TIME.fullmatch(moment.lower())
        if not comma or found is None:
            raise _wrong(word)
        day, hour, minute = found[1], int(found[2]), int(found[3])
        if hour >= 24 or minute >= 60:  # noqa: PLR2004 -- the clock's
            raise _wrong(word)
        for number in [_DAYS.index(day)] if day else range(7):
            lines[number * _DAY_MINUTES + hour * 60 + minute] = _rates(rates)
    if not lines:
        raise _wrong(text)
    return Timetable(tuple(sorted(lines.items())))


def rate_text(rate: int | None) -> str:
    """Write a rate so that `parse_rates` reads it back.

    >>> [rate_text(rate) for rate in (None, 1000, 1536, 1 << 20)]
    ['off', '1000B', '1536B', '1M']
    """
    if rate is None:
        return "off"
    unit = next(unit for unit in ("G", "M", "K", "B") if rate % _UNITS[unit] == 0)
    return f"{rate // _UNITS[unit]}{unit}"


def _rates(word: str) -> Rates:
    up, colon, down = word.partition(":")
    return Rates(_rate(up), _rate(down if colon else up))


def _rate(word: str) -> int | None:
    if word.lower() in ("off", "0"):
        return None
    found = _RATE.fullmatch(word.upper())
    if found is None:
        if word.isdecimal():
            raise UsageError(f"a rate needs a unit: {word}", f"for KiB a second: {word}K; for bytes: {word}B")
        raise _wrong(word)
    rate = int(float(found[1]) * _UNITS[found[2]])
    if rate < 1:
        raise _wrong(word)
    return rate


def _wrong(word: str) -> UsageError:
    return UsageError(f"not a rate: {word!r}", _HINT)
