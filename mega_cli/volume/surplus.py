"""When a transfer with --delete may delete: a pure decision, the same for put and get."""

from __future__ import annotations

from typing import Protocol

from mega_cli.volume.requests import MostDeleted


class Surplus(Protocol):
    """A plan of deletions: how many entries stand in the folders, how many go, and whether a source is empty."""

    @property
    def total(self) -> int:
        """Count what stands there."""

    @property
    def doomed(self) -> int:
        """Count what is to go."""

    @property
    def emptied(self) -> bool:
        """Say whether an empty source meets a folder that is not."""


def refusal(surplus: Surplus, most: MostDeleted) -> str:
    """Say why nothing may be deleted, or nothing at all: an empty source is taken for a lost mount."""
    if surplus.emptied:
        return "a source is empty, as a disk that is not mounted is; nothing was deleted"
    if most.allows(surplus.doomed, surplus.total):
        return ""
    return f"{surplus.doomed:,} of {surplus.total:,} items would be deleted, more than {most}; nothing was deleted"
