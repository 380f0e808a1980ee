"""What differs between two states of a folder, with everything below: node by node, wherever a node stands.

A node that moved is one difference, not two, and a folder that moved is not opened unless something in it changed. Cost
and memory follow the change. The newer tree may have been written by anybody (attacks.md T74): there is no recursion,
and depth and count have bounds. It reads pages and nothing else.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from mega_cli.errors import IntegrityError
from mega_cli.formats.page import FOLDER, MEAN_ITEMS, Entry, Page
from mega_cli.model import Ref
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.page_diff import MOST_CHANGES, OlderPages, differing_entries, too_many
from mega_cli.volume.pagetree import PageSource
from mega_cli.volume.tree import FILES, Path, folder_ref, shown

TOP: Final = bytes(16)
"""Stands for the compared folder itself, as the parent of what lies in it."""
FOLDERS_AT_ONCE: Final = 256
"""Folders whose pages are asked for together."""
SMALL_FOLDER: Final = 64
"""About so many entries: such a folder is opened without waiting whether its node turns up elsewhere."""


OLD: Final = 0
NEW: Final = 1


class Placed(NamedTuple):
    """An entry, and the folder that holds it."""

    entry: Entry
    parent: bytes
    """The folder's node_id, or `TOP`."""
    above: Path
    """The folder's path, from the compared one down."""

    @property
    def path(self) -> Path:
        """Give where it stands."""
        return (*self.above, self.entry.name)

    def __repr__(self) -> str:
        """Show no name."""
        return f"Placed({self.entry!r}, depth={len(self.above)})"


class Difference(NamedTuple):
    """One node that is another now: in the older tree and in the newer one; None where it is not."""

    before: Placed | None
    after: Placed | None


def diff_folders(
    pages: PageSource, old: Ref | None, new: Ref | None, *, goes_down: Callable[[Placed], bool] = lambda _placed: True
) -> list[Difference]:
    """Compare the folders whose pages are `old` and `new`, recursively; None is an empty one.

    What a folder holds is no difference of the folder itself. Folders come before what lies in them; of a folder that
    is gone, everything below is listed too, unless it moved away. A folder that `goes_down` refuses is never opened.
    Raises PagesGoneError when pages of `old` are no longer stored, IntegrityError when a page of `new` does not verify
    or two entries in sight share a node_id, LimitError for too much or too deep.
    """
    diff = _Diff(pages, goes_down)
    diff.run(old, new)
    return diff.found()


class _Pair(NamedTuple):
    """A folder that is in both trees, where it was and where it is."""

    old: Ref | None
    new: Ref | None
    id: bytes
    above_old: Path
    above_new: Path


class _Single(NamedTuple):
    """A folder seen on one side only, until now; `is_due`: to be opened even so, because it was opened on the other."""

    weight: int
    """About how many entries it has; 0 while nobody has looked."""
    number: int
    placed: Placed
    is_due: bool


