"""Compare the pages of two folders: only pages that are not in both are opened, at every level.

Equal entries lie in equal pages (crypto.md 3), and an unchanged page keeps its ref, so the cost follows the change.
Nothing here goes down into subfolders: that is `diff.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from mega_cli.errors import IntegrityError, LimitError
from mega_cli.formats.page import Entry, IndexItem, Page
from mega_cli.model import Ref
from mega_cli.volume.pagetree import Item, PageReader, PageSource, check_place, key_of

MOST_CHANGES: Final = 2_000_000
"""Entries that one comparison looks at, of both sides together: each takes some 0.7 KB until the end."""
_PAGES_AT_ONCE: Final = 256

Differing = tuple[Entry | None, Entry | None]
"""What stands under one name in the older folder and in the newer one; never equal."""


class PagesGoneError(IntegrityError):
    """A page of the older tree cannot be had any more: the newer one can only be listed whole."""


class OlderPages:
    """The pages of the older tree: nobody relies on them any more, so one that is missing is no sign of an attack."""

    def __init__(self, source: PageSource) -> None:
        self._source = source

    def load_many(self, refs: Sequence[Ref]) -> list[Page]:
        """Load pages. Raises PagesGoneError."""
        try:
            return self._source.load_many(refs)
        except IntegrityError as error:
            raise PagesGoneError from error


def differing_entries(older: OlderPages, newer: PageSource, old: Ref | None, new: Ref | None) -> Iterator[Differing]:
    """Yield what differs between two folders, by name; None is a folder without entries.

    Raises PagesGoneError, IntegrityError, LimitError for a folder of too many entries.
    """
    if old == new:
        return
    if old is None or new is None:
        for entry in PageReader(older, old).entries():
            yield entry, None
        for entry in PageReader(newer, new).entries():
            yield None, entry
        return
    one, other = _Side(older, old), _Side(newer, new)
    while one.level or other.level:
        if one.level == other.level:
            common = one.refs() & other.refs()
            one.drop(common)
            other.drop(common)
        level = max(one.level, other.level)
        for side in (one, other):
            if side.level == level:
                side.go_down()
    before, after = one.entries(), other.entries()
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield before.get(name), after.get(name)


class _Side:
    """What is left of one folder, at one level of its pages; with each item, the first name after what it holds."""

    def __init__(self, source: PageSource, root: Ref) -> None:
        page = PageReader(source, root).load_root(root)
        self._source = source
        self.level = page.level
        self._items = list(_bounded(page.items, None))

    def refs(self) -> set[bytes]:
        """Give the refs of the pages below."""
        return {item.ref for item, _ in self._items if isinstance(item, IndexItem)}

    def drop(self, refs: set[bytes]) -> None:
        """Forget the pages that the other side has as well."""
        self._items = [pair for pair in self._items if not (isinstance(pair[0], IndexItem) and pair[0].ref in refs)]

    def go_down(self) -> None:
        """Open the pages below. Raises LimitError."""
        todo = iter(self._items)
        self._items = []
        self.level -= 1
        while some := [(item, below) for item, below in islice(todo, _PAGES_AT_ONCE) if isinstance(item, IndexItem)]:
            pages = self._source.load_many([Ref.unpack(item.ref) for item, _ in some])
            for (item, below), page in zip(some, pages, strict=True):
                check_place(page, self.level, item.first, below)
                self._items += _bounded(page.items, below)
            if len(self._items) > MOST_CHANGES:
                raise too_many()

    def entries(self) -> dict[str, Entry]:
        """Give the entries, once they are reached."""
        return {item.name: item for item, _ in self._items if isinstance(item, Entry)}


def too_many() -> LimitError:
    """Make the error for a comparison that would not end."""
    return LimitError(f"more than {MOST_CHANGES:,} entries differ or are new", "choose a folder further down")


def _bounded(items: Sequence[Item], below: str | None) -> Iterable[tuple[Item, str | None]]:
    return zip(items, [*map(key_of, items[1:]), below], strict=True)
