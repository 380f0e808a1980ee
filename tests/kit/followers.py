"""Follower: keeps an image of a folder by hints alone, as the scanner does it; and Hands, somebody who changes it.

If the image is the folder once hints were followed, the hints were enough: whatever they said, and however often.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, final

from mega_cli.localfs.disk import Disk, Place
from mega_cli.localfs.hints import Hint, Hints
from tests.kit.disks import content

PATIENCE_S: Final = 20.0
"""How long an event may take before a test fails; nothing waits for it to pass."""
Image = dict[Place, bytes | None]
"""Every file with its content, and every folder with None; without `.mega`."""


class Hands(Protocol):
    """What changes a folder."""

    def write(self, place: Place, data: bytes) -> None:
        """Write a file, with the folders above it."""

    def make_folder(self, place: Place) -> None:
        """Make a folder and those above it."""

    def rename(self, source: Place, target: Place) -> None:
        """Rename, over a file."""

    def swap(self, one: Place, other: Place) -> None:
        """Let two names change places."""

    def remove(self, place: Place) -> None:
        """Remove what has this name, with all below it."""

    def read(self, place: Place) -> bytes:
        """Read a file."""


@final
class RealHands:
    """Hands on the real disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, place: Place) -> Path:
        """Give a place's path."""
        return Path(os.fsdecode(b"/".join((os.fsencode(self._root), *place))))

    def write(self, place: Place, data: bytes) -> None:
        """Write a file, with the folders above it."""
        self.make_folder(place[:-1])
        self.path(place).write_bytes(data)

    def make_folder(self, place: Place) -> None:
        """Make a folder and those above it."""
        self.path(place).mkdir(parents=True, exist_ok=True)

    def rename(self, source: Place, target: Place) -> None:
        """Rename, over a file."""
        self.path(source).rename(self.path(target))

    def swap(self, one: Place, other: Place) -> None:
        """Let two names change places."""
        aside = (*one[:-1], b"aside")
        for source, target in ((one, aside), (other, one), (aside, other)):
            self.rename(source, target)

    def remove(self, place: Place) -> None:
        """Remove what has this name, with all below it."""
        path = self.path(place)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def read(self, place: Place) -> bytes:
        """Read a file."""
        return self.path(place).read_bytes()


class Inbox:
    """What takes hints; `since` gives those that came after a mark."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._hints: list[Hint] = []

    def take(self, hint: Hint) -> None:
        """Keep a hint."""
        with self._changed:
            self._hints.append(hint)
            self._changed.notify_all()

    def mark(self) -> int:
        """Count what came so far."""
        with self._changed:
            return len(self._hints)

    def since(self, mark: int = 0) -> list[Hint]:
        """Give what came after a mark."""
        with self._changed:
            return self._hints[mark:]

    def wait(self, is_enough: Callable[[list[Hint]], bool], mark: int = 0) -> list[Hint]:
        """Wait until what came after a mark is enough, and give it; fail when it never is."""
        with self._changed:
            assert self._changed.wait_for(lambda: is_enough(self._hints[mark:]), PATIENCE_S), self._hints[mark:]
            return self._hints[mark:]


@final
class Follower:
    """Somebody who lists what hints say, and below it what `watch` says."""

    def __init__(self, disk: Disk, hints: Hints, inbox: Inbox) -> None:
        self._disk = disk
        self._hints = hints
        self._inbox = inbox
        self._mark = 0
        self.image: Image = {}

    def follow(self) -> None:
        """Look where the hints that came say."""
        new = self._inbox.since(self._mark)
        self._mark += len(new)
        if any(hint.place is None for hint in new):
            self.image = {}
            self._list((), is_deep=True)
            return
        folders = {hint.place if hint.is_folder else hint.place[:-1] for hint in new if hint.place is not None}
        for folder in sorted(folders):
            self._list(folder, is_deep=False)

    def follow_until(self, is_done: Callable[[], bool], move: Callable[[], None]) -> None:
        """Follow, let the system move on, wait for the next hint; fail when none comes and it is not done."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            move()
            self.follow()
            if is_done():
                return
            assert time.monotonic() < end_s, "too much happens"
            move()
            self._inbox.wait(bool, self._mark)

    def _list(self, folder: Place, *, is_deep: bool) -> None:
        self._hints.watch(folder)
        try:
            lines = self._disk.list_folder(folder)
        except OSError:
            lines = []
        kinds = {line.name: line.found.kind for line in lines if line.found is not None}
        kinds = {name: kind for name, kind in kinds.items() if (*folder, name) != (b".mega",)}
        depth = len(folder)
        self.image = {
            place: left
            for place, left in self.image.items()
            if place[:depth] != folder or len(place) == depth or kinds.get(place[depth]) == "d"
        }
        for name, kind in kinds.items():
            place = (*folder, name)
            if kind == "d":
                is_new = self._hints.watch(place) or place not in self.image
                self.image[place] = None
                if is_new or is_deep:
                    self._list(place, is_deep=is_deep)
            else:
                self.image[place] = self._content(place)

    def _content(self, place: Place) -> bytes | None:
        try:
            return content(self._disk, place)
        except OSError:
            return b"gone"


def image_of(disk: Disk, folder: Place = ()) -> Image:
    """Look at everything."""
    image: Image = {}
    for line in disk.list_folder(folder):
        place = (*folder, line.name)
        if place != (b".mega",) and line.found is not None:
            is_folder = line.found.kind == "d"
            image[place] = None if is_folder else content(disk, place)
            if is_folder:
                image |= image_of(disk, place)
    return image
