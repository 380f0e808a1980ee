"""InotifyWatches: Linux' own watching, one inotify watch for each folder that the scanner lists.

It relies on the reader of `watchdog` (`InotifyFD`) and leaves the emitters above it alone. Measured with 7.1.0: they
tell handlers nothing of an overflow; a folder that is made, moved and removed quickly ends the reader with a KeyError
while the emitter seems alive; a folder that cannot be watched is passed over in silence; and for 200,000 entries in
20,000 folders they begin with a walk of 2.3 s, ignored folders and `.mega` included. Here a folder is watched when it
is listed (some 10 µs each): what is ignored costs nothing, and a failure is known where it can be told.

An event is told by the place at which its folder was watched last. A folder that moves keeps its watch and its old
place until it is watched anew, which `watch` shows by True; `tests/unit/localfs/test_hints_watchdog.py` keeps what is
relied on.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable
from typing import Final, NamedTuple, final

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Hint
from mega_cli.localfs.watches import CANARY, CLOSE_S, OWN

_FOLDER: Final = InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_DONT_FOLLOW
_CHANGES: Final = Mask(
    _FOLDER
    | InotifyConstants.IN_EXCL_UNLINK  # a file without a name is nobody's to sync
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
)
"""No IN_OPEN, IN_ACCESS or IN_CLOSE_NOWRITE: reading and listing must not wake anybody."""
_CHANGES_OF_TOP: Final = Mask(_CHANGES | InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF)
_CANARY_ALONE: Final = Mask(_FOLDER | InotifyConstants.IN_CLOSE_WRITE)
_NOT_PERMITTED: Final = WatchDescriptor(-1)
"""What watchdog gives for EACCES, the one error that it does not raise."""


class _Watched(NamedTuple):
    place: Place
    """Where the folder was when it was watched last."""
    id: CallbackId


@final
class InotifyWatches:
    """One inotify instance, its reader's thread, and the folders watched by it."""

    def __init__(self, local: bytes, tell: Callable[[Hint], None], heard: threading.Event) -> None:
        """Begin with the folder itself. Raises OSError: `EMFILE` when the user has no instance left, or no descriptor.

        watchdog calls `on_event`, `on_watch_deleted` and `on_queue_overflow` from its reader's thread.
        """
        self._local = local
        self._tell = tell
        self._heard = heard
        self._lock = threading.Lock()
        self._ids = itertools.count()
        self._watched: dict[WatchDescriptor, _Watched] = {}
        self._wds: dict[Place, WatchDescriptor] = {}  # the same, by place
        self._has_top = True
        self._is_closed = False
        self._reader = InotifyFD()
        try:
            self._reader.start()
            self.watch(())
        except RuntimeError as error:  # no thread could be started
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        except OSError:
            self.close()
            raise

    def watch(self, place: Place) -> bool:
        """Watch a folder, and tell whether it was not watched here before. Raises OSError.

        The system is asked each time: it alone knows whether this is the folder that was watched, whatever its number.
        """
        path = b"/".join((self._local, *place))
        mask = _CANARY_ALONE if place == OWN else _CHANGES if place else _CHANGES_OF_TOP
        with self._lock:
            id_ = CallbackId(next(self._ids))  # a new one each time: watchdog warns, with the path, of a known one
            wd = self._reader.add_callback(path, mask, self, id_)
            before = self._watched.get(wd)
            if before is not None or wd == _NOT_PERMITTED:
                self._reader.remove_callbacks([(wd, id_)])
            if wd == _NOT_PERMITTED:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            if before is not None:
                if before.place == place:
                    return False
                del self._wds[before.place]
                id_ = before.id
            if place in self._wds:
                self._drop(self._wds[place])
            self._watched[wd], self._wds[place] = _Watched(place, id_), wd
        return True

    def is_well(self) -> bool:
        """Tell whether the reader lives and the folder is where it was."""
        return self._reader.is_alive() and self._has_top

    def close(self) -> None:
        """End it. Thousands of watches take some tenths of a second."""
        self._is_closed = True
        self._reader.stop()
        if self._reader.is_alive():
            self._reader.join(CLOSE_S)

    # --- what the reader calls ----------------------------------------------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        """Tell where something happened."""
        watched = self._watched.get(event.wd)
        if watched is None or self._is_closed:
            return
        place, name = watched.place, event.name
        if place == OWN:
            if name == CANARY[-1]:
                self._heard.set()
        elif not name:
            if not place or event.mask & InotifyConstants.IN_UNMOUNT:
                self._tell(EVERYWHERE)
        elif (*place, name) == OWN:
            pass
        elif event.mask & InotifyConstants.IN_ISDIR:
            if event.is_moved_from:
                self._forget((*place, name))
            self._tell(Hint(place))
        else:
            self._tell(Hint((*place, name), is_folder=False, was_closed=event.is_close_write))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Let go of a folder that is gone, or whose disk is."""
        with self._lock:
            watched = self._watched.pop(wd, None)
            if watched is not None:
                del self._wds[watched.place]
        if watched is not None and not watched.place and not self._is_closed:
            self._has_top = False
            self._tell(EVERYWHERE)

    def on_queue_overflow(self) -> None:
        """Say that the system lost events."""
        if not self._is_closed:
            self._tell(EVERYWHERE)

    def _forget(self, place: Place) -> None:
        """Watch a folder no longer that moved away, nor what is below: its new place is told, if it is one of ours.

        Should another folder be there by now, its watch goes as well: the hint that follows has it watched again.
        """
        with self._lock:
            if place in self._wds:  # the scanner goes from the top down: else nothing below it is watched
                for below in [known for known in self._wds if known[: len(place)] == place]:
                    self._drop(self._wds[below])

    def _drop(self, wd: WatchDescriptor) -> None:
        """End one watch; the lock is held."""
        watched = self._watched.pop(wd)
        del self._wds[watched.place]
        self._reader.remove_callbacks([(wd, watched.id)])
