"""Random trees of entries, written as pages in memory: what the tests of comparing and editing folders work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from mega_cli.errors import IntegrityError
from mega_cli.formats.page import FILE, FOLDER, Entry, IndexItem, Page, decode_page, encode_page
from mega_cli.model import PAGE, Ref, blob_id
from mega_cli.volume.diff import TOP
from mega_cli.volume.edits import NodeEdit
from mega_cli.volume.pagetree import Item, PageTree
from mega_cli.volume.tree import Tree, folder_ref
from tests.kit.forge import entry, fixed

NAMES = "abcdef"
IDS = [fixed(f"node {number}", 16) for number in range(14)]


@dataclass
class MemoryPages:
    """Pages in memory. Each has a ref of its own, as in a volume: only a page that was kept is equal by its ref."""

    page_key: bytes = fixed("page key")
    pages: dict[bytes, bytes] = field(default_factory=dict)
    loaded: list[bytes] = field(default_factory=list)

    def load_many(self, refs: Sequence[Ref]) -> list[Page]:
        """Decode pages. Raises IntegrityError for one that is not there."""
        self.loaded += [ref.id for ref in refs]
        if any(ref.id not in self.pages for ref in refs):
            raise IntegrityError
        return [decode_page(self.pages[ref.id]) for ref in refs]

    def save(self, level: int, items: Sequence[Item]) -> Ref:
        """Keep a page under an id of its own."""
        entries = [item for item in items if isinstance(item, Entry)]
        raw = encode_page(level, entries or [item for item in items if isinstance(item, IndexItem)])
        id_ = blob_id(fixed(f"page {len(self.pages)}"))
        self.pages[id_] = raw
        return Ref(id_, bytes(32), PAGE, len(raw))


@dataclass(frozen=True)
class Spot:
    """One node of a model: where it stands, and what it is."""

    parent: bytes
    name: str
    kind: str
    version: int = 0


Model = dict[bytes, Spot]
"""A tree by node_id."""


def path_in(model: Model, id_: bytes) -> tuple[str, ...] | None:
    """Give a node's path; None in a circle or below nothing."""
    names: list[str] = []
    while id_ != TOP:
        spot = model.get(id_)
        if spot is None or len(names) > len(model):
            return None
        names.append(spot.name)
        id_ = spot.parent
    return tuple(reversed(names))


def is_tree(model: Model) -> bool:
    """Tell whether every node hangs below a folder, under a name of its own."""
    return (
        all(path_in(model, id_) for id_ in model)
        and all(spot.parent == TOP or model[spot.parent].kind == FOLDER for spot in model.values())
        and len({(spot.parent, spot.name) for spot in model.values()}) == len(model)
    )


def entry_in(model: Model, id_: bytes) -> Entry:
    """Make a node's entry, without what a folder holds."""
    spot = model[id_]
    digest = fixed(f"content {spot.version}") if spot.kind == FILE else b""
    return entry(spot.name, node_id=id_, kind=spot.kind, mtime_ns=spot.version, digest=digest)


def write_model(pages: MemoryPages, model: Model, parent: bytes = TOP) -> Ref | None:
    """Write a folder of the model, from nothing."""
    edits: dict[str, Item | None] = {}
    for id_, spot in model.items():
        if spot.parent == parent:
            ref = write_model(pages, model, id_) if spot.kind == FOLDER else None
            edits[spot.name] = entry_in(model, id_).replace(refs=ref.pack() if ref else b"")
    return PageTree(pages, None).edit(edits)


def read_model(pages: MemoryPages, root: Ref | None, parent: bytes = TOP) -> Model:
    """Read a folder back."""
    model: Model = {}
    for found in PageTree(pages, root).entries():
        assert found.node_id not in model
        model[found.node_id] = Spot(parent, found.name, found.kind, found.mtime_ns)
        if found.kind == FOLDER:
            model |= read_model(pages, folder_ref(found), found.node_id)
    return model


