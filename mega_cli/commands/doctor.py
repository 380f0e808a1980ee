"""`mega doctor`: look for trouble and say what mends it."""

from __future__ import annotations

import os
from itertools import chain

import click

from mega_cli.account.doctor import Surroundings, examine
from mega_cli.account.findings import Finding, exit_code_of
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.sync.watch_room import check_watches
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import open_home


@declare("doctor", examples=("mega doctor", "mega doctor --report", "mega doctor --json"))
@click.option("--report", "is_report", is_flag=True, help="Print a text to post: no name, address, path or key in it.")
def command(console: Console, *, is_report: bool) -> None:
    """Look for trouble and say what mends it.

    Server, versions, clock, limits, permissions, pins and databases, disk, proxy and certificates, and how many synced
    folders the system can watch. Nothing is changed.
    Exits with 0 when all is well, with the code of the trouble when there is one kind, else with 1.
    """
    found = []
    home = open_home()
    for finding in chain(examine(home, Surroundings(os.environ, SystemClock())), check_watches(home)):
        found.append(finding)
        if not console.is_json:
            console.result(_report_line(finding) if is_report else _lines(finding))
    if console.is_json:
        console.document({"findings": [_fields(finding, is_report=is_report) for finding in found]})
    if code := exit_code_of(found):
        raise click.exceptions.Exit(code)
    console.note("mega: all is well")


def _report_line(finding: Finding) -> str:
    return f"{'ok' if finding.is_well else 'TROUBLE':<8} {finding.check:<12} {finding.summary}"


def _lines(finding: Finding) -> list[str]:
    lines = [_report_line(finding) + (f" ({finding.detail})" if finding.detail else "")]
    return lines if finding.is_well else [*lines, f"{'':8} {'':<12} mend it: {finding.fix}"]


def _fields(finding: Finding, *, is_report: bool) -> dict[str, object]:
    """Write a finding for programs; a report holds what may be posted and nothing else."""
    fields: dict[str, object] = {
        "check": finding.check,
        "is_well": finding.is_well,
        "summary": finding.summary,
        "code": finding.code,
    }
    return fields if is_report else fields | {"detail": finding.detail, "fix": finding.fix}
