"""What differs between two states of a folder: everything that does, once, and nothing that does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mega_cli.errors import IntegrityError, LimitError
from mega_cli.formats import page
from mega_cli.formats.page import FILE, FOLDER
from mega_cli.model import PAGE, Ref
from mega_cli.volume import diff as diff_module
from mega_cli.volume import page_diff
from mega_cli.volume.depth import MOST_FOLDERS
from mega_cli.volume.diff import TOP, Placed, diff_folders
from mega_cli.volume.edits import apply_edits
from mega_cli.volume.page_diff import PagesGoneError
from mega_cli.volume.pagetree import PageTree
from tests.kit.forge import entry, fixed, page_of, ref_for
from tests.unit.volume.trees import (
    IDS,
    MemoryPages,
    Model,
    Spot,
    changed,
    edits_between,
    models,
    path_in,
    tree_over,
    write_model,
    written,
)


@pytest.fixture(autouse=True)
def _frequent_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a page after every third name, so that small folders have many pages and levels."""
    monkeypatch.setattr(page, "MEAN_ITEMS", 3)


def seen(placed: Placed) -> Spot:
    """Put an entry into the words of a model."""
    return Spot(placed.parent, placed.entry.name, placed.entry.kind, placed.entry.mtime_ns)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_comparison_tells_what_makes_one_state_the_other(data: st.DataObject) -> None:
    """Applied to the older state, the differences give the newer one; each node is one difference, and differs."""
    old = data.draw(models())
    new = data.draw(changed(old))
    pages = MemoryPages()
    before, after = write_model(pages, old), write_model(pages, new)

    found = diff_folders(pages, before, after)

    result = dict(old)
    for one, other in found:
        placed = other or one
        assert placed is not None
        id_ = placed.entry.node_id
        assert (None if one is None else seen(one)) == old.get(id_)
        assert (None if other is None else seen(other)) == new.get(id_) != old.get(id_)
        assert placed.path == path_in(old if other is None else new, id_)
        if other is None:
            del result[id_]
        else:
            result[id_] = seen(other)
    assert result == new


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_what_was_edited_in_place_is_compared_as_well(data: st.DataObject) -> None:
    """Where pages are shared, as after a real edit, the differences are the same as between unrelated pages."""
    old = data.draw(models())
    new = data.draw(changed(old))
    pages = MemoryPages()
    before = write_model(pages, old)
    after = edited(pages, before, old, new)

    apart = diff_folders(pages, write_model(pages, old), write_model(pages, new))

    assert sorted(map(spots, diff_folders(pages, before, after))) == sorted(map(spots, apart))


def spots(pair: diff_module.Difference) -> str:
    """Write a difference down, to compare it."""
    return repr([None if placed is None else (placed.entry.node_id, seen(placed)) for placed in pair])


def edited(pages: MemoryPages, root: Ref | None, old: Model, new: Model) -> Ref | None:
    """Make one state out of the other by edits."""
    tree = tree_over(pages, root)
    apply_edits(tree, ("files",), edits_between(old, new), 1_000)
    return written(pages, tree)


def folder(pages: MemoryPages, count: int, start: int = 0) -> Ref:
    """Write a folder of many files."""
    names = [f"{number:05}" for number in range(start, start + count)]
    ref = PageTree(pages, None).edit({name: entry(name, node_id=fixed(f"node {name}", 16)) for name in names})
    assert ref is not None
    return ref


def inside(name: str, ref: Ref | None, node: str = "") -> page.Entry:
    """Make a folder's entry."""
    node_id = fixed(f"folder {node or name}", 16)
    return entry(name, node_id=node_id, kind=FOLDER, digest=b"", refs=ref.pack() if ref else b"")


def test_equal_folders_are_not_opened() -> None:
    """One ref on both sides costs nothing, however much lies below."""
    pages = MemoryPages()
    root = folder(pages, 100)
    pages.loaded.clear()

    assert diff_folders(pages, root, root) == []
    assert pages.loaded == []


def test_the_cost_follows_the_change() -> None:
    """One file of a thousand: the pages on its way, on both sides, and no others."""
    pages = MemoryPages()
    before = folder(pages, 1_000)
    after = PageTree(pages, before).edit({"00500": entry("00500", node_id=fixed("node 00500", 16), size=0, mtime_ns=1)})
    pages.loaded.clear()

    (found,) = diff_folders(pages, before, after)

    assert found.after is not None
    assert found.after.entry.mtime_ns == 1
    assert len(set(pages.loaded)) <= 2 * page.MAX_LEVELS
    assert len(pages.pages) > 300


@pytest.mark.parametrize("deeper", [False, True])
def test_a_folder_that_moved_is_not_opened(*, deeper: bool) -> None:
    """It is one difference, at its new place; of what lies in it no more than the first page is loaded."""
    pages = MemoryPages()
    large = folder(pages, 1_000)
    old = PageTree(pages, None).edit({"old": inside("old", large, "x"), "y": inside("y", None)})
    below = PageTree(pages, None).edit({"new": inside("new", large, "x")})
    new = {"y": inside("y", None), "z": inside("z", below)} if deeper else {"y": inside("y", below)}
    after = PageTree(pages, None).edit(dict(new))
    pages.loaded.clear()

    found = [pair for pair in diff_folders(pages, old, after) if pair.before is not None]

    assert [pair.after.path for pair in found if pair.after is not None] == [("z" if deeper else "y", "new")]
    assert len(set(pages.loaded)) <= len(["before", "after", "below", "first page"])
    assert len(pages.pages) > 300