def tree_over(pages: MemoryPages, files: Ref | None) -> Tree:
    """Open a volume whose files are these."""
    folders: dict[str, Item | None] = {
        name: entry(name, kind=FOLDER, digest=b"", refs=files.pack() if files and name == "files" else b"")
        for name in ("files", "trash")
    }
    root = PageTree(pages, None).edit(folders)
    return Tree(pages, root, 2, lambda name: entry(name, kind=FOLDER, digest=b""))


def written(pages: MemoryPages, tree: Tree, name: str = "files") -> Ref | None:
    """Write a tree and give the page of its files, or its trash."""
    found = PageTree(pages, tree.write()).lookup(name)
    assert found is not None
    return folder_ref(found)


def edit_of(old: Model, new: Model, id_: bytes) -> NodeEdit:
    """Make the edit that brings one node to its new state."""

    def make(existing: Entry | None) -> Entry:
        assert (existing is None) == (id_ not in old)
        refs = b"" if existing is None else existing.refs
        return entry_in(new, id_).replace(refs=refs, ext={} if existing is None else existing.ext)

    return NodeEdit(
        id_,
        path_in(old, id_) if id_ in old else None,
        path_in(new, id_) if id_ in new else None,
        make,
    )


def edits_between(old: Model, new: Model) -> list[NodeEdit]:
    """List the edits that make one state the other."""
    return [edit_of(old, new, id_) for id_ in sorted(old.keys() | new.keys()) if old.get(id_) != new.get(id_)]


def _put(model: Model, id_: bytes, spot: Spot) -> None:
    """Change a model if it stays a tree."""
    changed = {**model, id_: spot}
    if is_tree(changed):
        model[id_] = spot


def _remove(model: Model, id_: bytes) -> None:
    """Take a node away, with everything below."""
    model.pop(id_, None)
    for child in [child for child, spot in model.items() if spot.parent == id_]:
        _remove(model, child)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Draw a tree."""
    model: Model = {}
    for id_ in IDS[: draw(st.integers(0, 10))]:
        folders = [TOP, *(other for other, spot in model.items() if spot.kind == FOLDER)]
        kind = draw(st.sampled_from([FILE, FOLDER, FOLDER]))
        _put(model, id_, Spot(draw(st.sampled_from(folders)), draw(st.sampled_from(NAMES)), kind))
    return model


@st.composite
def changed(draw: st.DrawFn, model: Model) -> Model:
    """Draw another state of a tree: moves (circles among them), edits, removals, new nodes; kinds stay."""
    after = dict(model)
    for _ in range(draw(st.integers(0, 6))):
        act = draw(st.sampled_from(["move", "swap", "edit", "remove", "new"]))
        ids = sorted(after)
        if act == "new":
            id_ = draw(st.sampled_from(IDS))
            kind = model[id_].kind if id_ in model else draw(st.sampled_from([FILE, FOLDER]))
            folders = [TOP, *(other for other, spot in after.items() if spot.kind == FOLDER)]
            if id_ not in after:
                _put(after, id_, Spot(draw(st.sampled_from(folders)), draw(st.sampled_from(NAMES)), kind, 1))
        elif ids:
            id_ = draw(st.sampled_from(ids))
            spot = after[id_]
            if act == "remove":
                _remove(after, id_)
            elif act == "edit":
                _put(after, id_, Spot(spot.parent, spot.name, spot.kind, spot.version + 1))
            elif act == "swap":
                other = draw(st.sampled_from(ids))
                two = after[other]
                both = {
                    **after,
                    id_: Spot(two.parent, two.name, spot.kind, spot.version),
                    other: Spot(spot.parent, spot.name, two.kind, two.version),
                }
                after = both if is_tree(both) else after
            else:
                folders = [TOP, *(other for other in ids if after[other].kind == FOLDER)]
                parent, name = draw(st.sampled_from(folders)), draw(st.sampled_from(NAMES))
                _put(after, id_, Spot(parent, name, spot.kind, spot.version))
    return after
