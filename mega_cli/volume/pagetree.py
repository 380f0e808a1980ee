"""A folder as a search tree of pages: look up, walk and edit, loading only the pages that are touched.

The same entries always give the same page boundaries, whatever the order of edits (crypto.md 3): a page ends where
a keyed hash of a name says so, so an edit re-cuts items only until a page ends where an old page ended.
Pure but for the `PageSource` or `PageStore` it is given. Names compare as `str`: code-point order, as UTF-8 bytes do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mega_cli.errors import IntegrityError
from mega_cli.formats.page import MAX_LEVELS, PAGE_MAX_BYTES, Entry, IndexItem, Page, ends_page, item_bytes, page_bytes
from mega_cli.model import Ref

Item = Entry | IndexItem
Edits = Mapping[str, Item | None]
"""Key → the item that shall stand there, or None to remove it."""


class PageSource(Protocol):
    """Where pages come from. A loaded page is verified and canonical."""

    def load_many(self, refs: Sequence[Ref]) -> list[Page]:
        """Load pages, in the order of `refs`. Raises IntegrityError when one does not verify."""


class PageStore(PageSource, Protocol):
    """Where pages go to as well. A saved one is sealed at once."""

    page_key: bytes

    def save(self, level: int, items: Sequence[Item]) -> Ref:
        """Seal a page and give its ref."""


def key_of(item: Item) -> str:
    """Give what an item is sorted by."""
    return item.name if isinstance(item, Entry) else item.first


@dataclass(slots=True)
class _Span:
    """One old page of a level: where it starts, what it holds, where the next one starts (None: it is the last)."""

    first: str
    items: Sequence[Item]
    below: str | None
    ref: Ref


class PageReader:
    """The pages of one folder, by its root ref (None: an empty folder), to look into."""

    def __init__(self, source: PageSource, root: Ref | None) -> None:
        self._source = source
        self._root = root

    def lookup(self, name: str) -> Entry | None:
        """Find an entry by its exact name, loading one page a level."""
        if self._root is None:
            return None
        items = self._find(0, name).items
        at = bisect_right(items, name, key=key_of) - 1
        if at < 0:
            return None
        found = items[at]
        return found if isinstance(found, Entry) and found.name == name else None

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in order, loading the pages of a level in batches."""
        if self._root is None:
            return
        yield from _walk(self._source, self.load_root(self._root))

    def load_root(self, ref: Ref) -> Page:
        """Load the root page: the first level that has one page, so an index there has two items or more."""
        (page,) = self._source.load_many([ref])
        if page.level > 0 and len(page.items) < 2:  # noqa: PLR2004 -- an index of one page would not be needed
            raise IntegrityError
        return page

    def _find(self, level: int, key: str, *, is_before: bool = False) -> _Span:
        """Descend to the page of `level` that holds `key` or would; `is_before`: the last one that starts below it."""
        assert self._root is not None
        bisect = bisect_left if is_before else bisect_right
        ref, below = self._root, None
        page = self.load_root(ref)
        while page.level > level:
            at = max(0, bisect(page.items, key, key=key_of) - 1)
            item = page.items[at]
            assert isinstance(item, IndexItem)
            if at + 1 < len(page.items):
                below = key_of(page.items[at + 1])
            ref = Ref.unpack(item.ref)
            (child,) = self._source.load_many([ref])
            check_place(child, page.level - 1, item.first, below)
            page = child
        return _Span(key_of(page.items[0]), page.items, below, ref)


