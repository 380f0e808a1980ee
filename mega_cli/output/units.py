"""Sizes, durations and ages as people read them. Pure: the present time arrives as an argument."""

from __future__ import annotations

from datetime import UTC, datetime

_STEP = 1024
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400


def size_text(size_bytes: float) -> str:
    """Write a size in 1024-based units.

    >>> size_text(0), size_text(1023), size_text(1536), size_text(50 * 2**30)
    ('0 B', '1023 B', '1.5 KiB', '50.0 GiB')
    """
    if size_bytes < _STEP:
        return f"{int(size_bytes)} B"
    units = iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = "B"
    while round(size_bytes, 1) >= _STEP:
        size_bytes /= _STEP
        unit = next(units)
    return f"{size_bytes:.1f} {unit}"


def short_size_text(size_bytes: float) -> str:
    """Write a size for a column, as `ls -h` does.

    >>> short_size_text(1023), short_size_text(1536), short_size_text(2**20)
    ('1023', '1.5K', '1.0M')
    """
    number, unit = size_text(size_bytes).split()
    return number if unit == "B" else number + unit[0]


def duration_text(duration_s: float) -> str:
    """Write a duration as a clock does.

    >>> duration_text(7), duration_text(3725)
    ('0:07', '1:02:05')
    """
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def age_text(age_s: float) -> str:
    """Write how long ago something was, in the one unit that matters.

    >>> age_text(-3), age_text(61), age_text(7200), age_text(200_000)
    ('just now', '1 minute ago', '2 hours ago', '2 days ago')
    """
    for unit_s, unit in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if age_s >= unit_s:
            return f"{counted(int(age_s // unit_s), unit)} ago"
    return "just now"


def counted(count: int, noun: str) -> str:
    """Write a count and its noun.

    >>> counted(1, "file"), counted(12000, "file")
    ('1 file', '12,000 files')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment_text(time_ns: int) -> str:
    """Write a moment in the reader's own time zone, to the minute; one that no calendar holds is written as `?`."""
    try:
        return datetime.fromtimestamp(time_ns // 10**9, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "?"


def rfc3339(time_ns: int) -> str:
    """Write a moment in UTC for programs, to the second; one that no calendar holds is the empty string.

    >>> rfc3339(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20Z'
    """
    try:
        return datetime.fromtimestamp(time_ns // 10**9, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""
