"""Recognise nodes among what a walk could not explain: folders first, then what lies in them, then files that moved.

It asks `reconcile.identity` and reads nothing but rows. Rows below a folder that lost its place are looked for as well,
so its cost is that of what changed. What lies below something that cannot be trusted is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.identity import Trace, match_contents, match_folders
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import Kind, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.reading import Reading
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Sighting
from mega_cli.sync.walk import STAT_WIDTH


@final
class Recognition:
    """Rows without their place, and which items they are. `lost` shrinks as they are found."""

    def __init__(self, state: SyncState, settings: Settings, seen: Sighting) -> None:
        """Collect the rows, those below lost folders after them."""
        self._settings = settings
        self._seen = seen
        self._state = state
        self._children: dict[NodeId, list[LocalRow]] = {}
        self._by_path: dict[NodeId, dict[str, LocalRow]] = {}
        self.lost: dict[NodeId, LocalRow] = {}
        """Folders before what lay in them."""
        self.places: dict[NodeId, Place] = {}
        """Where lost and barred rows were."""
        self.barred: dict[NodeId, tuple[LocalRow, Reason]] = {}
        """Rows whose inode was found in something that cannot be trusted: they, and those below, are nothing else."""
        for row, place in seen.missing.values():
            self._lose(row, place)
        for item in seen.items:
            if item.row is not None and item.id is None:
                self._lose(item.row, item.place)

    def recognise_places(self) -> None:
        """Give items the nodes that their inode (folders), or their path, says they are."""
        if self._settings.ids_are_stable:
            self._recognise_folders()
        for item in self._seen.items:
            if item.id is None:
                row = self._row_of_path(item)
                if row is not None:
                    self._claim(item, row)

    def recognise_contents(self, readings: Mapping[Item, Reading]) -> None:
        """Give items that were read the nodes of lost rows that they are."""
        vanished = {id_: self._trace_of(row) for id_, row in self.lost.items() if row.node.kind != "d"}
        if not vanished:
            return
        items = [item for item in readings if item.id is None]
        appeared = [_trace(item, content=readings[item].content) for item in items]
        matches = match_contents(vanished, appeared, ids_are_stable=self._settings.ids_are_stable)
        for at, id_ in matches.items():
            self._claim(items[at], self.lost[id_])

    def has_another_in_place(self, row: LocalRow) -> bool:
        """Tell whether another node, in its place, has the name of a lost row as this disk compares names."""
        name = fold(row.node.name, self._settings.disk)
        rows = self._state.local.rows(row.node.parent)
        stays = (other.node for other in rows if other.node.id != row.node.id and other.node.id not in self.places)
        return any(fold(node.name, self._settings.disk) == name for node in stays)

    def _recognise_folders(self) -> None:
        vanished = {id_: self._trace_of(row) for id_, row in self.lost.items() if row.node.kind == "d"}
        items = [item for item in self._seen.items if item.kind == "d" and item.trouble is None]
        if vanished and items:
            for at, id_ in match_folders(vanished, [_trace(item) for item in items]).items():
                self._claim(items[at], self.lost[id_])

    def _row_of_path(self, item: Item) -> LocalRow | None:
        """Give the lost row that stood where the item stands, if it is of its kind."""
        if item.above is None:
            row = item.row
        elif item.above.id is None:
            return None
        else:
            row = self._rows_by_name(item.above.id).get(fold(item.name, self._settings.disk))
        return row if row is not None and row.node.id in self.lost and row.node.kind == item.kind else None

    def _claim(self, item: Item, row: LocalRow) -> None:
        item.id, item.row = row.node.id, row
        del self.lost[row.node.id]

    def _lose(self, row: LocalRow, place: Place) -> None:
        """Add a row and all below it."""
        waiting = [(row, place)]
        while waiting:
            row, place = waiting.pop()
            self.places[row.node.id] = place
            reason = self.why_barred(row)
            if reason is not None:
                self.barred[row.node.id] = row, reason
                continue
            self.lost[row.node.id] = row
            if row.node.kind == "d":
                below = self._children[row.node.id] = self._state.local.rows(row.node.id)
                waiting += [(child, (*place, child.disk_name)) for child in reversed(below)]

    def why_barred(self, row: LocalRow) -> Reason | None:
        """Say why a row has not vanished, though its place is empty: its inode was found in something untrustworthy."""
        if not self._settings.ids_are_stable or (row.node.kind != "d" and row.stamps[STAT_WIDTH] != 1):
            return None
        return self._seen.barred.get((row.node.kind, StatPrint(*row.stamps[:STAT_WIDTH]).ino))

    def _rows_by_name(self, id_: NodeId) -> Mapping[str, LocalRow]:
        """Give the rows in a folder that was lost, by their names as this disk compares them."""
        if id_ not in self._by_path:
            rows: Iterable[LocalRow] = self._children.get(id_, ())
            self._by_path[id_] = {fold(row.node.name, self._settings.disk): row for row in rows}
        return self._by_path[id_]

    def _trace_of(self, row: LocalRow) -> Trace:
        node, (*_, links, birth_ns) = row.node, row.stamps
        ino = StatPrint(*row.stamps[:STAT_WIDTH]).ino
        names = frozenset(child.node.name for child in self._children.get(node.id, ()))
        return Trace(node.kind, ino, birth_ns, links, node.digest or node.target.encode(), names)


def _trace(item: Item, content: bytes = b"") -> Trace:
    found = item.found
    return Trace(kind_of(item), found.ino, found.birth_ns, found.links, content, item.names)


def kind_of(item: Item) -> Kind:
    """Give the kind of an item, which is never a special file."""
    assert item.found.kind != "special"
    return item.found.kind