class _Diff:
    """One comparison: what was seen on either side, by node_id, and the folders still to be opened."""

    def __init__(self, pages: PageSource, goes_down: Callable[[Placed], bool]) -> None:
        self._sources = (OlderPages(pages), pages)
        self._goes_down = goes_down
        self._seen: tuple[dict[bytes, Placed], dict[bytes, Placed]] = ({}, {})
        self._opened: tuple[set[bytes], set[bytes]] = (set(), set())
        self._pairs: deque[_Pair] = deque()
        self._aside: tuple[deque[_Single], deque[_Single]] = (deque(), deque())
        self._weighed: tuple[list[_Single], list[_Single]] = ([], [])
        self._number = 0

    def run(self, old: Ref | None, new: Ref | None) -> None:
        """Open what has to be opened."""
        if old != new:
            self._pairs.append(_Pair(old, new, TOP, (), ()))
        while True:
            if self._pairs:
                self._compare([self._pairs.popleft() for _ in range(min(FOLDERS_AT_ONCE, len(self._pairs)))])
            elif singles := self._next_singles():
                self._open(singles)
            else:
                return

    def found(self) -> list[Difference]:
        """Give what differs, the highest first."""
        before, after = self._seen
        pairs = [Difference(before.get(id_), placed) for id_, placed in after.items()]
        pairs += [Difference(placed, None) for id_, placed in before.items() if id_ not in after]
        differing = [pair for pair in pairs if _differ(*pair)]
        return sorted(differing, key=_depth)

    # --- opening ------------------------------------------------------------------------------------------------------

    def _compare(self, pairs: list[_Pair]) -> None:
        older, newer = self._sources
        older.load_many([pair.old for pair in pairs if pair.old is not None])
        newer.load_many([pair.new for pair in pairs if pair.new is not None])
        for pair in pairs:
            for before, after in differing_entries(older, newer, pair.old, pair.new):
                if before is not None:
                    self._see(Placed(before, pair.id, pair.above_old), OLD)
                if after is not None:
                    self._see(Placed(after, pair.id, pair.above_new), NEW)

    def _open(self, singles: list[tuple[int, _Single]]) -> None:
        self._load(singles)
        older, newer = self._sources
        for side, single in singles:
            if self._is_needless(side, single):
                continue  # it was met in one of those before it
            ref, id_, above = folder_ref(single.placed.entry), single.placed.entry.node_id, single.placed.path
            self._opened[side].add(id_)
            for sides in differing_entries(older, newer, *((None, ref) if side else (ref, None))):
                entry = sides[side]
                assert entry is not None
                self._see(Placed(entry, id_, above), side)

    def _load(self, singles: Sequence[tuple[int, _Single]]) -> list[Page]:
        """Load the first pages of folders together, those of the older side first."""
        pages: list[Page] = []
        for side, source in enumerate(self._sources):
            refs = [folder_ref(single.placed.entry) for of, single in singles if of == side]
            pages += source.load_many([ref for ref in refs if ref is not None])
        return pages

    def _next_singles(self) -> list[tuple[int, _Single]]:
        """Choose folders to open together.

        While both sides have some, the smallest first, and a large one alone: what has moved is soon found in a small
        one, before a large folder has to be opened that has only moved itself.
        """
        waiting = [side for side in (OLD, NEW) if self._tidied(side)]
        if not waiting:
            return []
        if len(waiting) == 1:
            return list(islice(self._taken(waiting[0]), FOLDERS_AT_ONCE))
        for side in waiting:
            self._weigh(side)
        chosen: list[tuple[int, _Single]] = []
        while len(chosen) < FOLDERS_AT_ONCE and any(self._weighed):
            side = min((side for side in (OLD, NEW) if self._weighed[side]), key=lambda side: self._weighed[side][0])
            if chosen and self._weighed[side][0].weight > SMALL_FOLDER:
                break
            chosen.append((side, heapq.heappop(self._weighed[side])))
        return chosen

    def _tidied(self, side: int) -> bool:
        """Let go of what need not be opened any more, as far as it stands in front; tell whether something is left."""
        aside, weighed = self._aside[side], self._weighed[side]
        while aside and self._is_needless(side, aside[0]):
            aside.popleft()
        while weighed and self._is_needless(side, weighed[0]):
            heapq.heappop(weighed)
        return bool(aside or weighed)

    def _taken(self, side: int) -> Iterator[tuple[int, _Single]]:
        """Take what waits on one side, in any order."""
        while self._tidied(side):
            yield side, (heapq.heappop(self._weighed[side]) if self._weighed[side] else self._aside[side].popleft())

    def _weigh(self, side: int) -> None:
        """Look at the first page of each folder that was put aside."""
        aside = self._aside[side]
        while some := [aside.popleft() for _ in range(min(FOLDERS_AT_ONCE, len(aside)))]:
            needed = [single for single in some if not self._is_needless(side, single)]
            for single, page in zip(needed, self._load([(side, single) for single in needed]), strict=True):
                weight = len(page.items) * MEAN_ITEMS**page.level
                heapq.heappush(self._weighed[side], single._replace(weight=weight))

    def _is_needless(self, side: int, single: _Single) -> bool:
        """Tell whether a folder was met on the other side, or opened, since it was put aside."""
        id_ = single.placed.entry.node_id
        return id_ in self._opened[side] or (id_ in self._seen[not side] and not single.is_due)

    # --- seeing -------------------------------------------------------------------------------------------------------

    def _see(self, placed: Placed, side: int) -> None:
        """Note where a node stands, and decide whether it has to be opened."""
        own, others = self._seen[side], self._seen[not side]
        id_ = placed.entry.node_id
        if id_ in own or id_ == TOP:
            if side == OLD:
                return  # it was refused when it was the newer tree, or out of sight: the first one stands
            raise _doubled(placed, own.get(id_))
        own[id_] = placed
        if len(own) + len(others) > MOST_CHANGES:
            raise too_many()
        refuse_too_deep(len(placed.above))
        twin = others.get(id_)
        if twin is None:
            self._put_aside(placed, side)
        else:
            self._meet(*((twin, placed) if side == NEW else (placed, twin)))

    def _meet(self, before: Placed, after: Placed) -> None:
        """Compare the inside of a node that is on both sides."""
        id_ = before.entry.node_id
        was_opened = id_ in self._opened[OLD] or id_ in self._opened[NEW]
        if not was_opened and self._is_open(before) and self._is_open(after):
            if before.entry.refs != after.entry.refs:
                old, new = folder_ref(before.entry), folder_ref(after.entry)
                self._pairs.append(_Pair(old, new, id_, before.path, after.path))
            return
        self._put_aside(before, OLD, is_due=True)
        self._put_aside(after, NEW, is_due=True)

    def _put_aside(self, placed: Placed, side: int, *, is_due: bool = False) -> None:
        """Keep a folder to be opened later."""
        if placed.entry.refs and self._is_open(placed):
            self._number += 1
            self._aside[side].append(_Single(0, self._number, placed, is_due))

    def _is_open(self, placed: Placed) -> bool:
        return placed.entry.kind == FOLDER and self._goes_down(placed)


def _depth(pair: Difference) -> int:
    """Count the folders above a node: where it is, or was."""
    placed = pair.after or pair.before
    return 0 if placed is None else len(placed.above)


def _differ(before: Placed | None, after: Placed | None) -> bool:
    """Tell whether a node is another now; neither the revision nor the way its content is stored counts."""
    if before is None or after is None:
        return True
    return before.parent != after.parent or _described(before.entry) != _described(after.entry)


def _described(entry: Entry) -> tuple[object, ...]:
    return entry.name, entry.kind, entry.size, entry.mtime_ns, entry.mode, entry.digest, entry.target, entry.ext


def _doubled(placed: Placed, first: Placed | None) -> IntegrityError:
    """Refuse a tree in which one node stands twice (sync.md 1.2): no honest change makes it so."""
    other = "" if first is None else f" and {shown((FILES, *first.path))}"
    return IntegrityError(f"{shown((FILES, *placed.path))}{other} pretend to be one and the same: remove one of them")
