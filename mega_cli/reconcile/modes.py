"""Modes: what differs between two-way sync and the modes in which one side only follows. One row a mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from mega_cli.reconcile.draft import Draft, both_sides, local_over_remote, local_side, remote_side
from mega_cli.reconcile.names import Rank, local_first, remote_first
from mega_cli.reconcile.situation import Mode, Policy, Situation
from mega_cli.reconcile.trees import Trees
from mega_cli.reconcile.unify import IsOne, is_equal, is_same_kind


class Rule(NamedTuple):
    """What a mode does differently."""

    draft: Callable[[Trees, Situation, Policy], Draft]
    """What each node is to be."""
    is_one: IsOne
    """When two nodes made at one place are one."""
    rank: Rank
    """Who keeps a name."""
    writes_here: bool = True
    writes_there: bool = True
    drops_twins: bool = True
    """Whether of two equal files that meet at one place one goes."""

    @property
    def has_ghosts(self) -> bool:
        """Tell whether a file that the remote once deleted waits for the user: where no side is the other's master."""
        return self.writes_here and self.writes_there


RULES: Final = {
    Mode.TWO_WAY: Rule(both_sides, is_equal, remote_first),
    Mode.MIRROR_UP: Rule(local_side, is_same_kind, local_first, writes_here=False),
    Mode.BACKUP_UP: Rule(local_over_remote, is_same_kind, local_first, writes_here=False, drops_twins=False),
    Mode.MIRROR_DOWN: Rule(remote_side, is_same_kind, remote_first, writes_there=False),
}
