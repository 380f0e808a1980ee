"""A volume's tree as a working copy: read any path, note edits, then write the changed pages leaf to root.

Paths are tuples of names from the volume's root page; the user's files lie under `FILES`. Nothing here talks to the
server but through the `PageStore`; nothing is uploaded or committed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import final

from mega_cli.errors import IntegrityError, MissingItemError, UsageError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.model import PAGE, Ref
from mega_cli.paths.names import printable
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagetree import Item, PageStore, PageTree

FILES = "files"
TRASH = "trash"
TOP_FOLDERS = (FILES, TRASH, "snapshots", "shares", "system")
"""The ordinary folders of the root page (`docs/formats/folders.md`)."""

Path = tuple[str, ...]


@final
class Folder:
    """A folder with edits: the pages it started from, entries set or removed, and the subfolders opened so far."""

    __slots__ = ("_base", "_edits", "_opened", "_store")

    def __init__(self, store: PageStore, ref: Ref | None) -> None:
        self._store = store
        self._base = PageTree(store, ref)
        self._edits: dict[str, Entry | None] = {}
        self._opened: dict[str, Folder] = {}

    def lookup(self, name: str) -> Entry | None:
        """Find an entry, edits applied; the refs of a subfolder with edits are those before them."""
        if name in self._edits:
            return self._edits[name]
        return self._base.lookup(name)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in name order, edits applied as in `lookup`."""
        added = sorted((entry for entry in self._edits.values() if entry is not None), key=lambda entry: entry.name)
        at = 0
        for entry in self._base.entries():
            while at < len(added) and added[at].name < entry.name:
                yield added[at]
                at += 1
            if entry.name not in self._edits:
                yield entry
        yield from added[at:]

    def set(self, entry: Entry) -> None:
        """Let `entry` stand under its name, in place of what stood there. A folder keeps the edits below it."""
        before = self.lookup(entry.name)
        if before is None or before.refs != entry.refs:
            self._opened.pop(entry.name, None)
        self._edits[entry.name] = entry

    def remove(self, name: str) -> None:
        """Take an entry away."""
        self._edits[name] = None
        self._opened.pop(name, None)

    def take(self, name: str, revision: int) -> Entry:
        """Take an entry away and give it with the edits below it written, so that it can stand elsewhere."""
        entry = self._written(name, revision)
        self.remove(name)
        return entry

    def open(self, name: str) -> Folder | None:
        """Open a subfolder, edits kept for `write`; None when there is no folder of that name."""
        if name not in self._opened:
            entry = self.lookup(name)
            if entry is None or entry.kind != FOLDER:
                return None
            self._opened[name] = Folder(self._store, folder_ref(entry))
        return self._opened[name]

    def write(self, revision: int) -> Ref | None:
        """Save the changed pages of everything opened below, then of this folder; give its ref (None: empty)."""
        edits: dict[str, Item | None] = dict(self._edits)
        for name in self._opened:
            entry = self._written(name, revision)
            if entry != self.lookup(name):
                edits[name] = entry
        return self._base.edit(edits)

    def _written(self, name: str, revision: int) -> Entry:
        """Write the edits below an entry and give the entry that points at them."""
        entry = self.lookup(name)
        assert entry is not None
        if name not in self._opened:
            return entry
        ref = self._opened[name].write(revision)
        refs = b"" if ref is None else ref.pack()
        return entry if refs == entry.refs else entry.replace(refs=refs, changed_in=revision)


class Tree:
    """One revision of a volume, with edits that nobody else sees until they are committed."""

    def __init__(
        self, pages: PageStore, root: Ref | None, revision: int, new_top_folder: Callable[[str], Entry]
    ) -> None:
        """Open the tree below `root`; `revision` is the one that a commit of these edits would make."""
        self.root = root
        self.revision = revision
        self._top = Folder(pages, root)
        for name in TOP_FOLDERS if root is None else ():
            self._top.set(new_top_folder(name))

    def folder(self, path: Path) -> Folder:
        """Open a folder. Raises MissingItemError when there is nothing, UsageError when there is a file on the way.

        Raises LimitError for a path that lies too deep.
        """
        refuse_too_deep(len(path) - 1)
        folder = self._top
        for depth, name in enumerate(path, 1):
            child = folder.open(name)
            if child is None:
                if folder.lookup(name) is not None:
                    raise UsageError(f"{shown(path[:depth])} is a file, not a folder", "choose another path")
                raise MissingItemError(
                    f"there is no folder {shown(path[:depth])}", f"to make it: mega mkdir -p {shown(path)}"
                )
            folder = child
        return folder

    def entry(self, path: Path) -> Entry | None:
        """Find what stands at `path` (at least one name), or None. A file on the way counts as nothing there.

        Raises LimitError for a path that lies too deep.
        """
        refuse_too_deep(len(path) - 2)
        folder = self._top
        for name in path[:-1]:
            child = folder.open(name)
            if child is None:
                return None
            folder = child
        return folder.lookup(path[-1])

    def write(self) -> Ref:
        """Save every changed page, leaf to root, and give the root page's ref: the old one if nothing changed."""
        root = self._top.write(self.revision)
        assert root is not None, "the root page always holds the five top folders"
        return root


def folder_ref(entry: Entry) -> Ref | None:
    """Give the page a folder's entry points at (None: an empty folder). Raises IntegrityError for any other refs."""
    if not entry.refs:
        return None
    refs = entry.ref_list()
    if len(refs) != 1 or refs[0].kind != PAGE:
        raise IntegrityError
    return refs[0]


def refuse_equal_names(names: Iterable[str]) -> None:
    """Refuse several sources of one name for one folder: one would silently take the other's place."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"two sources are called {printable(name)}", "take them one after the other")
        seen.add(name)


def shown(path: Path) -> str:
    """Write a path for people: `files` is `/`, and nothing in it reaches the terminal raw."""
    parts = path[1:] if path[:1] == (FILES,) else path
    return "/" + "/".join(printable(part) for part in parts)
