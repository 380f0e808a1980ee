"""Read a volume's folders: listings, and the one look-up every reading service shares."""

from __future__ import annotations

from collections.abc import Iterator

from mega_cli.errors import MissingItemError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import open_tree
from mega_cli.volume.requests import Listed
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.source import VisitedFiles
from mega_cli.volume.tree import FILES, Path, Tree, shown
from mega_cli.volume.walk import Step, walk

Files = VolumeSession | VisitedFiles
"""What the reading services read: one's own files, or those that a link names."""


def list_path(files: Files, path: RemotePath, *, is_recursive: bool = False) -> Iterator[Listed]:
    """Yield a folder's entries in name order, or the one file at `path`; with `is_recursive`, each folder then its own.

    Raises MissingItemError before the first line when there is nothing; LimitError where a walk does.
    """
    steps = walk_path(files, path, most_depth=None if is_recursive else 1)
    return (listed(step.entry, step.path) for step in steps)


def walk_path(files: Files, path: RemotePath, *, most_depth: int | None = None) -> Iterator[Step]:
    """Walk what lies below `path`; a file is the only step, of depth 0. Raises MissingItemError before the first."""
    entry = find_path(files, path)
    if entry.kind != FOLDER:
        return iter([Step(entry.name, 0, entry, is_last=True)])
    return walk(files.pages, entry, most_depth=most_depth)


def find_path(files: Files, path: RemotePath) -> Entry:
    """Find what stands at `path`, in one's own volume in its newest state. Raises MissingItemError."""
    if isinstance(files, VolumeSession):
        return existing_entry(open_tree(files, files.head()), (FILES, *path.parts))
    return files.entry_at(path)


def existing_entry(tree: Tree, path: Path) -> Entry:
    """Find what stands at `path`. Raises MissingItemError with the nearest folder to look into."""
    entry = tree.entry(path)
    if entry is None:
        nearest = path[:-1]
        while len(nearest) > 1 and tree.entry(nearest) is None:
            nearest = nearest[:-1]
        raise MissingItemError(f"there is no {shown(path)}", f"to see what is there: mega ls {shown(nearest)}")
    return entry


def listed(entry: Entry, path: str) -> Listed:
    """Describe an entry for a listing."""
    return Listed(
        path=path,
        kind=entry.kind,
        size_bytes=entry.size,
        mtime_ns=entry.mtime_ns,
        mode=entry.mode,
        target=entry.target,
        node_id=entry.node_id,
    )
