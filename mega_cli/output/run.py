"""How a sync's run ended, for people and for programs, and its exit code."""

from __future__ import annotations

from mega_cli.errors import SomeItemsFailedError, TemporaryError, WaitsForUserError
from mega_cli.output.console import Console
from mega_cli.output.sync import (
    MIRRORED,
    VERDICTS,
    deed_fields,
    deed_line,
    hold_line,
    notice_fields,
    notice_line,
    reason_text,
    run_fields,
    summary_sentence,
)
from mega_cli.output.units import counted
from mega_cli.reconcile.actions import Event
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.story import Deed

_SHOWN_WHEN_DONE = (Deed.UPLOAD, Deed.DOWNLOAD)
"""The display names these, as they are done."""


def report_run(console: Console, report: RunReport) -> None:
    """Print what was done, or in a dry run would be; what waits, stands still or failed; and the summary.

    | at the end | exit code |
    |---|---|
    | deletions are held, or conflict copies were made in this run | 6, WaitsForUserError |
    | items failed or stand still | 3, SomeItemsFailedError |
    | the server was lost on the way, or both sides did not come to rest | 5, TemporaryError |
    | else | 0 |

    The first row that fits counts; a dry run that comes to its end is always 0.
    """
    _print_lines(console, report)
    _print_items(console, report)
    if console.is_json:
        console.document(run_fields(report))
    elif not console.is_quiet:
        console.result(summary_sentence(report))
    if not report.is_dry_run:
        _raise_exit_code(report)


def _print_lines(console: Console, report: RunReport) -> None:
    """Say why it began anew, what was or would be done, and what the user should hear of."""
    if report.verdict in VERDICTS and not report.is_dry_run:
        console.note(f"mega: {MIRRORED.get(report.pair.mode) or VERDICTS[report.verdict]}")
    for told in report.told:
        if report.is_dry_run and not console.is_json:
            console.result(deed_line(told))
        elif report.is_dry_run or (console.verbosity > 0 and told.deed not in _SHOWN_WHEN_DONE):
            _say(console, deed_line(told), deed_fields(told))
    for notice in report.notices:
        _say(console, notice_line(notice), notice_fields(notice))


def _say(console: Console, line: str, fields: object) -> None:
    if console.is_json:
        assert isinstance(fields, dict)
        console.document(fields)
    else:
        console.note(line)


def _print_items(console: Console, report: RunReport) -> None:
    """List what stands still, what failed, and what waits."""
    for stall in report.stalls:
        console.problem("/".join(stall.path) or ".", reason_text(stall.reason))
    for failure in report.failures:
        if failure.path:
            console.problem(failure.path, failure.error.message)
    for hold in report.holds:
        console.note(hold_line(hold))
    if report.absent:
        console.note(
            f"mega: {counted(len(report.absent), 'item')} of the volume cannot be on this disk; why: mega syncs -v"
        )


def _raise_exit_code(report: RunReport) -> None:
    lost = next((failure.error for failure in report.failures if not failure.path), None)
    conflicts = sum(notice.event is Event.CONFLICT_COPY for notice in report.notices)
    items = len(report.stalls) + sum(bool(failure.path) for failure in report.failures)
    if report.holds:
        name = report.holds[0].name
        message = "deletions wait for your word; everything else was done"
        raise WaitsForUserError(message, f"to see them: mega held; then mega held approve {name}, or reject")
    if conflicts:
        message = f"{counted(conflicts, 'file')} had been changed on both sides; both versions are kept"
        raise WaitsForUserError(message, "to see and settle them: mega conflicts")
    if items:
        message = f"{counted(items, 'item')} failed or stood still, listed above"
        raise SomeItemsFailedError(message, "everything else is synced; mend what is listed, and run again")
    if lost is not None:
        raise TemporaryError(lost.message, lost.hint or "run the same command again")
    if not report.is_up_to_date:
        raise TemporaryError("both sides changed all the time and did not come to rest", "run the same command again")
