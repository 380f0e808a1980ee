"""Dirty: the places that were hinted at and not looked at since, and when it is time to look. Pure: time is told.

Places are looked at together once all is quiet, so that what belongs together goes up together; a set that never is
quiet does not wait for ever. Of too many places only their folder is kept, of too many of all that everything is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import Hint

QUIET_S: Final = 1.0
BUSY_MOST_S: Final = 10.0
"""How long a set that is changed all the time waits, from its first hint on."""
IN_FOLDER_MOST: Final = 2_048
PLACES_MOST: Final = 20_000


@final
class Dirty:
    """One pair's."""

    def __init__(self) -> None:
        """Nothing is dirty."""
        self._files: dict[Place, dict[bytes, bool]] = {}
        """By folder, the files in it that were hinted at, and whether their writers closed them."""
        self._count = 0
        self._first_s: float | None = None
        self._last_s = 0.0
        self.is_everywhere = False
        """So much is dirty that everything is to be looked at."""

    def __len__(self) -> int:
        """Count the places: folders, and files in them."""
        return self._count + self.is_everywhere

    def add(self, hint: Hint, at_s: float) -> None:
        """Take a hint that came at a steady time. What was closed, and hinted at again, is open."""
        self._first_s = at_s if self._first_s is None else min(self._first_s, at_s)
        self._last_s = max(self._last_s, at_s)
        if hint.place is None:
            self._give_up()
        elif not self.is_everywhere:
            folder = hint.place if hint.is_folder or not hint.place else hint.place[:-1]
            self._count += folder not in self._files
            files = self._files.setdefault(folder, {})
            before = len(files)
            if folder != hint.place:
                files[hint.place[-1]] = hint.was_closed
            if len(files) > IN_FOLDER_MOST:
                files.clear()
            self._count += len(files) - before
            if self._count > PLACES_MOST:
                self._give_up()

    def _give_up(self) -> None:
        self._files.clear()
        self._count = 0
        self.is_everywhere = True

    @property
    def due_s(self) -> float:
        """Say when to look: when all has been quiet, or was busy for long; never while nothing is dirty."""
        if self._first_s is None:
            return float("inf")
        return min(self._last_s + QUIET_S, self._first_s + BUSY_MOST_S)

    @property
    def folders(self) -> frozenset[Place]:
        """Give the folders to list."""
        return frozenset(self._files)

    @property
    def closed(self) -> frozenset[Place]:
        """Give the files whose writers closed them, none of which was hinted at again since."""
        return frozenset((*folder, name) for folder, files in self._files.items() for name in files if files[name])

    def forget(self, folders: Iterable[Place] | None) -> None:
        """Let these folders be clean; None: all is."""
        if folders is None:
            self.is_everywhere = False
        for folder in list(self._files) if folders is None else folders:
            files = self._files.pop(folder, None)
            self._count -= 0 if files is None else 1 + len(files)
        if not self._files and not self.is_everywhere:
            self._first_s, self._last_s = None, 0.0
