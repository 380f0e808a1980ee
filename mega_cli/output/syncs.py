"""How the synced folders stand, as a table for people and fields for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mega_cli.output.sync import reason_text
from mega_cli.output.table import columns
from mega_cli.output.units import age_text, counted, moment_text, rfc3339
from mega_cli.sync.pairs import UNTIL_RESUMED, Pair
from mega_cli.sync.syncs import LastRun, Standing

_NS_A_S = 10**9
_NS_A_MS = 10**6


def standing_table(found: Sequence[Standing], now: Mapping[str, str], now_ns: int) -> Iterator[str]:
    """Write a line a pair, and below it what stands still if that was asked for.

    `now`: what the running daemon says of its pairs, by their ids; the other lines tell of the last run.
    """
    if not found:
        return
    rows = [
        (
            one.pair.id,
            str(one.pair.local),
            str(one.pair.remote),
            one.pair.mode,
            "daemon" if one.pair.is_background else "once",
            "now" if one.pair.id in now else _age(one, now_ns),
            now.get(one.pair.id) or state_text(one),
        )
        for one in found
    ]
    header, *lines = columns([("id", "local", "remote", "mode", "by", "as of", "state"), *rows])
    yield header
    for one, line in zip(found, lines, strict=True):
        yield line
        yield from (f"  {item.path or '.'}: {reason_text(item.reason)}" for item in one.items)


def paused_text(pair: Pair) -> str:
    """Say until when the daemon leaves a pair alone."""
    until_ms = pair.paused_until_ms
    if until_ms is None or until_ms == UNTIL_RESUMED:
        return "paused until it is resumed"
    return f"paused until {moment_text(until_ms * _NS_A_MS)}"


def _age(one: Standing, now_ns: int) -> str:
    return "never" if one.last is None else age_text((now_ns - one.last.at_ns) / _NS_A_S)


def state_text(one: Standing) -> str:
    """Write how a pair stands, in words.

    "Up to date" is said of the end of the last run: nothing was looked at since.
    """
    if one.damage:
        return f"stopped: {one.damage}"
    last = one.last or LastRun(0, is_up_to_date=False)
    parts = ["up to date"] if last.is_up_to_date else []
    parts += [f"ended early: {last.error}"] if last.error else []
    parts += [f"{counted(one.held, 'deletion')} held"] if one.held else []
    parts += [counted(one.conflicts, "conflict")] if one.conflicts else []
    parts += [f"{one.stalled:,} standing still"] if one.stalled else []
    parts += [f"{last.failed:,} failed"] if last.failed else []
    parts += [f"{one.absent:,} not on this disk"] if one.absent else []
    return ", ".join(parts) or ("not synced yet" if one.last is None else "not finished")


def standing_fields(one: Standing) -> Mapping[str, object]:
    """Build the object of a pair."""
    last = one.last
    return {
        "id": one.pair.id,
        "local": str(one.pair.local),
        "remote": str(one.pair.remote),
        "mode": str(one.pair.mode),
        "created_ms": one.pair.created_ms,
        "is_background": one.pair.is_background,
        "paused_until_ms": one.pair.paused_until_ms or 0,
        "last_run": None if last is None else rfc3339(last.at_ns),
        "last_run_ns": None if last is None else last.at_ns,
        "is_up_to_date": last is not None and last.is_up_to_date and not one.damage,
        "error": one.damage or ("" if last is None else last.error),
        "held": one.held,
        "conflicts": one.conflicts,
        "stalled": one.stalled,
        "failed": 0 if last is None else last.failed,
        "absent": one.absent,
        "items": [{"path": item.path, "reason": str(item.reason)} for item in one.items],
    }
