"""Properties of the page tree: whatever the order of edits, the same entries lie in the same pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mega_cli.errors import IntegrityError
from mega_cli.formats import page
from mega_cli.formats.page import MAX_LEVELS, PAGE_MAX_BYTES, Entry, IndexItem, Page, decode_page, encode_page
from mega_cli.model import PAGE, Ref, blob_id
from mega_cli.volume.pagetree import Item, PageTree
from tests.kit.forge import entry, fixed, ref_for

KEY = fixed("page key")


@dataclass
class MemoryPages:
    """Pages in memory, named by their bytes, and how often they are touched."""

    page_key: bytes = KEY
    pages: dict[bytes, bytes] = field(default_factory=dict)
    loads: int = 0
    saves: int = 0

    def load_many(self, refs: Sequence[Ref]) -> list[Page]:
        """Decode pages as a reader of the volume does."""
        self.loads += len(refs)
        return [decode_page(self.pages[ref.id]) for ref in refs]

    def save(self, level: int, items: Sequence[Item]) -> Ref:
        """Keep a page under the hash of its bytes, so that equal pages have equal refs."""
        entries = [item for item in items if isinstance(item, Entry)]
        raw = encode_page(level, entries or [item for item in items if isinstance(item, IndexItem)])
        assert len(raw) <= PAGE_MAX_BYTES
        self.saves += 1
        id_ = blob_id(hashlib.sha256(raw).digest())
        self.pages[id_] = raw
        return Ref(id_, bytes(32), PAGE, len(raw))

    def edit(self, root: Ref | None, edits: dict[str, Entry | None]) -> Ref | None:
        """Edit a tree."""
        return PageTree(self, root).edit(dict(edits))

    def build(self, entries: dict[str, Entry]) -> Ref | None:
        """Build a tree from nothing."""
        return self.edit(None, dict(entries))


@pytest.fixture(autouse=True)
def _frequent_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a page after every third name, so that small folders have many pages and levels."""
    monkeypatch.setattr(page, "MEAN_ITEMS", 3)


NAMES = [f"{n:02}" for n in range(60)]
"""Few enough that edits meet."""
BULKS = [0, 0, 0, 5_000, 15_000, 30_000]
"""Bytes of an extension: two to thirteen such entries fill a page."""


def made(name: str, bulk: int, version: int) -> Entry:
    """Make an entry of about `bulk` bytes."""
    return entry(name, changed_in=version, ext={9: bytes(bulk)} if bulk else {})


entries_ = st.builds(made, st.sampled_from(NAMES), st.sampled_from(BULKS), st.integers(1, 3))
folders = st.lists(entries_, max_size=60).map(lambda found: {item.name: item for item in found})
edits_ = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.booleans(), st.sampled_from(BULKS), st.integers(1, 3)))


def applied(entries: dict[str, Entry], edits: dict[str, Entry | None]) -> dict[str, Entry]:
    """Do to a dict what an edit does to a tree."""
    both = {**entries, **edits}
    return {name: item for name, item in sorted(both.items()) if item is not None}


def drawn(edits: dict[str, tuple[bool, int, int]]) -> dict[str, Entry | None]:
    """Turn drawn values into edits."""
    return {name: None if gone else made(name, bulk, version) for name, (gone, bulk, version) in edits.items()}


@settings(max_examples=150, deadline=None)
@given(folders, st.lists(edits_, max_size=5))
@example(
    {"00": made("00", 15_000, 1), "12": made("12", 30_000, 1), "48": made("48", 30_000, 1)},
    [{"00": (False, 0, 1), "47": (False, 0, 1), "48": (False, 0, 1)}],  # a run that ends where the next begins
)
def test_edits_and_a_fresh_build_give_the_same_pages(
    start: dict[str, Entry], runs: list[dict[str, tuple[bool, int, int]]]
) -> None:
    """After every edit the root equals that of a tree built whole, which fixes every boundary and level."""
    store = MemoryPages()
    entries, root = dict(sorted(start.items())), store.build(start)
    for run in runs:
        edits = drawn(run)
        entries, root = applied(entries, edits), store.edit(root, edits)

        assert root == MemoryPages().build(entries)


