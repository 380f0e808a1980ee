"""What a put with --delete takes out of the volume: entries of its folders that the sources do not have.

The plan is made from what the walk sees and carried out in the put's last commit: each entry goes to the trash, unless
another device has changed it meanwhile. What the filters leave out is never deleted, nor a folder that holds such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mega_cli.formats.page import FOLDER, Entry
from mega_cli.paths.filters import Filters
from mega_cli.volume.changes import throw_away
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagetree import PageStore, PageTree
from mega_cli.volume.tree import Path, Tree, folder_ref


class _Doomed(NamedTuple):
    path: Path
    entry: Entry


class RemoteSurplus:
    """The plan of one put. `total` counts what stood in its folders, `doomed` what is to go."""

    def __init__(self, pages: PageStore, filters: Filters) -> None:
        self._pages = pages
        self._filters = filters
        self._tops: list[_Doomed] = []
        self.doomed = self.total = 0
        self.emptied = False
        """A source that is empty meets a folder that is not."""

    def look(self, path: Path, rel: str, existing: Entry, names: Iterable[str], *, is_source: bool) -> None:
        """Compare a folder with the names on the disk; `rel` is what the filters know it by, "/" at its end."""
        kept = set(names)
        before = self.doomed
        for entry in self._entries(existing):
            self.total += 1
            if entry.name not in kept:
                self._doom(path, rel, entry)
        self.emptied = self.emptied or (is_source and not kept and self.doomed > before)

    def throw_away(self, tree: Tree, now_ms: int) -> list[Path]:
        """Move to the trash what is still as it was seen, and give the paths."""
        gone = []
        times: dict[str, int] = {}
        for path, entry in self._tops:
            if tree.entry(path) != entry:
                continue
            # The name in the trash begins with the time: two of one name must not share it.
            times[entry.name] = max(now_ms, times.get(entry.name, 0) + 1)
            throw_away(tree, tree.folder(path[:-1]).take(entry.name, tree.revision), path, times[entry.name])
            gone.append(path)
        return gone

    def paths(self) -> list[Path]:
        """List what would go, a folder in place of everything in it."""
        return [path for path, _ in self._tops]

    def _doom(self, path: Path, rel: str, entry: Entry) -> bool:
        """Plan to delete an entry, or what may be deleted in it; say whether it goes whole. Raises LimitError."""
        is_folder = entry.kind == FOLDER
        if self._filters.excludes(rel + entry.name, is_folder):
            return False
        below = len(self._tops)
        if is_folder:
            refuse_too_deep(len(path))
            children = list(self._entries(entry))
            self.total += len(children)
            goes = [self._doom((*path, entry.name), f"{rel}{entry.name}/", child) for child in children]
            if not all(goes):
                return False
        del self._tops[below:]
        self._tops.append(_Doomed((*path, entry.name), entry))
        self.doomed += 1
        return True

    def _entries(self, folder: Entry) -> Iterator[Entry]:
        return PageTree(self._pages, folder_ref(folder)).entries()
