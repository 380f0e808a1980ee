"""Walk all that lies below a folder, within limits no honest volume meets: for `ls -r`, `tree`, `find` and `du`.

Whoever wrote the tree may be hostile (attacks.md T41, T74): one page may stand under many folders, so that forty pages
unfold to 2^40 entries. Memory never grows with the tree: one open folder a level, and a fixed table of counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from mega_cli.errors import LimitError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.model import Ref
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagestore import OpenedPages
from mega_cli.volume.pagetree import PageReader
from mega_cli.volume.tree import folder_ref

MOST_ENTRIES: Final = 10_000_000
"""Entries of one walk: ten times the volumes we measure; about a minute of listing, and no memory."""
MOST_REPEATS: Final = 100
"""How often one walk may enter one page. Ours seal every folder's page with a fresh key and a copy writes new pages, so
an honest tree leads to each page once, or twice where a large put met a move; what unfolds leads there without end."""
FOLDERS_AT_ONCE: Final = 256
"""Subfolders whose pages are asked for together."""
_PLACES: Final = 1 << 20


class Step(NamedTuple):
    """One entry on the way: a folder comes before what it holds."""

    path: str
    """From the folder where the walk began; no leading slash."""
    depth: int
    """1 for what lies in that folder itself."""
    entry: Entry
    is_last: bool
    """Whether its folder holds nothing after it, skipped or not."""


class WalkLimits:
    """The counts of one walk: entries, and how often each page was entered (a count-min sketch of 2 MiB).

    Two tables, indexed by independent bits of a SHA-256: a count is too high only where both places are shared, which
    in ten million folders makes an honest walk fail with a chance far below one in a million.
    """

    def __init__(self) -> None:
        self._tables = (bytearray(_PLACES), bytearray(_PLACES))
        self._entries = 0

    def count_entry(self) -> None:
        """Count one entry. Raises LimitError."""
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise LimitError(
                f"there are more than {MOST_ENTRIES:,} entries below this folder", "name a folder further down"
            )

    def enter(self, page: Ref | None) -> None:
        """Count that a folder is opened. Raises LimitError when its page was opened too often."""
        if page is None:
            return
        first, second = int.from_bytes(page.id[:4]) % _PLACES, int.from_bytes(page.id[4:8]) % _PLACES
        one, other = self._tables
        if min(one[first], other[second]) >= MOST_REPEATS:
            raise LimitError(
                f"one folder lies in more than {MOST_REPEATS} places at once: this tree was made to have no end",
                "nothing honest looks like this; list it folder by folder: mega ls PATH",
            )
        one[first] = min(one[first] + 1, MOST_REPEATS)
        other[second] = min(other[second] + 1, MOST_REPEATS)


@dataclass(slots=True)
class _Open:
    prefix: str
    entries: Iterator[Entry]
    upcoming: Entry | None


def walk(
    pages: OpenedPages,
    folder: Entry,
    *,
    most_depth: int | None = None,
    prefix: str = "",
    skips: Callable[[str, Entry], bool] = lambda _path, _entry: False,
) -> Iterator[Step]:
    """Yield what lies below `folder`, in name order, as deep as `most_depth` (None: all of it).

    Every path begins with `prefix`; an entry that `skips` names is left out, with all below it. Raises LimitError where
    there is too much or it lies too deep, IntegrityError where a page does not verify.
    """
    limits = WalkLimits()
    open_folders = [_open(pages, prefix, folder, goes_down=most_depth != 1)]
    while open_folders:
        at = open_folders[-1]
        entry, depth = at.upcoming, len(open_folders)
        if entry is None:
            open_folders.pop()
            continue
        at.upcoming = next(at.entries, None)
        limits.count_entry()
        path = at.prefix + entry.name
        if skips(path, entry):
            continue
        yield Step(path, depth, entry, at.upcoming is None)
        if entry.kind == FOLDER and depth != most_depth:
            refuse_too_deep(depth)
            limits.enter(folder_ref(entry))
            open_folders.append(_open(pages, f"{path}/", entry, goes_down=most_depth is None or depth + 1 < most_depth))


def _open(pages: OpenedPages, prefix: str, folder: Entry, *, goes_down: bool) -> _Open:
    entries = _entries(pages, folder, goes_down=goes_down)
    return _Open(prefix, entries, next(entries, None))


def _entries(pages: OpenedPages, folder: Entry, *, goes_down: bool) -> Iterator[Entry]:
    """Yield a folder's entries, after asking for the pages of many of its subfolders at once if they are wanted."""
    entries = PageReader(pages, folder_ref(folder)).entries()
    if not goes_down:
        yield from entries
        return
    while some := list(islice(entries, FOLDERS_AT_ONCE)):
        pages.load_many([ref for entry in some if entry.kind == FOLDER and (ref := folder_ref(entry)) is not None])
        yield from some
