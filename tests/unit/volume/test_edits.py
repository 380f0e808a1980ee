"""Many edits of a folder at once: in any order they give the tree that is wanted, and nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mega_cli.errors import SafetyStopError
from mega_cli.formats import page
from mega_cli.formats.page import EXT_TRASHED_AT, EXT_TRASHED_FROM, FILE, FOLDER, Entry
from mega_cli.model import Ref
from mega_cli.volume.diff import TOP
from mega_cli.volume.edits import NodeEdit, apply_edits
from mega_cli.volume.pagetree import PageTree
from tests.kit.forge import entry, fixed
from tests.unit.volume.trees import (
    IDS,
    MemoryPages,
    Model,
    Spot,
    changed,
    edit_of,
    edits_between,
    models,
    read_model,
    tree_over,
    write_model,
    written,
)


@pytest.fixture(autouse=True)
def _frequent_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a page after every third name, so that small folders have many pages and levels."""
    monkeypatch.setattr(page, "MEAN_ITEMS", 3)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_edits_give_the_tree_that_is_wanted(data: st.DataObject) -> None:
    """Whatever moved, in circles too, in whatever order it is told; what was removed lies in the trash."""
    old = data.draw(models())
    new = data.draw(changed(old))
    pages = MemoryPages()
    tree = tree_over(pages, write_model(pages, old))

    kept = apply_edits(tree, ("files",), data.draw(st.permutations(edits_between(old, new))), 1_000)

    assert not kept
    assert read_model(pages, written(pages, tree)) == new
    assert read_model(pages, written(pages, tree, "trash")).keys() == old.keys() - new.keys()


def after(old: Model, edits: list[NodeEdit]) -> tuple[Model, list[Entry], bool]:
    """Edit a model; give what is there then, what lies in the trash, and whether a folder was kept."""
    pages = MemoryPages()
    tree = tree_over(pages, write_model(pages, old))
    kept = apply_edits(tree, ("files",), edits, 1_000)
    return read_model(pages, written(pages, tree)), list(PageTree(pages, written(pages, tree, "trash")).entries()), kept


A, B, C, D = IDS[:4]
TREE: Model = {A: Spot(TOP, "a", FOLDER), B: Spot(A, "b", FOLDER), C: Spot(B, "c", FILE), D: Spot(A, "d", FILE)}


def test_a_folder_that_goes_whole_is_one_entry_of_the_trash() -> None:
    """With everything in it, and where it came from."""
    there, trash, kept = after(TREE, edits_between(TREE, {}))

    assert (there, kept) == ({}, False)
    (entry_there,) = trash
    assert entry_there.node_id == A
    assert entry_there.ext == {EXT_TRASHED_FROM: b"a", EXT_TRASHED_AT: (1_000).to_bytes(8)}


def test_what_moved_out_of_a_folder_that_goes_is_not_in_the_trash() -> None:
    """It stands in its new place, and the rest went as one entry."""
    wanted: Model = {C: Spot(TOP, "c", FILE)}

    there, trash, _ = after(TREE, edits_between(TREE, wanted))

    assert there == wanted
    assert [found.node_id for found in trash] == [A]


def test_a_folder_that_holds_what_no_edit_names_stays() -> None:
    """With the folders above it; what was to go from it is gone, and the caller is told."""
    edits = [edit_of(TREE, {}, id_) for id_ in (A, B, D)]  # not C

    there, trash, kept = after(TREE, edits)

    assert kept
    assert there.keys() == {A, B, C}
    assert [found.node_id for found in trash] == [D]


def test_a_folder_that_stays_moves_with_the_one_above() -> None:
    """It is not torn out of a folder that only moves."""
    wanted: Model = {A: Spot(TOP, "z", FOLDER), D: Spot(A, "d", FILE)}
    edits = [edit_of(TREE, wanted, A), edit_of(TREE, wanted, B)]

    there, trash, kept = after(TREE, edits)

    assert kept
    assert there == {**TREE, A: Spot(TOP, "z", FOLDER)}
    assert trash == []


def test_nothing_takes_the_place_of_what_stays() -> None:
    """A file cannot stand where a folder had to be kept: nothing is lost for it."""
    wanted: Model = {IDS[5]: Spot(TOP, "a", FILE)}
    edits = [edit_of(TREE, wanted, id_) for id_ in (A, B, D, IDS[5])]  # not C

    with pytest.raises(SafetyStopError):
        after(TREE, edits)


def test_two_folders_change_places() -> None:
    """With all they hold: refs and the edits below them go along."""
    old: Model = {A: Spot(TOP, "a", FOLDER), B: Spot(TOP, "b", FOLDER), C: Spot(A, "c", FILE), D: Spot(B, "c", FILE)}
    wanted: Model = {
        A: Spot(TOP, "b", FOLDER),
        B: Spot(TOP, "a", FOLDER),
        C: Spot(A, "c", FILE, 7),
        D: Spot(B, "c", FILE),
    }

    assert after(old, edits_between(old, wanted))[0] == wanted


def test_a_folder_and_the_one_in_it_change_places() -> None:
    """a/b becomes b/a."""
    wanted: Model = {B: Spot(TOP, "b", FOLDER), A: Spot(B, "a", FOLDER), C: Spot(B, "c", FILE), D: Spot(A, "d", FILE)}

    assert after(TREE, edits_between(TREE, wanted))[0] == wanted


@pytest.mark.parametrize(
    ("before", "wanted"),
    [(("a", "x"), ("a", "x")), (("a", "x"), None), (("a", "d"), ("a", "d")), (None, ("x", "y")), (None, ("a", "d"))],
    ids=["nothing there", "nothing there to remove", "another node", "no folder above", "its place is taken"],
)
def test_edits_for_another_tree_are_refused(before: tuple[str, ...] | None, wanted: tuple[str, ...] | None) -> None:
    """They never replace what they do not know."""
    edit = NodeEdit(IDS[9], before, wanted, lambda _existing: entry("x", node_id=IDS[9]))

    with pytest.raises(SafetyStopError):
        after(TREE, [edit])


def test_the_cost_follows_the_edits() -> None:
    """One file moved between two folders of a thousand: no more pages are loaded than lie on the ways."""
    pages = MemoryPages()

    def many(folder: str) -> Ref:
        names = [f"{number:05}" for number in range(1_000)]
        ref = PageTree(pages, None).edit({name: entry(name, node_id=fixed(folder + name, 16)) for name in names})
        assert ref is not None
        return ref

    folders = {
        name: entry(name, node_id=fixed(name, 16), kind=FOLDER, digest=b"", refs=many(name).pack()) for name in "ab"
    }
    tree = tree_over(pages, PageTree(pages, None).edit(dict(folders)))
    moved = fixed("a00500", 16)
    pages.loaded.clear()

    apply_edits(
        tree,
        ("files",),
        [NodeEdit(moved, ("a", "00500"), ("b", "moved"), lambda _found: entry("moved", node_id=moved))],
        1,
    )
    tree.write()

    assert len(set(pages.loaded)) <= 6 * page.MAX_LEVELS
    assert len(pages.pages) > 600
