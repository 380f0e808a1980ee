"""Vicinity: which places a partial walk has to look at as well, because what it found came from there, as it seems.

A move has two halves, and a hint may tell of one. It decides nothing: a number used again leads to a needless look.
"""

from __future__ import annotations

from functools import cache

from mega_cli.localfs.disk import Place
from mega_cli.reconcile.nodes import ROOT, NodeId
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.due import place_of
from mega_cli.sync.settings import Settings
from mega_cli.sync.walk import Walk, ino_of


def unlisted_origins(state: SyncState, settings: Settings, walk: Walk) -> set[Place]:
    """Give the folders that were not listed and whose rows have inodes that were found elsewhere.

    What lies in a folder that lost its place is looked for anyhow.
    """
    if not settings.ids_are_stable or not walk.seen.items:
        return set()
    found = {(item.kind, item.found.ino) for item in walk.seen.items}
    lost = {*walk.seen.missing, *(item.row.node.id for item in walk.seen.items if item.row is not None)}

    @cache
    def unlisted(id_: NodeId) -> Place | None:
        """Give the place of a folder, unless it was listed or lies in one that lost its place."""
        if id_ in walk.listed:
            return None
        place, at = place_of(state, id_), id_
        while at != ROOT and at not in lost:
            node = state.local.get(at)
            if node is None:
                return None
            at = node.parent
        return place if at == ROOT else None

    rows = state.local.rows_with_inodes({ino for _, ino in found})
    parents = {row.node.parent for row in rows if (row.node.kind, ino_of(row)) in found}
    return {place for place in map(unlisted, parents) if place is not None}
