"""Read a volume's folders: listings, and the one look-up every reading service shares."""

from __future__ import annotations

from collections.abc import Iterator

from mega_cli.errors import MissingItemError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import open_tree
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.requests import Listed
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, Path, Tree, folder_ref, shown


def list_path(session: VolumeSession, path: RemotePath, *, is_recursive: bool = False) -> Iterator[Listed]:
    """Yield a folder's entries in name order, or the one file at `path`; with `is_recursive`, each folder then its own.

    Raises MissingItemError before the first line when there is nothing.
    """
    tree = open_tree(session, session.head())
    entry = existing_entry(tree, (FILES, *path.parts))
    if entry.kind != FOLDER:
        return iter([_listed(entry, entry.name)])
    return _list_folder(session, entry, is_recursive=is_recursive)


def existing_entry(tree: Tree, path: Path) -> Entry:
    """Find what stands at `path`. Raises MissingItemError with the nearest folder to look into."""
    entry = tree.entry(path)
    if entry is None:
        nearest = path[:-1]
        while len(nearest) > 1 and tree.entry(nearest) is None:
            nearest = nearest[:-1]
        raise MissingItemError(f"there is no {shown(path)}", f"to see what is there: mega ls {shown(nearest)}")
    return entry


def _list_folder(session: VolumeSession, folder: Entry, *, is_recursive: bool) -> Iterator[Listed]:
    """Yield what lies in a folder, each folder before what is in it. Raises LimitError where they lie too deep."""
    open_folders = [("", PageTree(session.pages, folder_ref(folder)).entries())]
    while open_folders:
        prefix, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
            continue
        yield _listed(entry, prefix + entry.name)
        if is_recursive and entry.kind == FOLDER:
            refuse_too_deep(len(open_folders))
            open_folders.append((f"{prefix}{entry.name}/", PageTree(session.pages, folder_ref(entry)).entries()))


def _listed(entry: Entry, path: str) -> Listed:
    return Listed(
        path=path,
        kind=entry.kind,
        size_bytes=entry.size,
        mtime_ns=entry.mtime_ns,
        mode=entry.mode,
        target=entry.target,
        node_id=entry.node_id,
    )
