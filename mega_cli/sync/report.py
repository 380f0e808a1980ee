"""What a cycle did, as values: the commands and the simulator read it."""

from __future__ import annotations

from dataclasses import dataclass

from mega_cli.errors import MegaError
from mega_cli.reconcile.actions import Plan


@dataclass(frozen=True, slots=True, repr=False)
class Failure:
    """An action that failed, or was found to be of no use at the last moment; the next cycle plans anew."""

    path: str
    error: MegaError

    def __repr__(self) -> str:
        """Show no name."""
        return f"Failure({self.error.name})"


@dataclass(frozen=True, slots=True)
class CycleReport:
    """One cycle: the plan it made and what came of it."""

    plan: Plan
    uploaded: int = 0
    """Files whose content went up."""
    downloaded: int = 0
    sent_bytes: int = 0
    """Plain content."""
    received_bytes: int = 0
    commits: int = 0
    local_changes: int = 0
    """Actions that changed this disk, downloads among them."""
    remote_changes: int = 0
    skipped: int = 0
    """Actions that no longer fitted what was there: nothing is wrong, the next cycle sees it."""
    failures: tuple[Failure, ...] = ()
    waiting_s: float = 0.0
    """Something needs a second look (a young file, a name just gone): in so many seconds it can be had."""
    resting_s: float = 0.0
    """Something failed and rests; in so many seconds the first of it is tried again."""

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether both sides were seen equal, and nothing is left to do, to wait for or to decide."""
        return (
            self.plan.is_empty
            and not (self.plan.stalls or self.plan.holds or self.failures or self.skipped)
            and self.waiting_s == 0.0
        )
