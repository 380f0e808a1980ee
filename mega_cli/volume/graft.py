"""A graft: entries to be merged into a folder, however that folder looks by the time of the commit.

A put builds one; `merge` applies it to any head, so the loser of a swap applies it again. Ours replaces a file of the
same name and joins a folder of the same name; what the graft does not name stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mega_cli.errors import UsageError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.volume.pagetree import PageStore, PageTree
from mega_cli.volume.tree import Folder, Path, folder_ref, shown


@dataclass(slots=True)
class Graft:
    """A folder of a graft: what its own entry shall say (None: leave it), and what shall stand in it.

    A child entry of kind folder is a whole sealed subtree.
    """

    entry: Entry | None
    children: dict[str, Entry | Graft] = field(default_factory=dict)


def merge(store: PageStore, folder: Folder, graft: Graft, path: Path) -> None:
    """Merge a graft into `folder`, which lies at `path`. Raises UsageError where a file meets a folder."""
    for name, child in graft.children.items():
        existing = folder.lookup(name)
        ours = child.entry if isinstance(child, Graft) else child
        if existing is None:
            assert ours is not None, "only a folder that was there before has no entry of its own"
            folder.set(ours)
        else:
            refuse_mismatch(existing, is_folder=ours is None or ours.kind == FOLDER, path=(*path, name))
            if ours is not None:
                folder.set(_described(existing, ours))
        if isinstance(child, Graft):
            _merge_below(store, folder, name, child, path)
        elif existing is not None and child.kind == FOLDER and existing.refs not in (child.refs, b""):
            _merge_below(store, folder, name, Graft(None, dict(_children(store, child))), path)


def refuse_mismatch(existing: Entry, *, is_folder: bool, path: Path) -> None:
    """Refuse to put a folder over a file or a file over a folder."""
    if (existing.kind == FOLDER) != is_folder:
        there, ours = ("a file", "a folder") if is_folder else ("a folder", "a file")
        raise UsageError(
            f"{shown(path)} is {there}; {ours} cannot take its place", f"to remove it: mega rm -r {shown(path)}"
        )


def _merge_below(store: PageStore, folder: Folder, name: str, graft: Graft, path: Path) -> None:
    child = folder.open(name)
    assert child is not None
    merge(store, child, graft, (*path, name))


def _described(existing: Entry, ours: Entry) -> Entry:
    """Let ours stand where `existing` stood: the same node; a folder that has contents keeps them."""
    refs = existing.refs if ours.kind == FOLDER and existing.refs else ours.refs
    return ours.replace(node_id=existing.node_id, refs=refs, ext={**existing.ext, **ours.ext})


def _children(store: PageStore, entry: Entry) -> Iterator[tuple[str, Entry]]:
    for child in PageTree(store, folder_ref(entry)).entries():
        yield child.name, child
