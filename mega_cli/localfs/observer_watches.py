"""ObserverWatches: watching as `watchdog` does it by itself, for macOS and Windows. Types are checked; untested there.

Those systems watch a folder with all below it. They lose changes in silence when there are too many: watchdog 7.1.0
reads neither the flags of macOS nor the empty answers of Windows that say so. The full scan of every hour finds those.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Hint
from mega_cli.localfs.watches import CANARY, CLOSE_S, OWN

_KINDS: Final[list[type[FileSystemEvent]]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


@final
class ObserverWatches(FileSystemEventHandler):
    """One observer with its threads."""

    def __init__(self, local: bytes, tell: Callable[[Hint], None], heard: threading.Event) -> None:
        """Begin. Raises OSError."""
        self._local = os.fsdecode(local)
        self._tell = tell
        self._heard = heard
        self._lock = threading.Lock()
        self._known: set[Place] = set()
        self._is_closed = False
        self._observer = Observer()
        self._observer.schedule(self, self._local, recursive=True, event_filter=_KINDS)
        self._observer.start()

    def watch(self, place: Place) -> bool:
        """Note that a folder is listed; True for what came here since."""
        with self._lock:
            is_new = place not in self._known
            self._known.add(place)
        return is_new

    def is_well(self) -> bool:
        """Tell whether every thread lives."""
        emitters = self._observer.emitters
        return self._observer.is_alive() and bool(emitters) and all(emitter.is_alive() for emitter in emitters)

    def close(self) -> None:
        """End it."""
        self._is_closed = True
        self._observer.stop()
        self._observer.join(CLOSE_S)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Tell of one event; watchdog calls it from the observer's thread."""
        was_closed = isinstance(event, FileClosedEvent)
        for path in (event.src_path, event.dest_path):
            if path:
                self._tell_of(self._place_of(os.fsdecode(path)), is_folder=event.is_directory, was_closed=was_closed)

    def _tell_of(self, place: Place | None, *, is_folder: bool, was_closed: bool) -> None:
        """Tell where something happened. What is called a file may be a folder: Windows cannot say of what is gone."""
        if self._is_closed:
            return
        if not place:
            self._tell(EVERYWHERE)
            return
        if place[:1] == OWN:
            if place == CANARY:
                self._heard.set()
            return
        with self._lock:
            if place in self._known:  # the scanner goes from the top down: else nothing below it is known
                self._known = {known for known in self._known if known[: len(place)] != place}
        self._tell(Hint(place[:-1]) if is_folder else Hint(place, is_folder=False, was_closed=was_closed))

    def _place_of(self, path: str) -> Place | None:
        """Give the place of a path; None for what is not below the folder as it is written here."""
        try:
            return tuple(os.fsencode(part) for part in Path(path).relative_to(self._local).parts)
        except ValueError:
            return None
