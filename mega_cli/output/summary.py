"""How a put or a get ended, for people and for programs, and the exit code 3 when some items failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mega_cli.errors import SafetyStopError, SomeItemsFailedError
from mega_cli.output.console import Console
from mega_cli.output.tally import Tally
from mega_cli.output.units import counted, size_text
from mega_cli.volume.requests import GetSummary, PutSummary


def report_transfer(
    console: Console, tally: Tally, summary: PutSummary | GetSummary, *, is_dry_run: bool, when_failed: str
) -> None:
    """Print the summary; list problems that were not listed while it ran. Raises SomeItemsFailedError.

    `when_failed` is the hint when some items failed.
    """
    for problem in summary.problems:
        if (problem.path, problem.message) not in tally.listed:
            console.problem(problem.path, problem.message)
    if console.is_json:
        fields = transfer_fields(summary, tally.skipped_bytes, is_dry_run=is_dry_run)
        console.document({"message_type": "summary", **fields})
    elif not console.is_quiet:
        console.result(transfer_sentence(summary, tally.skipped_bytes, is_dry_run=is_dry_run))
    if summary.safety_stop and not summary.problems:
        message = f"{summary.safety_stop}; everything else was done"
        raise SafetyStopError(message, "look with --dry-run --delete --max-delete 100%, then allow it: --max-delete N")
    if summary.problems:
        msg = f"{counted(len(summary.problems), 'item')} failed, listed above"
        raise SomeItemsFailedError(msg, when_failed)


def transfer_fields(summary: PutSummary | GetSummary, skipped_bytes: int, *, is_dry_run: bool) -> Mapping[str, object]:
    """Build the fields of the `summary` document."""
    fields = {field.name: getattr(summary, field.name) for field in dataclasses.fields(summary)}
    return fields | {"problems": len(summary.problems), "skipped_bytes": skipped_bytes, "dry_run": is_dry_run}


def transfer_sentence(summary: PutSummary | GetSummary, skipped_bytes: int, *, is_dry_run: bool) -> str:
    """Write counts, what was skipped and what was moved as one line."""
    is_put = isinstance(summary, PutSummary)
    moved_bytes = summary.sent_bytes if isinstance(summary, PutSummary) else summary.received_bytes
    verb = "sent" if is_put else "received"
    skipped = f" ({size_text(skipped_bytes)} skipped)" if skipped_bytes else ""
    counts = f"{summary.new:,} new, {summary.changed:,} changed, {summary.unchanged:,} unchanged{skipped}"
    counts += f", {summary.deleted:,} deleted" if summary.deleted else ""
    if is_dry_run:
        return f"dry run: {counts}; nothing was {verb}"
    if not summary.new and not summary.changed and not moved_bytes:
        return f"{counts}; nothing had to be {verb}"
    return f"{counts}; {size_text(moved_bytes)} {verb}"
