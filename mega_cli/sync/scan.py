"""Scan: see what is different on the disk from what the rows say, and say only what is proven.

The walk compares, recognition finds what moved, readings say what files are, and what is nowhere must prove its
absence. A scan writes nothing; it never believes a file that is still written to, never takes an error for an absence,
and never raises for what vanishes under its eyes. Its cost, after one look at every name, is that of what changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Final, final

from mega_cli.localfs.disk import Disk, Found
from mega_cli.localfs.racy import is_racy
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, below, path_of
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.absence import Absences, Waits
from mega_cli.sync.reading import Reading, read_target, stable_read
from mega_cli.sync.recognise import Recognition, kind_of
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Observation, Sighting, id_of_place, stalls_of
from mega_cli.sync.walk import AGAIN_S, NINE_BITS, STAT_WIDTH, Walk, is_as_row
from mega_cli.sync.world import Chance, Clock

_ID_BYTES: Final = 16
_FUTURE_NS: Final = 10_000_000_000
"""A file from further in the future has no age."""
_HOT_S: Final = 900.0
"""A file that never grows old is read nevertheless, so often."""
_LARGE_BYTES: Final = 1 << 20
"""Only such files are worth a thread: handing over costs a third of what reading a small one does."""
_PLAIN_MODES: Final = {"f": 0o644, "d": 0o755}
"""Where the disk keeps none."""


@final
class Scanner:
    """Lives as long as the engine, because an absence takes two looks. Large files are read in `pool`."""

    def __init__(
        self,
        disk: Disk,
        state: SyncState,
        clock: Clock,
        chance: Chance,
        settings: Settings,
        pool: Executor | None = None,
    ) -> None:
        """Scan nothing yet."""
        self._disk = disk
        self._state = state
        self._clock = clock
        self._chance = chance
        self._settings = settings
        self._pool = pool
        self._waits = Waits()
        self._walk: Walk | None = None

    def scan(self) -> Observation:
        """Look at everything, and read what changed. Raises UsageError for this device's own ignore rules."""
        self._waits.begin_scan(self._clock.steady_s())
        walk = self._walk = Walk(self._disk, self._state, self._clock, self._settings)
        seen = walk.run()
        if ROOT in seen.stalled:
            return self._observation(seen, [], [], {}, [], 0)
        known = Recognition(self._state, self._settings, seen)
        known.recognise_places()
        readings = self._read(seen)
        known.recognise_contents(readings)
        absences = Absences(self._disk, self._settings, walk, known, self._waits)
        gone = absences.judge()
        rows = [*seen.folders, *self._rows(seen, readings, absences.held)]
        rows.sort(key=lambda row: row.node.kind != "d")  # stable: folders stay above those in them
        excluded, included = self._exclusions(walk)
        hashed = sum(reading.found.stamps.size for reading in readings.values() if reading.found.kind == "f")
        return self._observation(seen, rows, gone, excluded, included, hashed)

    def excludes(self, path: tuple[str, ...], *, is_folder: bool) -> bool:
        """Tell whether rules leave out what lies, or would lie, at a path, as the last scan met them."""
        assert self._walk is not None, "a scan comes first"
        return self._walk.excludes(path, is_folder=is_folder)

    def record(self, observation: Observation) -> None:
        """Write what was seen into the rows; in the caller's transaction."""
        local = self._state.local
        local.put_all(observation.rows)
        local.remove_all(observation.gone)
        detached = [id_ for id_ in observation.excluded if local.get(id_) is not None]
        for id_ in detached:
            local.remove_all([*(node.id for node in below(local, id_)), id_])

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, seen: Sighting) -> dict[Item, Reading]:
        """Read every file and link that may have changed; what will not hold still gets its trouble noted."""
        now_ns = self._clock.now_ns()
        todo = [item for item in seen.items if item.kind != "d" and self._is_to_be_read(item, seen, now_ns)]
        readings: dict[Item, Reading] = {}
        for item, result in self._results(todo):
            if isinstance(result, Reason):
                self._trouble(item, result, seen)
                if result is Reason.FILE_CHANGING:
                    seen.wait(AGAIN_S)
            elif self._is_news(item, result) and self._must_wait(item, result.found, seen, now_ns):
                self._trouble(item, Reason.FILE_CHANGING, seen)
            else:
                self._waits.forget(item.place)
                readings[item] = result
        return readings

    def _results(self, todo: list[Item]) -> Iterator[tuple[Item, Reading | Reason]]:
        """Read items and give what came of it, in their order; large files in the pool while others are read here."""
        begun: dict[Item, Future[Reading | Reason]] = {}
        if self._pool is not None:
            large = (item for item in todo if item.found.stamps.size >= _LARGE_BYTES)
            begun = {item: self._pool.submit(self._read_one, item) for item in large}
        for item in todo:
            yield item, begun.pop(item).result() if item in begun else self._read_one(item)

    def _is_to_be_read(self, item: Item, seen: Sighting, now_ns: int) -> bool:
        """Tell whether an item has to be read and is old enough to be; of one row's size it may be unchanged."""
        row = item.row if item.id is not None else None
        if row is not None:
            if is_as_row(item.found, row, ids_are_stable=self._settings.ids_are_stable):
                return False
            if item.found.stamps.size == row.stamps[0]:
                return True
        if self._must_wait(item, item.found, seen, now_ns):
            self._trouble(item, Reason.FILE_CHANGING, seen)
            return False
        return True

    def _read_one(self, item: Item) -> Reading | Reason:
        return (stable_read if item.kind == "f" else read_target)(self._disk, item.place, self._clock)

    def _must_wait(self, item: Item, found: Found, seen: Sighting, now_ns: int) -> bool:
        """Tell whether a file is so young that it may still be written to, and ask for a second look."""
        age_ns = now_ns - found.stamps.mtime_ns
        left_s = self._settings.least_age_s - age_ns / 1e9
        if found.kind != "f" or age_ns < -_FUTURE_NS or left_s <= 0 or self._waits.waited_s(item.place) >= _HOT_S:
            return False
        seen.wait(left_s)
        return True

    @staticmethod
    def _is_news(item: Item, reading: Reading) -> bool:
        return item.id is None or item.row is None or item.row.node.digest != reading.content

    @staticmethod
    def _trouble(item: Item, reason: Reason, seen: Sighting) -> None:
        item.trouble = reason
        seen.barred[item.kind, item.found.ino] = reason

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _rows(self, seen: Sighting, readings: dict[Item, Reading], held: set[Item]) -> Iterator[LocalRow]:
        """Give ids to what is new, and the rows of all that is new or changed."""
        for item in seen.items:
            if item in held:
                continue
            if item.trouble is not None:
                seen.stalled[id_of_place(item.place) if item.id is None else item.id] = item.place, item.trouble
                continue
            if item.id is None:
                item.id, item.row = self._chance.random_bytes(_ID_BYTES), None
            row = self._row(item, item.id, readings.get(item))
            if row != item.row:
                yield row

    def _row(self, item: Item, id_: NodeId, reading: Reading | None) -> LocalRow:
        """Make the row of an item; what its stamps do not show to have changed stays as its node was asked to be."""
        found = item.found if reading is None else reading.found
        stamps, kind, before = found.stamps, kind_of(item), item.row
        parent = item.parent_id
        assert parent is not None, "folders get their ids before what lies in them"
        node = Node(id_, parent, item.name, kind) if before is None else before.node
        node = node._replace(parent=parent, name=item.name)
        shown = None if before is None else StatPrint(*before.stamps[:STAT_WIDTH])
        if kind != "l" and (shown is None or shown.mode & NINE_BITS != stamps.mode & NINE_BITS):
            has_modes = self._settings.disk.has_modes
            kept = node.mode if before is not None else _PLAIN_MODES[kind]
            node = node._replace(mode=stamps.mode & NINE_BITS if has_modes else kept)
        if kind == "f" and (shown is None or shown.mtime_ns != stamps.mtime_ns):
            node = node._replace(mtime_ns=stamps.mtime_ns)
        racy = False if before is None else before.is_racy
        if reading is not None:
            racy = is_racy(stamps, reading.observed_ns)
            if kind == "f":
                node = node._replace(digest=reading.content, size=stamps.size)
            else:
                node = node._replace(target=reading.content.decode())
        return LocalRow(node, item.place[-1], (*stamps, found.links, found.birth_ns), racy)

    # --- the outcome --------------------------------------------------------------------------------------------------

    def _exclusions(self, walk: Walk) -> tuple[dict[NodeId, Reason], list[NodeId]]:
        """Give what is left out now, and what was but is no longer."""
        excluded = dict.fromkeys(walk.seen.excluded, Reason.EXCLUDED)
        included: list[NodeId] = []
        for id_, reason in self._state.absent().items():
            if reason is not Reason.EXCLUDED or id_ in excluded:
                continue
            tree = self._state.base if self._state.remote.get(id_) is None else self._state.remote
            node, path = tree.get(id_), path_of(tree, id_)
            if node is not None and path is not None:
                if walk.excludes(path, is_folder=node.kind == "d"):
                    excluded[id_] = reason
                else:
                    included.append(id_)
        return excluded, included

    @staticmethod
    def _observation(
        seen: Sighting,
        rows: list[LocalRow],
        gone: list[NodeId],
        excluded: dict[NodeId, Reason],
        included: list[NodeId],
        hashed: int,
    ) -> Observation:
        stalled = {id_: reason for id_, (_, reason) in sorted(seen.stalled.items())}
        stalls = list(stalls_of(seen.stalled))
        return Observation(rows, gone, stalled, excluded, included, stalls, seen.waiting_s, seen.found_files, hashed)
