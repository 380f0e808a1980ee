"""Sizes and moments as people write them: `10K`, `+1M`, `2d`, `2026-01-31`, RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import click

from mega_cli.system.clock import SystemClock

_SIZE: Final = re.compile(r"(\d{1,18})([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_AGO: Final = re.compile(r"(\d{1,9})([smhdwy])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NS: Final = 1_000_000_000
_NS_A_MS: Final = 1_000_000
_MOST_NS: Final = 250_000_000_000 * _NS
"""Near the year 9900, the last that every calendar writes."""


class SizeRange(NamedTuple):
    """Bounds in bytes, both included; None is open."""

    least_bytes: int | None
    most_bytes: int | None


def parse_size(text: str) -> int:
    """Read a size in bytes; K, M, G and T are 1024-based. Raises ValueError.

    >>> parse_size("12"), parse_size("2k"), parse_size("1M")
    (12, 2048, 1048576)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("a size is a number, with K, M, G or T if you like: 500, 10K, 2M")
    return int(found[1]) * int(1024 ** _UNITS[found[2].lower()])


def parse_size_range(text: str) -> SizeRange:
    """Read `+1M` (more than), `-10K` (less than) or `500` (exactly). Raises ValueError.

    >>> parse_size_range("+1K"), parse_size_range("-1K")
    (SizeRange(least_bytes=1025, most_bytes=None), SizeRange(least_bytes=None, most_bytes=1023))
    """
    size_bytes = parse_size(text.lstrip("+-") if text[:1] in ("+", "-") else text)
    if text.startswith("+"):
        return SizeRange(size_bytes + 1, None)
    return SizeRange(None, size_bytes - 1) if text.startswith("-") else SizeRange(size_bytes, size_bytes)


def parse_moment_ns(text: str, now_ns: int) -> int:
    """Read a moment, in nanoseconds since 1970: how long ago (`90m 2d 3w`), a day, or RFC 3339. Raises ValueError.

    A day or time without a zone is the reader's own.

    >>> parse_moment_ns("2d", 200_000 * 10**9) // 10**9
    27200
    >>> parse_moment_ns("2023-11-14T22:13:20Z", 0) // 10**9
    1700000000
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now_ns - int(ago[1]) * _SECONDS[ago[2]] * _NS
    try:
        moment = datetime.fromisoformat(text.strip())
        return int(moment.astimezone(UTC).timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError, OSError):
        raise ValueError("a time is how long ago (90m, 2d, 3w), a day (2026-01-31) or RFC 3339") from None


def parse_expiry_ms(text: str, now_ns: int) -> int:
    """Read when a link ends, in milliseconds since 1970, 0 for never: `1h 7d`, the end of a day, RFC 3339, `never`.

    Raises ValueError, also for what is past.

    >>> parse_expiry_ms("1h", 0), parse_expiry_ms("never", 0), parse_expiry_ms("2023-11-14T22:13:20Z", 0)
    (3600000, 0, 1700000000000)
    """
    word = text.strip()
    if word.lower() == "never":
        return 0
    ahead = _AGO.fullmatch(word)
    try:
        if ahead is not None:
            expiry_ns = now_ns + int(ahead[1]) * _SECONDS[ahead[2]] * _NS
        else:
            moment = datetime.fromisoformat(word) + (timedelta(days=1) if _DAY.fullmatch(word) else timedelta())
            expiry_ns = int(moment.astimezone(UTC).timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            "a link ends in 1h, 7d or 4w, after a day (2026-01-31), at an RFC 3339 time, or never"
        ) from None
    if not now_ns < expiry_ns < _MOST_NS:
        raise ValueError("that moment is past, or beyond all calendars")
    return expiry_ns // _NS_A_MS


class SizeRangeType(click.ParamType[SizeRange]):
    """Turns a word into a `SizeRange`."""

    name = "size"

    def convert(self, value: str | SizeRange, param: click.Parameter | None, ctx: click.Context | None) -> SizeRange:
        """Parse the word."""
        if isinstance(value, SizeRange):
            return value
        try:
            return parse_size_range(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class MomentType(click.ParamType[int]):
    """Turns a word into nanoseconds since 1970."""

    name = "when"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse the word, by the clock of this machine."""
        if isinstance(value, int):
            return value
        try:
            return parse_moment_ns(value, SystemClock().now_ns())
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ExpiryType(click.ParamType[int]):
    """Turns a word into milliseconds since 1970, 0 for never."""

    name = "when"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse the word, by the clock of this machine."""
        if isinstance(value, int):
            return value
        try:
            return parse_expiry_ms(value, SystemClock().now_ns())
        except ValueError as error:
            self.fail(str(error), param, ctx)


EXPIRY: Final = ExpiryType()
SIZE_RANGE: Final = SizeRangeType()
MOMENT: Final = MomentType()
