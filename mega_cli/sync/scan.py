"""Scan: see what is different on the disk from what the rows say, and say only what is proven.

The walk compares, recognition finds what moved, readings say what files are, and what is nowhere must prove its
absence. A scan writes nothing; it never believes a file that is still written to, never takes an error for an absence,
and never raises for what vanishes under its eyes. Its cost, after one look at every name, is that of what changed.

A partial scan looks only where somebody said that something changed, and again at all that was not well, or not left
alone, at the last one. What it does not look at is neither missing nor changed; whatever it finds that may concern such
a place makes it look there as well, before anything is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final, final

from mega_cli.localfs.disk import Disk, Found, Place
from mega_cli.localfs.racy import is_racy
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, below, path_of
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.absence import Absences, Waits
from mega_cli.sync.due import Due
from mega_cli.sync.reading import Reading, read_target, stable_read
from mega_cli.sync.recognise import Recognition, kind_of
from mega_cli.sync.rules_met import RulesMet
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Observation, Sighting, id_of_place, stalls_of
from mega_cli.sync.vicinity import unlisted_origins
from mega_cli.sync.walk import AGAIN_S, NINE_BITS, STAT_WIDTH, Walk, is_as_row
from mega_cli.sync.world import Chance, Clock

_ID_BYTES: Final = 16
_WALKS_MOST: Final = 8
"""So often a partial scan widens what it looks at; then it looks at everything."""
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
        self.watch: Callable[[Place], bool] | None = None
        """Told of each folder before it is listed (`Hints.watch`)."""
        self._waits = Waits()
        self._walk: Walk | None = None
        self._due = Due(is_whole=True)
        self._next = Due()
        """What the scan of this cycle leaves for the next one."""
        self._closed: frozenset[Place] = frozenset()

    def expect(self, scope: Iterable[Place] | None, closed: Iterable[Place] = ()) -> None:
        """Keep for the next scan where to look (None: everywhere), whatever comes before it."""
        self._due.add(scope, closed)

    def scan(self, scope: Iterable[Place] | None = None, closed: Iterable[Place] = ()) -> Observation:
        """Look at everything, or at what is due with these folders, and read what changed.

        `closed` are files whose writers closed them: they need not grow old. What was due stays so, and everything
        with it, unless `end` is called afterwards. Raises UsageError for this device's own ignore rules.
        """
        self._due.add(scope, closed)
        due, self._due, self._next = self._due, Due(is_whole=True), Due()
        self._closed = frozenset(due.closed)
        self._waits.begin_scan(self._clock.steady_s())
        walk = self._walk = self._walked(due)
        seen = walk.seen
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
        self._look_again(seen)
        return self._observation(seen, rows, gone, excluded, included, hashed)

    def end(self, places: Iterable[Place], nodes: Iterable[NodeId], folders: Iterable[NodeId]) -> None:
        """End a cycle: what the last scan saw is recorded, and next time these are looked at, and what was not well.

        `places` and `folders` are folders that were written in, `nodes` things that may be other than recorded.
        """
        self._next.add(places)
        self._next.nodes.update(nodes)
        self._next.folders.update(folders)
        self._due, self._next = self._next, Due()

    def forget(self) -> None:
        """Look at everything the next time."""
        self._due.is_whole = True

    def _walked(self, due: Due) -> Walk:
        """Walk over what is due; where what was found leads on to other places, once more with these."""
        last = self._walk
        if last is None or not last.rules.are_in_place(self._state.local):
            due.is_whole = True
        for _ in range(_WALKS_MOST):
            if last is None or due.is_whole:
                break
            walk = self._new_walk(last.rules)
            seen = walk.run(due.wants(self._state, walk.key))
            if walk.has_other_rules or ROOT in seen.stalled:
                break
            due.deep |= walk.unwatched
            origins = unlisted_origins(self._state, self._settings, walk)
            if origins <= due.places:
                return walk
            due.places |= origins
        walk = self._new_walk(None)
        walk.run()
        return walk

    def _new_walk(self, known: RulesMet | None) -> Walk:
        return Walk(self._disk, self._state, self._clock, self._settings, known=known, watch=self.watch)

    def _look_again(self, seen: Sighting) -> None:
        """Note what was not well: the next scan looks at it, wherever its row stands by then."""
        for id_, (place, _) in seen.stalled.items():
            self._next.places.add(place[:-1])
            self._next.deep.add(place)
            self._next.nodes.add(id_)

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
        is_old = age_ns < -_FUTURE_NS or left_s <= 0 or item.place in self._closed
        if found.kind != "f" or is_old or self._waits.waited_s(item.place) >= _HOT_S:
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
            if row.is_racy and not self._is_of_the_future(item):
                self._next.places.add(item.place[:-1])
            if row != item.row:
                yield row

    def _is_of_the_future(self, item: Item) -> bool:
        """Tell whether stamps will prove nothing for long: reading again and again would not help."""
        stamps = item.found.stamps
        return max(stamps.mtime_ns, stamps.ctime_ns) > self._clock.now_ns() + _FUTURE_NS

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
