"""In which state a pair is after a cycle, and while nothing happens. Pure: `worker.py` gives it what is known.

"up-to-date" is said only when nothing contradicts it: no place is known to have changed, nothing is under way, the last
cycle found both sides equal, somebody listens to the folder, and the volume's head was verified a short while ago.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mega_cli.api.retry import RetryableError
from mega_cli.daemon.live_pair import Counts
from mega_cli.daemon.status import PairState, PairStatus
from mega_cli.localfs.hints import Health
from mega_cli.sync.report import CycleReport

FRESH_MS: Final = 150_000
"""Two times the longest pause between two looks at the head, and a little."""


class Verdict(NamedTuple):
    """A state, and the words that go with it."""

    state: PairState
    message: str = ""
    hint: str = ""
    error: str = ""


def state_after(report: CycleReport, counts: Counts, health: Health, pending: int) -> Verdict:
    """Judge a pair by its last cycle. `pending`: places that may have changed since they were looked at."""
    if report.failures:
        first = report.failures[0]
        words = f"{first.path}: {first.error.message}" if first.path else first.error.message
        more = len(report.failures) - 1
        state: PairState = "offline" if isinstance(first.error, RetryableError) else "waiting"
        return Verdict(state, f"{words} (and {more} more)" if more else words, first.error.hint, first.error.name)
    if pending or report.skipped or report.waiting_s:
        return Verdict("waiting")
    if not report.plan.is_empty:
        return Verdict("syncing")  # it is looked again at once
    if counts.held:
        return Verdict("held", hint="mega held")
    if counts.stalled:
        return Verdict("attention", hint="mega syncs ls -v")
    if counts.conflicts:
        return Verdict("attention", hint="mega conflicts")
    if health.state == "broken":
        return Verdict("attention", health.message, health.hint)
    return Verdict("up-to-date" if report.is_up_to_date else "waiting")


def as_of(status: PairStatus, now_ms: int) -> Verdict:
    """Judge what was said some time ago: what was up to date is unknown when the volume was not asked since."""
    if status.state == "up-to-date" and not 0 <= now_ms - status.last_checked_ms <= FRESH_MS:
        return Verdict("offline", "the server was not heard of for some minutes", "to see whether it answers: mega df")
    return Verdict(status.state, status.message, status.hint, status.error)
