"""What a scan has to look at: what somebody hinted at, and what was not well, or not left alone, at the last one.

Nothing is forgotten that was told: a cycle that breaks off before it has looked, or before what it did is recorded,
leaves everything due. It never says that a place is well; places and nodes that are gone by now are fine here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import final

from mega_cli.localfs.disk import Place
from mega_cli.reconcile.nodes import ROOT, NodeId
from mega_cli.state.sync_state import SyncState


@final
@dataclass(slots=True)
class Want:
    """Of one folder: whether a walk lists it, and what it wants below it, by name as the disk compares names."""

    is_listed: bool = False
    is_deep: bool = False
    """All below is listed as well."""
    below: dict[str, Want] = field(default_factory=dict)


@final
@dataclass(slots=True)
class Due:
    """Folders to list next time; a folder that is not known stands for the nearest one above it that is."""

    is_whole: bool = False
    """Look at everything."""
    places: set[Place] = field(default_factory=set)
    deep: set[Place] = field(default_factory=set)
    """Folders of which nothing below was seen: once they can be listed, all below is."""
    nodes: set[NodeId] = field(default_factory=set)
    """Nodes whose folders are meant, wherever these stand by then."""
    folders: set[NodeId] = field(default_factory=set)
    """Folders that are meant themselves."""
    closed: set[Place] = field(default_factory=set)
    """Files whose writers closed them: they need not grow old."""

    def add(self, scope: Iterable[Place] | None, closed: Iterable[Place] = ()) -> None:
        """Add what was hinted at; None: everything."""
        if scope is None:
            self.is_whole = True
        else:
            self.places.update(scope)
        for place in closed:
            self.closed.add(place)
            self.places.add(place[:-1])

    def wants(self, state: SyncState, key: Callable[[bytes], str]) -> Want:
        """Put it in order, from the top down. `key` gives what the disk compares of a name."""
        folders = set(self.folders)
        for id_ in self.nodes:
            row = state.local.row(id_)
            if row is not None:
                folders.add(row.node.parent)
        known = {place for id_ in folders if (place := place_of(state, id_)) is not None}
        top = Want()
        for place in self.places | self.deep | known:
            want = top
            for name in place:
                want = want.below.setdefault(key(name), Want())
            want.is_listed = True
            want.is_deep = want.is_deep or place in self.deep
        return top


def place_of(state: SyncState, id_: NodeId) -> Place | None:
    """Say where the rows have a folder; None when they do not."""
    names: list[bytes] = []
    seen: set[NodeId] = set()
    while id_ != ROOT:
        row = state.local.row(id_)
        if row is None or id_ in seen:
            return None
        seen.add(id_)
        names.append(row.disk_name)
        id_ = row.node.parent
    return tuple(reversed(names))