@settings(max_examples=60, deadline=None)
@given(folders, edits_)
def test_a_tree_agrees_with_a_dict(start: dict[str, Entry], run: dict[str, tuple[bool, int, int]]) -> None:
    """Look-ups and walks find what a dict with the same edits holds."""
    store = MemoryPages()
    edits = drawn(run)
    expected = applied(start, edits)
    tree = PageTree(store, store.edit(store.build(start), edits))

    assert list(tree.entries()) == list(expected.values())
    assert {name: tree.lookup(name) for name in [*NAMES, "", "zz", "050"]} == {
        name: expected.get(name) for name in [*NAMES, "", "zz", "050"]
    }


def test_a_page_that_ended_for_size_takes_what_has_shrunk() -> None:
    """The first item of a page shrinks, and fits the page before it: the edit moves it there, as a build would."""
    names = _names_without_boundary(8)
    start = {name: made(name, 15_000, 1) for name in names}
    store = MemoryPages()
    first_of_second = _pages(store, store.build(start))[1][0]

    for edit in (made(first_of_second, 0, 2), None):
        changed = applied(start, {first_of_second: edit})
        assert store.edit(store.build(start), {first_of_second: edit}) == MemoryPages().build(changed)


@given(st.permutations(NAMES))
@settings(max_examples=20, deadline=None)
@example(NAMES)
@example(NAMES[::-1])
def test_deletions_lead_down_to_nothing(order: list[str]) -> None:
    """Entries removed one by one always leave the tree of the rest, and at last none."""
    store = MemoryPages()
    entries = {name: made(name, 0, 1) for name in NAMES}
    root = store.build(entries)
    for name in order:
        del entries[name]
        root = store.edit(root, {name: None})
        assert root == MemoryPages().build(entries)

    assert root is None


def test_an_edit_that_changes_nothing_saves_nothing() -> None:
    """Setting what stands there and removing what does not keep the root, and no page is sealed."""
    store = MemoryPages()
    entries = {name: made(name, 0, 1) for name in NAMES}
    root = store.build(entries)
    store.saves = 0

    assert store.edit(root, {"07": entries["07"], "zz": None}) == root
    assert store.edit(root, {}) == root
    assert store.saves == 0


def test_an_edit_of_a_large_folder_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 20,000 entries one edit saves about one page a level and loads a path, however the pages fall."""
    monkeypatch.setattr(page, "MEAN_ITEMS", 32)
    store = MemoryPages()
    root = store.build({f"{n:05}": entry(f"{n:05}") for n in range(20_000)})
    assert root is not None
    depth = decode_page(store.pages[root.id]).level + 1
    for n in range(0, 20_000, 999):
        for edits in ({f"{n:05}": None}, {f"{n:05}x": entry(f"{n:05}x")}, {f"{n:05}": entry(f"{n:05}", mode=0)}):
            store.loads = store.saves = 0
            store.edit(root, dict(edits))
            assert store.saves <= 3 * depth
            assert store.loads <= 5 * depth**2
    assert 3 <= depth <= 5


def test_a_page_never_exceeds_its_limit() -> None:
    """Entries with the longest link targets share pages of at most 65,536 bytes; the store checks each."""
    names = _names_without_boundary(100)
    target = "é" * page.TARGET_MOST_CHARS
    links = {name: entry(name, kind=page.LINK, digest=b"", target=target) for name in names}
    store = MemoryPages()
    root = store.build(links)

    assert list(PageTree(store, root).entries()) == [links[name] for name in sorted(links)]
    assert len(_pages(store, root)) >= 100 * 2 * page.TARGET_MOST_CHARS // PAGE_MAX_BYTES


def test_the_last_level_is_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hash ends a page after every item of every level, the eighth level is the root all the same."""
    monkeypatch.setattr("mega_cli.volume.pagetree.ends_page", lambda _name, _level, _key: True)
    store = MemoryPages()
    entries = {name: made(name, 0, 1) for name in NAMES}
    root = store.build(entries)
    assert root is not None

    assert decode_page(store.pages[root.id]).level == MAX_LEVELS - 1
    assert store.edit(root, {"07": None}) == MemoryPages().build(applied(entries, {"07": None}))


