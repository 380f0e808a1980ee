"""A graft: entries to be merged into a folder, however that folder looks by the time of the commit.

A put builds one; `merge` applies it to any head, so the loser of a swap applies it again. Ours replaces a file of the
same name and joins a folder of the same name; what the graft does not name stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mega_cli.crypto import randomness
from mega_cli.errors import TemporaryError, UsageError
from mega_cli.formats.page import EXT_RAW_NAME, FOLDER, Entry
from mega_cli.volume.pagetree import PageStore, PageTree
from mega_cli.volume.tree import Folder, Path, folder_ref, shown


class PlanOutdatedError(TemporaryError):
    """Another device changed what a put had looked at and would leave as it is; the put must look again."""

    def __init__(self) -> None:
        """Say what a user reads only when it happened again and again."""
        super().__init__(
            "other devices changed the same folders again and again while this ran", "run the same command again"
        )


@dataclass(slots=True)
class Graft:
    """A folder of a graft: its own entry (None: the top, which is always there), and what shall stand in it.

    `describes`: a folder that is there already gets the entry's mode and time. `is_new`: nothing of it was there when
    the graft was begun; otherwise the graft holds only what differed, so it makes no folder out of nothing. A child
    entry of kind folder is a whole sealed subtree.
    """

    entry: Entry | None
    children: dict[str, Entry | Graft] = field(default_factory=dict)
    describes: bool = True
    is_new: bool = False


def merge(store: PageStore, folder: Folder, graft: Graft, path: Path) -> None:
    """Merge a graft into `folder`, which lies at `path`.

    Raises UsageError where a file meets a folder, PlanOutdatedError where a folder that was there is gone.
    """
    for name, child in graft.children.items():
        existing = folder.lookup(name)
        ours = child.entry if isinstance(child, Graft) else child
        assert ours is not None, "only the top of a graft has no entry of its own"
        if existing is None:
            if isinstance(child, Graft) and not child.is_new:
                raise PlanOutdatedError
            # The node that the graft was made for may have moved away, and it kept its node_id.
            folder.set(ours.replace(node_id=randomness.random_bytes(16)))
        else:
            refuse_mismatch(existing, is_folder=ours.kind == FOLDER, path=(*path, name))
            if not isinstance(child, Graft) or child.describes:
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
    kept = {key: value for key, value in existing.ext.items() if key != EXT_RAW_NAME}  # ours says how it is spelled
    return ours.replace(node_id=existing.node_id, refs=refs, ext={**kept, **ours.ext})


def _children(store: PageStore, entry: Entry) -> Iterator[tuple[str, Entry]]:
    for child in PageTree(store, folder_ref(entry)).entries():
        yield child.name, child
