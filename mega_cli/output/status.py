"""How the synced folders stand at this moment: a line a pair for people, fields for programs, an exit code. Pure.

It must never make a state sound better than the daemon said it is: what no daemon looks after is never "up to date".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from mega_cli.daemon.status import FOR_GOOD, DaemonStatus, PairStatus
from mega_cli.errors import (
    BugError,
    MegaError,
    SafetyStopError,
    SomeItemsFailedError,
    TemporaryError,
    WaitsForUserError,
)
from mega_cli.output.syncs import state_text
from mega_cli.output.table import columns
from mega_cli.output.units import age_text, counted, duration_text, moment_text, rfc3339, size_text
from mega_cli.paths.names import text_to_disk
from mega_cli.sync.syncs import Standing

_NS_A_MS: Final = 10**6
_NS_A_S: Final = 10**9
_PLAIN: Final[Mapping[str, str]] = {
    "starting": "starting",
    "up-to-date": "up to date",
    "waiting": "waiting",
    "lent": "in use by another command",
    "stopped": "stopped by a bug of mega",
}
"""States whose word is all there is to say of them; `message` tells the rest."""
NO_DAEMON: Final = ("the daemon does not run, so nothing is synced by itself", "  to do: mega daemon start")
NO_PAIRS: Final = "mega: no folder is synced yet; to begin: mega sync --help"


class Line(NamedTuple):
    """How one pair stands. `to_do`: what the user can do, each to be pasted or read; `code`: as an exit code."""

    local: str
    words: str
    to_do: tuple[str, ...] = ()
    code: int = 0
    details: tuple[str, ...] = ()


def local_text(status: PairStatus) -> str:
    """Give the folder's path as this system's other texts have it."""
    return os.fsdecode(text_to_disk(status.local))


def pair_line(status: PairStatus) -> Line:
    """Say how a pair of the daemon stands."""
    counts = _counts(status)
    head, message = _head(status), status.message
    words = f"{head}: {message}" if message else head
    extra = [count for count in counts if count not in head]
    return Line(local_text(status), ", ".join([words, *extra]), tuple(_to_do(status)), _code(status))


def quiet_words(status: PairStatus) -> str:
    """Say how a pair stands without what changes all the time: two of them are equal if nothing of note happened."""
    moving = {"files_done": 0, "files_total": 0, "bytes_done": 0, "bytes_total": 0, "bytes_up_done": 0}
    still = msgspec.structs.replace(status, **moving, bytes_up_total=0, left_s=-1, pending=min(status.pending, 1))
    return pair_line(still).words


def _head(status: PairStatus) -> str:
    """Write the state, with the figures that belong to it."""
    if status.state in _PLAIN:
        return _PLAIN[status.state]
    if status.state == "scanning":
        total = f"/{status.files_total:,}" if status.files_total else ""
        return f"scanning {status.files_done:,}{total}" if status.files_done else "scanning"
    if status.state == "syncing":
        return _syncing(status)
    if status.state == "paused":
        return "paused until resumed" if status.paused_until_ms == FOR_GOOD else _paused(status.paused_until_ms)
    if status.state == "offline":
        return f"offline ({status.pending:,} pending)"
    if status.state == "held":
        return f"held: {counted(status.held, 'deletion')} {'needs' if status.held == 1 else 'need'} approval"
    return "frozen" if status.state == "frozen" else ", ".join(_counts(status)) or "needs attention"


def _paused(until_ms: int) -> str:
    return f"paused until {moment_text(until_ms * _NS_A_MS)}"


def _syncing(status: PairStatus) -> str:
    """Write what moves: up, down, and how long it will take.

    >>> made = PairStatus(id="", local="", remote="", mode="", state="syncing", bytes_total=2**21, bytes_done=2**20)
    >>> _syncing(made)
    'syncing ↓1.0 MiB/2.0 MiB'
    """
    down_done, down_total = status.bytes_done - status.bytes_up_done, status.bytes_total - status.bytes_up_total
    parts = []
    if status.bytes_up_total:
        parts.append(f"↑{size_text(status.bytes_up_done)}/{size_text(status.bytes_up_total)}")
    if down_total > 0:
        parts.append(f"↓{size_text(max(0, down_done))}/{size_text(down_total)}")
    if not parts and status.files_total:
        parts.append(f"{status.files_done:,}/{counted(status.files_total, 'file')}")
    left = [f"{duration_text(status.left_s)} left"] if status.left_s >= 0 else []
    return ", ".join([" ".join(["syncing", *parts]), *left])


def _counts(status: PairStatus) -> list[str]:
    """Count what stands still or waits for the user."""
    return [
        *([f"{counted(status.held, 'deletion')} held"] if status.held and status.state != "held" else []),
        *([f"{status.stalled:,} stalled"] if status.stalled else []),
        *([counted(status.conflicts, "conflict")] if status.conflicts else []),
    ]


def _to_do(status: PairStatus) -> Iterator[str]:
    """Say what the user can do, the most pressing first."""
    if status.hint:
        yield status.hint.removeprefix("nothing was changed; ")
    if status.state == "frozen" and status.error in ("", SafetyStopError.name):
        yield f"mega syncs resume {status.id}, once that is done"
    if status.held and "mega held" not in status.hint:
        yield "mega held"
    if status.stalled and "mega syncs" not in status.hint:
        yield "mega syncs ls -v"
    if status.conflicts and "mega conflicts" not in status.hint:
        yield "mega conflicts"
    if status.state == "paused" and not status.hint:
        yield f"mega syncs resume {status.id}"
    if status.watcher_message:
        yield f"{status.watcher_message}: {status.watcher_hint}" if status.watcher_hint else status.watcher_message


def standing_line(one: Standing, now_ns: int) -> Line:
    """Say how the last run of a pair ended that no daemon looks after now."""
    age = "never synced" if one.last is None else f"last synced {age_text((now_ns - one.last.at_ns) / _NS_A_S)}"
    how = "not running" if one.pair.is_background else "synced by hand"
    ended = "" if one.last is None and not one.damage else f": {state_text(one)}"
    is_done = one.pair.is_background or (one.last is not None and one.last.is_up_to_date)
    to_do = [] if is_done else [one.pair.command]
    to_do += ["mega held"] if one.held else []
    to_do += ["mega syncs ls -v"] if one.stalled else []
    to_do += ["mega conflicts"] if one.conflicts else []
    return Line(str(one.pair.local), f"{how}, {age}{ended}", tuple(to_do), _standing_code(one))


def status_lines(lines: Sequence[Line]) -> Iterator[str]:
    """Write a line a pair, and what to do about it below."""
    if not lines:
        return
    for line, row in zip(lines, columns([(line.local, line.words) for line in lines]), strict=True):
        yield row
        yield from (f"  {word}" for word in line.details)
        yield from (f"  to do: {word}" for word in line.to_do)


def with_details(line: Line, status: PairStatus) -> Line:
    """Add what `-v` shows: the pair, and when was looked at what."""
    moments = (("head checked", status.last_checked_ms), ("folder scanned", status.last_scan_ms))
    known = [f"{what} {moment_text(at_ms * _NS_A_MS)}" for what, at_ms in moments if at_ms]
    watcher = [f"changes here: {status.watcher}"] if status.watcher else []
    return line._replace(details=(", ".join([f"{status.id}, {status.mode}, {status.remote}", *known, *watcher]),))


def daemon_line(daemon: DaemonStatus) -> str:
    """Say what `-v` shows of the daemon itself."""
    why = f": {daemon.feed_message}" if daemon.feed_message else ""
    since = moment_text(daemon.started_ms * _NS_A_MS)
    return f"the daemon runs as process {daemon.pid} since {since}; changes made elsewhere: {daemon.feed}{why}"


# --- exit codes


def _codes() -> Mapping[str, int]:
    """Read the exit code of each name of an error from the errors themselves."""
    found, kinds = {}, [MegaError]
    while kinds:
        kind = kinds.pop()
        found[kind.name] = kind.exit_code
        kinds += kind.__subclasses__()
    return found


def _code(status: PairStatus) -> int:
    if status.state == "stopped":
        return BugError.exit_code
    if status.state == "frozen":
        return _codes().get(status.error, SafetyStopError.exit_code)
    if status.held or status.conflicts:
        return WaitsForUserError.exit_code
    if status.stalled or status.state == "attention":
        return SomeItemsFailedError.exit_code
    if status.state == "offline" or status.error:
        return _codes().get(status.error, TemporaryError.exit_code)
    return 0


def _standing_code(one: Standing) -> int:
    if one.damage:
        return SafetyStopError.exit_code
    if one.last is not None and one.last.error:
        return _codes().get(one.last.error, MegaError.exit_code)
    if one.held or one.conflicts:
        return WaitsForUserError.exit_code
    if one.stalled or (one.last is not None and one.last.failed):
        return SomeItemsFailedError.exit_code
    return MegaError.exit_code if one.pair.is_background else 0


def exit_code_of(lines: Sequence[Line]) -> int:
    """Give the code of the gravest pair: a bug, then what is frozen, then what waits for the user, fails, or rests."""
    light = (WaitsForUserError.exit_code, MegaError.exit_code, SomeItemsFailedError.exit_code, TemporaryError.exit_code)
    codes = {line.code for line in lines} - {0}
    grave = sorted(codes - set(light), reverse=True)
    return next((code for code in (*grave, *light) if code in codes), 0)


# --- fields for programs


def daemon_fields(daemon: DaemonStatus | None) -> Mapping[str, object] | None:
    """Build the object of the daemon; None when none runs."""
    return None if daemon is None else msgspec.to_builtins(daemon)


def pair_fields(status: PairStatus) -> Mapping[str, object]:
    """Build the object of a pair of the daemon."""
    return {**msgspec.to_builtins(status), "local": local_text(status), "last_run": None, "last_run_ns": None}


def idle_fields(one: Standing) -> Mapping[str, object]:
    """Build the object of a pair that no daemon looks after now: the counts are of its last run."""
    pair, last = one.pair, one.last
    status = PairStatus(
        id=pair.id,
        local="",
        remote=str(pair.remote),
        mode=str(pair.mode),
        message=state_text(one),
        error="" if last is None else last.error,
        stalled=one.stalled,
        held=one.held,
        conflicts=one.conflicts,
        absent=one.absent,
        paused_until_ms=pair.paused_until_ms or 0,
    )
    return {
        **pair_fields(status),
        "local": str(pair.local),
        "state": "not-running" if pair.is_background else "by-hand",
        "last_run": None if last is None else rfc3339(last.at_ns),
        "last_run_ns": None if last is None else last.at_ns,
    }