def test_an_index_page_is_cut_for_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long first names fill an index page before the hash ends it, and edits still agree with a build."""
    monkeypatch.setattr("mega_cli.volume.pagetree.ends_page", lambda _name, level, _key: level == 0)
    entries = {f"{n:03}" + "x" * 252: entry(f"{n:03}" + "x" * 252) for n in range(500)}
    store = MemoryPages()
    root = store.build(entries)
    assert root is not None
    assert decode_page(store.pages[root.id]).level == 2  # 500 items of 340 bytes need several pages
    for name in list(entries)[::7]:
        del entries[name]
        root = store.edit(root, {name: None})
    assert root == MemoryPages().build(entries)


class LyingPages(MemoryPages):
    """A store whose answers a test replaces."""

    def lie(self, ref: Ref, level: int, items: list[Item]) -> None:
        """Answer `ref` with another page."""
        self.pages[ref.id] = self.pages[MemoryPages.save(self, level, items).id]


def _children(store: LyingPages) -> Iterator[tuple[str, Ref, Ref]]:
    """Give the first name, the root and the ref of each page below the root of a new tree."""
    root = store.build({name: made(name, 0, 1) for name in NAMES})
    assert root is not None
    for item in decode_page(store.pages[root.id]).items:
        assert isinstance(item, IndexItem)
        yield item.first, root, Ref.unpack(item.ref)


@pytest.mark.parametrize("lie", ["first name", "level", "beyond the bound", "lonely child"])
def test_a_page_in_another_place_is_refused(lie: str) -> None:
    """A verified page that is not where its index says, which a key holder could commit, is refused by every reader."""
    store = LyingPages()
    first, root, child = next(_children(store))
    level, items = decode_page(store.pages[child.id])
    changed: list[Item] = list(items)
    if lie == "first name":
        store.lie(child, level, _renamed(changed, first + "0"))
    elif lie == "level":
        store.lie(child, level + 1, [IndexItem(first, ref_for("x", PAGE, 1).pack())])
    elif lie == "beyond the bound":
        ref = ref_for("x", PAGE, 1).pack()
        store.lie(child, level, [*changed, IndexItem("zz", ref) if level else entry("zz")])
    else:
        store.lie(root, decode_page(store.pages[root.id]).level, [IndexItem(first, child.pack())])
    tree = PageTree(store, root)

    with pytest.raises(IntegrityError):
        tree.lookup(first)
    with pytest.raises(IntegrityError):
        list(tree.entries())
    with pytest.raises(IntegrityError):
        tree.edit({first: None})


def _renamed(items: list[Item], first: str) -> list[Item]:
    """Give the first item another key."""
    head = items[0]
    renamed = head.replace(name=first) if isinstance(head, Entry) else IndexItem(first, head.ref)
    return [renamed, *items[1:]]


def _names_without_boundary(count: int) -> list[str]:
    """Find names after which no page ends by its hash."""
    candidates = (f"{n:05}" for n in range(count * 100))
    found = [name for name in candidates if not page.ends_page(name, 0, KEY)]
    return found[:count]


def _pages(store: MemoryPages, root: Ref | None) -> list[list[str]]:
    """List the names in each page of level 0."""
    assert root is not None
    level, items = decode_page(store.pages[root.id])
    if level == 0:
        return [[item.name for item in items if isinstance(item, Entry)]]
    index = [item for item in items if isinstance(item, IndexItem)]
    return [names for item in index for names in _pages(store, Ref.unpack(item.ref))]