class PageTree(PageReader):
    """The pages of one folder, to look into and to edit."""

    def __init__(self, store: PageStore, root: Ref | None) -> None:
        super().__init__(store, root)
        self._store = store

    def edit(self, edits: Edits) -> Ref | None:
        """Apply edits and give the new root (None when nothing is left). Unchanged pages keep their refs."""
        if not edits:
            return self._root
        if self._root is None:
            items = [edits[key] for key in sorted(edits)]
            return self._build_up(0, _cut(0, [item for item in items if item is not None], self._store.page_key))
        top_page = self.load_root(self._root)
        top = top_page.level
        for level in range(top):
            edits = self._edit_level(level, edits)
            if not edits:
                return self._root
        merged = _merge(top_page.items, sorted(edits.items()))
        if merged == list(top_page.items):
            return self._root
        return self._build_up(top, _cut(top, merged, self._store.page_key))

    def _build_up(self, level: int, pages: list[list[Item]]) -> Ref | None:
        """Seal whole levels upwards until one page is left: the root."""
        while len(pages) > 1:
            index: list[Item] = [IndexItem(key_of(items[0]), self._store.save(level, items).pack()) for items in pages]
            level += 1
            pages = _cut(level, index, self._store.page_key)
        if not pages:
            return None
        return self._collapse(level, pages[0])

    def _collapse(self, level: int, items: Sequence[Item]) -> Ref:
        """Make the first level that has one page the root: an index of one item is its child."""
        child: Ref | None = None
        while level > 0 and len(items) == 1:
            only = items[0]
            assert isinstance(only, IndexItem)
            child = Ref.unpack(only.ref)
            (page,) = self._store.load_many([child])
            level, items = page.level, page.items
        return child or self._store.save(level, items)

    def _edit_level(self, level: int, edits: Edits) -> dict[str, Item | None]:
        """Re-cut the pages that edits touch; give the edits that follow for the level above."""
        above: dict[str, Item | None] = {}
        todo = sorted(edits.items())
        at = 0
        end_of_last_run: str | None = None
        while at < len(todo):
            span = self._start(level, todo[at][0], end_of_last_run)
            old: dict[str, _Span] = {}
            cutter = _Cutter(level, self._store.page_key)
            while True:
                old[span.first] = span
                end = at
                while end < len(todo) and (span.below is None or todo[end][0] < span.below):
                    end += 1
                for item in _merge(span.items, todo[at:end]):
                    cutter.add(item)
                at = end
                if span.below is None or cutter.is_between_pages:
                    break
                span = self._find(level, span.below)
            end_of_last_run = span.below
            above.update(dict.fromkeys(old))
            for items in cutter.finish():
                first = key_of(items[0])
                before = old.get(first)
                if before is not None and list(before.items) == items:
                    del above[first]
                else:
                    above[first] = IndexItem(first, self._store.save(level, items).pack())
        return above

    def _start(self, level: int, key: str, end_of_last_run: str | None) -> _Span:
        """Find the page where re-cutting begins so that an edit of `key` gives the pages of a fresh build.

        A page that ended only because the next item did not fit may take that item once it shrinks or goes. The page
        before was re-cut already when the last run ended here, and it ended by the hash.
        """
        span = self._find(level, key)
        if key == span.first and key != end_of_last_run:
            before = self._find(level, key, is_before=True)
            if before.first < key and not _ends_page(before.items[-1], level, self._store.page_key):
                return before
        return span


def _walk(source: PageSource, page: Page, below: str | None = None) -> Iterator[Entry]:
    """Yield the entries beneath a page in order; children are loaded together."""
    if page.level == 0:
        for entry in page.items:
            assert isinstance(entry, Entry)
            yield entry
        return
    index = [item for item in page.items if isinstance(item, IndexItem)]
    children = source.load_many([Ref.unpack(item.ref) for item in index])
    bounds = [*(item.first for item in index[1:]), below]
    for item, child, bound in zip(index, children, bounds, strict=True):
        check_place(child, page.level - 1, item.first, bound)
        yield from _walk(source, child, bound)


def check_place(page: Page, level: int, first: str, below: str | None) -> None:
    """Refuse a page that is not where its index says: another level, first name, or a name of the next page."""
    if page.level != level or key_of(page.items[0]) != first:
        raise IntegrityError
    if below is not None and key_of(page.items[-1]) >= below:
        raise IntegrityError


def _merge(items: Sequence[Item], edits: Sequence[tuple[str, Item | None]]) -> list[Item]:
    """Apply sorted edits to sorted items."""
    if not edits:
        return list(items)
    by_key: dict[str, Item | None] = {key_of(item): item for item in items}
    by_key.update(edits)
    return [item for _, item in sorted(by_key.items()) if item is not None]


def _ends_page(item: Item, level: int, page_key: bytes) -> bool:
    """Tell whether the hash ends a page after `item`: never on the last level, or an unlucky folder had no root."""
    return level < MAX_LEVELS - 1 and ends_page(key_of(item), level, page_key)


class _Cutter:
    """Cut a run of sorted items into pages, starting at a page's start."""

    def __init__(self, level: int, page_key: bytes) -> None:
        self._level = level
        self._page_key = page_key
        self._done: list[list[Item]] = []
        self._open: list[Item] = []
        self._open_bytes = 0

    @property
    def is_between_pages(self) -> bool:
        """Say whether the last item added ended a page."""
        return not self._open

    def add(self, item: Item) -> None:
        """Take the next item."""
        size = item_bytes(item)
        if self._open and page_bytes(len(self._open) + 1, self._open_bytes + size) > PAGE_MAX_BYTES:
            self._close()
        self._open.append(item)
        self._open_bytes += size
        if _ends_page(item, self._level, self._page_key):
            self._close()

    def finish(self) -> list[list[Item]]:
        """Close the last page and give all of them, in order."""
        if self._open:
            self._close()
        return self._done

    def _close(self) -> None:
        self._done.append(self._open)
        self._open, self._open_bytes = [], 0


def _cut(level: int, items: Iterable[Item], page_key: bytes) -> list[list[Item]]:
    """Cut a whole level into pages."""
    if level >= MAX_LEVELS:
        msg = "a folder cannot have so many levels of pages"
        raise AssertionError(msg)
    cutter = _Cutter(level, page_key)
    for item in items:
        cutter.add(item)
    return cutter.finish()
