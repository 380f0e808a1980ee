"""Prove that something is gone: its folder was listed without it, its name leads to nothing, and so again later.

What cannot be proven is stalled, never gone: whoever deletes by mistake deletes everywhere. A thing whose folder is
gone is gone with it. A place that is not free yet, because what was there may only be on its way, holds back whatever
stands there now: two nodes never have one name.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final, final

from mega_cli.localfs.disk import Disk, Place
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.reading import reason_of
from mega_cli.sync.recognise import Recognition
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Sighting, id_of_place, names_of
from mega_cli.sync.walk import AGAIN_S, Walk, ino_of

_TICK_S: Final = 1e-3
"""Seconds are added up as floating point."""


@final
class Waits:
    """Since when each thing has been seen in a state that may pass, in steady seconds, over the scans of one engine."""

    def __init__(self) -> None:
        self._before: dict[Hashable, float] = {}
        self._since: dict[Hashable, float] = {}
        self._now_s = 0.0

    def begin_scan(self, now_s: float) -> None:
        """Forget what the last scan did not see any more."""
        self._before, self._since, self._now_s = self._since, {}, now_s

    def waited_s(self, key: Hashable) -> float:
        """Say how long this has been seen in every scan; 0 the first time."""
        self._since[key] = self._before.get(key, self._now_s)
        return self._now_s - self._since[key]

    def forget(self, key: Hashable) -> None:
        """Let it count from the next time on."""
        self._since.pop(key, None)


@final
class Absences:
    """What becomes of the rows that nothing on the disk was recognised as."""

    def __init__(self, disk: Disk, settings: Settings, walk: Walk, known: Recognition, waits: Waits) -> None:
        """Judge nothing yet."""
        self._disk = disk
        self._settings = settings
        self._walk = walk
        self._seen: Sighting = walk.seen
        self._known = known
        self._waits = waits
        self._kept: set[NodeId] = set()
        """Nodes that stay as they are for now, with all below them."""
        self._gone: dict[NodeId, LocalRow] = {}
        self._arrived: frozenset[Place] = frozenset()
        """Where folders stand that were recognised."""
        self.held: set[Item] = set()
        """Items that are left alone in this scan, as is what lies in them."""

    def judge(self) -> list[NodeId]:
        """Give the nodes that are gone, children before parents; stall the others, and what stands in their places."""
        now_at = {item.id: item.place for item in self._seen.items if item.id is not None and item.kind == "d"}
        self._arrived = frozenset(now_at.values())
        self._kept = set(self._seen.stalled)
        self._kept |= {item.id for item in self._seen.items if item.trouble is not None and item.id is not None}
        taken: list[tuple[NodeId, str]] = []
        for id_, (row, barred) in self._known.barred.items():
            self._keep(id_, self._known.places[id_], barred)
            taken.append(self._place_key(row.node.parent, row.node.name))
        for id_, row in self._known.lost.items():
            parent = row.node.parent
            if parent in self._kept:
                self._kept.add(id_)
            elif parent in self._gone:
                self._gone[id_] = row
            else:
                above = now_at.get(parent)
                place = self._known.places[id_] if above is None else (*above, row.disk_name)
                reason = self._reason_to_keep(row, place)
                if reason is None:
                    self._gone[id_] = row
                else:
                    self._keep(id_, place, reason)
                    taken.append(self._place_key(parent, row.node.name))
        self._hold_back(taken)
        return [id_ for id_ in reversed(self._gone) if not self._is_kept(id_)]

    def _keep(self, id_: NodeId, place: Place, reason: Reason) -> None:
        self._kept.add(id_)
        if reason is Reason.EXCLUDED:
            self._seen.excluded.append(id_)
        else:
            self._seen.stalled[id_] = place, reason

    def _reason_to_keep(self, row: LocalRow, place: Place) -> Reason | None:
        """Look at the place of a row; None when it is proven to be gone."""
        is_folder = row.node.kind == "d"
        if self._walk.excludes(names_of(place), is_folder=is_folder):
            return Reason.EXCLUDED
        try:
            found = self._disk.look(place)
        except OSError as error:
            return reason_of(error)
        if found is not None:
            if found.kind == "special":
                return Reason.SPECIAL_FILE
            if found.kind == "d" and found.stamps.dev != self._seen.root_dev:
                return Reason.NESTED_MOUNT
            is_another = is_folder and self._settings.ids_are_stable and found.ino != ino_of(row)
            is_another = is_another or place in self._arrived  # as somebody else: numbers are used again
            if found.kind == row.node.kind and not (is_another or self._known.has_another_in_place(row)):
                self._seen.wait(AGAIN_S)
                return Reason.FILE_CHANGING
        barred = self._known.why_barred(row)
        if barred is not None:
            return barred
        left_s = self._settings.absence_s - self._waits.waited_s(row.node.id)
        if left_s > _TICK_S:
            self._seen.wait(left_s)
            return Reason.FILE_CHANGING
        return None

    def _hold_back(self, taken: list[tuple[NodeId, str]]) -> None:
        """Hold items whose places are not free, then those whose places these would have freed, and so on."""
        at_place: dict[tuple[NodeId, str], list[Item]] = {}
        inside: dict[Item, list[Item]] = {}
        for item in self._seen.items if taken else ():
            parent = item.parent_id
            if parent is not None:
                at_place.setdefault(self._place_key(parent, item.name), []).append(item)
            if item.above is not None:
                inside.setdefault(item.above, []).append(item)
        while taken:
            waiting = at_place.get(taken.pop(), [])
            while waiting:
                item = waiting.pop()
                if item in self.held:
                    continue
                self.held.add(item)
                waiting += inside.get(item, ())
                row = None if item.id is None else item.row
                if row is not None and item.above in self.held and row.node.parent == item.above.id:
                    self._kept.add(row.node.id)  # it is in its place, in a folder that stands still
                elif row is not None:
                    self._keep(row.node.id, item.place, Reason.FILE_CHANGING)
                    taken += self._stay(row)
                elif item.above not in self.held:
                    self._seen.stalled[id_of_place(item.place)] = item.place, Reason.FILE_CHANGING

    def _stay(self, row: LocalRow) -> Iterator[tuple[NodeId, str]]:
        """Keep the folders in which a row was, though they are gone; give the places that are not free for it."""
        yield self._place_key(row.node.parent, row.node.name)
        id_ = row.node.parent
        while id_ in self._gone and id_ not in self._kept:
            above = self._gone[id_]
            self._keep(id_, self._known.places[id_], Reason.FILE_CHANGING)
            yield self._place_key(above.node.parent, above.node.name)
            id_ = above.node.parent

    def _is_kept(self, id_: NodeId) -> bool:
        """Tell whether a gone row, or a folder it was in, stays as it is after all."""
        while id_ in self._gone and id_ not in self._kept:
            id_ = self._gone[id_].node.parent
        return id_ in self._kept

    def _place_key(self, parent: NodeId, name: str) -> tuple[NodeId, str]:
        return parent, fold(name, self._settings.disk)
