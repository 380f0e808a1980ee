"""What a run of a pair did, as values: the commands print it, and its few figures are kept for `mega syncs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mega_cli.reconcile.actions import Notice, Stall
from mega_cli.reconcile.nodes import NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import HoldRow
from mega_cli.sync.marker import Verdict
from mega_cli.sync.pairs import Pair
from mega_cli.sync.report import CycleReport, Failure
from mega_cli.sync.story import Told

DISK_REASONS: Final = frozenset(
    {Reason.NAME_CLASH, Reason.NAME_ILLEGAL, Reason.NAME_TOO_LONG, Reason.LINKS_UNSUPPORTED, Reason.TOO_DEEP}
)
"""Why a disk cannot hold something. What is absent for another reason is ignored, or is only being fetched."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run: its cycles together, and what the last of them left."""

    pair: Pair
    verdict: Verdict
    cycles: Sequence[CycleReport]
    told: Sequence[Told]
    """In a dry run what would be done, otherwise what was planned, cycle by cycle."""
    holds: Sequence[HoldRow]
    is_dry_run: bool = False

    @property
    def last(self) -> CycleReport:
        """Give the last cycle."""
        return self.cycles[-1]

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether both sides were seen equal at the end."""
        return not self.is_dry_run and self.last.is_up_to_date

    @property
    def notices(self) -> list[Notice]:
        """Give what the user should hear of, each once."""
        return list(dict.fromkeys(notice for cycle in self.cycles for notice in cycle.plan.notices))

    @property
    def stalls(self) -> list[Stall]:
        """Give what stands still, but for what waits with a held deletion."""
        return [stall for stall in self.last.plan.stalls if stall.reason is not Reason.HELD]

    @property
    def absent(self) -> list[tuple[NodeId, Reason]]:
        """Give what this disk cannot hold."""
        return [(id_, reason) for id_, reason in self.last.plan.absent if reason in DISK_REASONS]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Give what failed and was not mended by a later cycle."""
        return self.last.failures

    def total(self, figure: str) -> int:
        """Add up a figure of the cycles, such as `uploaded`."""
        return sum(int(getattr(cycle, figure)) for cycle in self.cycles)
