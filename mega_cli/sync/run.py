"""Run cycles until both sides are equal, or only what the user must decide, or what rests, is left."""

from __future__ import annotations

from typing import Final

from mega_cli.sync.engine import Engine
from mega_cli.sync.report import CycleReport
from mega_cli.sync.world import Clock

_CYCLES_MOST: Final = 200
"""A bound, should both sides change without end; the next run goes on."""
_IDLE_MOST: Final = 10
"""Cycles in a row that change nothing though something is left: somebody writes to a file all the time, or the server
is not to be reached."""


def run_once(engine: Engine, clock: Clock) -> list[CycleReport]:
    """Run cycles, at least one; wait where a cycle asks for it. Raises what `Engine.cycle` raises.

    The first looks at everything, the others again at what the one before wrote, left or waited for. What a user does
    elsewhere meanwhile is for the next run.
    """
    reports: list[CycleReport] = []
    idle = 0
    while len(reports) < _CYCLES_MOST and idle < _IDLE_MOST:
        report = engine.cycle(scope=() if reports else None)
        reports.append(report)
        if _is_at_rest(report):
            break
        idle = 0 if report.local_changes or report.remote_changes else idle + 1
        if report.waiting_s:
            clock.sleep(report.waiting_s)
    return reports


def _is_at_rest(report: CycleReport) -> bool:
    """Tell whether another cycle right now would do nothing: stalls and holds may be left."""
    return report.plan.is_empty and not report.skipped and not report.failures and not report.waiting_s
