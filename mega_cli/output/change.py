"""What mkdir, mv, cp and rm did: one line for people, one document for programs."""

from __future__ import annotations

from mega_cli.output.console import Console
from mega_cli.output.units import counted
from mega_cli.volume.requests import ChangeSummary


def report_change(console: Console, did: str, summary: ChangeSummary, *, is_dry_run: bool) -> None:
    """Say what was done (`did`: "moved to /a"), or in a dry run what would be, which is then the result."""
    if console.is_json:
        console.document(
            {"message_type": "summary", "items": summary.items, "revision": summary.revision, "dry_run": is_dry_run}
        )
    elif is_dry_run:
        console.result(f"dry run: {counted(summary.items, 'item')} would be {did}; nothing was changed")
    elif console.verbosity > 0:
        console.note(f"mega: {counted(summary.items, 'item')} {did}")