def test_a_folder_that_moved_and_changed_is_compared_with_itself() -> None:
    """The move is told, and the change in it, and nothing else of what it holds."""
    pages = MemoryPages()
    large = folder(pages, 300)
    changed_inside = PageTree(pages, large).edit({"new file": entry("new file")})
    old = PageTree(pages, None).edit({"old": inside("old", large, "x")})
    new = PageTree(pages, None).edit({"new": inside("new", changed_inside, "x")})

    found = [pair.after.path for pair in diff_folders(pages, old, new) if pair.after is not None]

    assert found == [("new",), ("new", "new file")]


def test_of_a_folder_that_is_gone_everything_is_told_but_what_moved_out() -> None:
    """The folder, then what was in it."""
    pages = MemoryPages()
    root = write_model(
        pages, {IDS[0]: Spot(TOP, "a", FOLDER), IDS[1]: Spot(IDS[0], "b", FILE), IDS[2]: Spot(IDS[0], "c", FILE)}
    )
    moved = write_model(pages, {IDS[2]: Spot(TOP, "c", FILE)})

    found = [
        (pair.before and pair.before.path, pair.after and pair.after.path) for pair in diff_folders(pages, root, moved)
    ]

    assert sorted(found, key=repr) == [(("a", "b"), None), (("a", "c"), ("c",)), (("a",), None)]


def test_a_folder_that_is_refused_is_told_and_not_opened() -> None:
    """Nothing in it is a difference."""
    pages = MemoryPages()
    root = write_model(pages, {IDS[0]: Spot(TOP, "a", FOLDER), IDS[1]: Spot(IDS[0], "b", FILE)})

    found = diff_folders(pages, None, root, goes_down=lambda placed: placed.entry.name != "a")

    assert [pair.after.path for pair in found if pair.after is not None] == [("a",)]


def test_a_folder_that_is_refused_from_now_on_loses_what_it_held() -> None:
    """To who does not look into it any more, what was in it is gone."""
    pages = MemoryPages()
    old = write_model(pages, {IDS[0]: Spot(TOP, "a", FOLDER), IDS[1]: Spot(IDS[0], "b", FILE)})
    new = write_model(pages, {IDS[0]: Spot(TOP, "x", FOLDER), IDS[1]: Spot(IDS[0], "b", FILE)})

    found = diff_folders(pages, old, new, goes_down=lambda placed: placed.entry.name != "x")

    assert [pair.before.path for pair in found if pair.before and pair.after is None] == [("a", "b")]


def test_a_missing_page_of_the_older_state_has_an_error_of_its_own() -> None:
    """Nobody owes it to us: the caller lists the newer state whole instead."""
    pages = MemoryPages()
    old, new = folder(pages, 10), folder(pages, 11)
    del pages.pages[old.id]

    with pytest.raises(PagesGoneError):
        diff_folders(pages, old, new)


def test_a_missing_page_of_the_newer_state_is_an_integrity_error() -> None:
    """A verified root relies on it, so it is no PagesGoneError."""
    pages = MemoryPages()
    new = PageTree(pages, None).edit({"a": inside("a", ref_for("nowhere", PAGE, 100))})

    with pytest.raises(IntegrityError) as caught:
        diff_folders(pages, None, new)

    assert not isinstance(caught.value, PagesGoneError)


def test_a_page_stands_only_where_its_index_says() -> None:
    """Two pages that changed places in the newer index are refused, as a look-up refuses them."""
    pages = MemoryPages()
    first, second = (pages.save(0, [entry(name, node_id=fixed(name, 16))]) for name in ("a", "b"))
    new = pages.save(1, [page.IndexItem("a", second.pack()), page.IndexItem("b", first.pack())])

    with pytest.raises(IntegrityError):
        diff_folders(pages, folder(pages, 10), new)


def test_one_node_in_two_places_is_refused() -> None:
    """No honest change makes such a tree (sync.md 1.2)."""
    pages = MemoryPages()
    twin = {name: entry(name, node_id=IDS[0]) for name in ("a", "b")}

    with pytest.raises(IntegrityError):
        diff_folders(pages, None, PageTree(pages, None).edit(dict(twin)))


def test_a_node_with_the_id_of_the_top_is_refused() -> None:
    """It would be its own parent."""
    pages = MemoryPages()

    with pytest.raises(IntegrityError):
        diff_folders(pages, None, PageTree(pages, None).edit({"a": entry("a", node_id=TOP)}))


def test_folders_without_end_are_refused_without_recursion() -> None:
    """Two thousand in one another are compared; one more is a clear error (T74)."""
    pages = MemoryPages()
    ref: Ref | None = None
    for depth in range(MOST_FOLDERS + 2):
        ref = PageTree(pages, None).edit({"d": inside("d", ref, str(depth))})

    with pytest.raises(LimitError, match="deep"):
        diff_folders(pages, None, ref)


@pytest.mark.parametrize("is_old", [False, True])
def test_endless_folders_are_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch, *, is_old: bool) -> None:
    """Whichever side they are on, and whether or not there is another side (T74)."""
    monkeypatch.setattr(page_diff, "MOST_CHANGES", 50)
    monkeypatch.setattr(diff_module, "MOST_CHANGES", 50)
    pages = MemoryPages()
    large, small = folder(pages, 60), folder(pages, 2, 100)

    with pytest.raises(LimitError, match="more than"):
        diff_folders(pages, *((large, None) if is_old else (None, large)))
    with pytest.raises(LimitError, match="more than"):
        diff_folders(pages, *((large, small) if is_old else (small, large)))


def test_a_name_of_64_kib_is_refused() -> None:
    """A page that holds one never verifies (T74)."""
    pages = MemoryPages()
    id_ = ref_for("long", PAGE, 65_000)
    pages.pages[id_.id] = page_of([entry("n" * 65_000)])

    with pytest.raises(IntegrityError):
        diff_folders(pages, None, id_)
