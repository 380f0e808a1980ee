"""What a get with --delete takes off the disk: what lies in its folders and the volume does not have.

It plans after everything was fetched, children before their folder, and deletes for good. What the filters leave out
stays, and so does what changed since the run began, what lies on another file system, and every folder that holds such.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from mega_cli.errors import MegaError
from mega_cli.localfs.surplus import Lying, delete, lying_in
from mega_cli.paths.filters import Filters
from mega_cli.paths.names import name_from_disk
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.get_write import Folders, Place
from mega_cli.volume.requests import Problem
from mega_cli.volume.tree import Path, shown


class _Doomed(NamedTuple):
    names: tuple[bytes, ...]
    """Of the folder it lies in."""
    path: Path
    lying: Lying


class LocalSurplus:
    """The plan of one get. `total` counts what lies in its folders, `doomed` what is to go."""

    def __init__(self, folders: Folders, filters: Filters, began_ns: int) -> None:
        self._folders = folders
        self._filters = filters
        self._began_ns = began_ns
        self._plan: list[_Doomed] = []
        self.total = 0
        self.emptied = False
        """A source that is empty meets a folder that is not."""

    @property
    def doomed(self) -> int:
        """Count what is to go."""
        return len(self._plan)

    def look(self, place: Place, names: set[bytes], *, is_source: bool) -> None:
        """Compare a folder with the disk names of its entries. Raises a MegaError."""
        lying = lying_in(self._folders.at(place.names))
        self.total += len(lying)
        # A disk that folds case or form shows an entry under the name that was there before it.
        unseen = {_folded(name) for name in names - {found.name for found in lying}}
        before = self.doomed
        for found in lying:
            if found.name not in names and _folded(found.name) not in unseen:
                self._doom(place, found)
        self.emptied = self.emptied or (is_source and not names and self.doomed > before)

    def delete(self) -> tuple[list[Path], list[Problem]]:
        """Delete what was planned; give what is gone and what could not be deleted."""
        gone: list[Path] = []
        problems: list[Problem] = []
        for names, path, lying in self._plan:
            try:
                delete(self._folders.at(names), lying)
                gone.append(path)
            except MegaError as error:
                problems.append(Problem(shown(path), error.message))
        return gone, problems

    def paths(self) -> list[Path]:
        """List what would go."""
        return [doomed.path for doomed in self._plan]

    def _doom(self, place: Place, found: Lying) -> bool:
        """Plan to delete something and everything in it, or what may be deleted in it; say whether it goes.

        Raises LimitError for folders too deep in one another.
        """
        name, _ = name_from_disk(found.name)
        if self._filters.excludes(place.rel + name, found.is_folder):
            return False
        path = (*place.path, name)
        if found.is_folder:
            refuse_too_deep(len(path) - 1)
            if found.stamps.dev != self._folders.at(place.names).device():
                return False
            below = Place((*place.names, found.name), path, f"{place.rel}{name}/", is_new=False)
            children = lying_in(self._folders.at(below.names))
            self.total += len(children)
            goes = [self._doom(below, child) for child in children]  # whole, so that each is looked at
            if not all(goes):
                return False
        elif found.stamps.ctime_ns >= self._began_ns:
            return False
        self._plan.append(_Doomed(place.names, path, found))
        return True


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFC", name.decode(errors="surrogateescape")).casefold()
