"""WatchdogHints: the system tells what changes; and whether it still does is asked.

Watching may end in silence: a thread that died, a disk that went, a system that forgot. So the canary, a file in
`.mega`, is written every minute; if nothing tells of it within ten seconds, all watches are made anew, and everything
is to be looked at. What cannot be watched (a limit is reached) is looked at every minute, and `health` says so.

It must never decide what changed, and raise nothing: without a system that tells, it polls, and asks again each time.
"""

from __future__ import annotations

import errno
import os
import random
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from mega_cli.errors import MegaError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, IDLE, Health, Hint
from mega_cli.localfs.poll_hints import POLL_S
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.rhythm import Rhythm
from mega_cli.localfs.teller import Teller
from mega_cli.localfs.watch_limits import why_not
from mega_cli.localfs.watches import CANARY, OWN, OpenWatches, Watches

if sys.platform == "linux":
    from mega_cli.localfs.inotify_watches import InotifyWatches as SystemWatches
else:
    from mega_cli.localfs.observer_watches import ObserverWatches as SystemWatches

CANARY_S: Final = 60.0
ANSWER_S: Final = 10.0
"""How long the canary may take; also the least time between two beginnings."""
_SPREAD: Final = 0.25
_MOST_PLACES: Final = 256
"""Beyond this many folders that are not watched, everything is looked at instead of each of them."""
_ELSEWHERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES})
"""What watching a folder fails with that is gone, is none, or may not be read: whoever lists it learns the same."""
_SONG: Final = b"mega writes this every minute, to see whether the system still tells it of changes\n"


@final
class WatchdogHints:
    """The member for local disks."""

    def __init__(
        self,
        local: Path,
        *,
        open_watches: OpenWatches = SystemWatches,
        draw: Callable[[], float] = random.random,
        period_s: float = POLL_S,
    ) -> None:
        """Watch `local` once started; `period_s` is how often is polled what cannot be watched."""
        self._local = os.fsencode(local)
        self._open = open_watches
        self._teller = Teller()
        self._heard = threading.Event()
        self._lock = threading.Lock()
        self._watches: Watches | None = None
        self._trouble: OSError | None = None
        """Why there are no watches."""
        self._blind: dict[Place, OSError] = {}
        """What cannot be watched, and why."""
        self._canary = Rhythm(CANARY_S, _SPREAD, draw)
        self._poll = Rhythm(period_s)
        self._answer_due_s: float | None = None
        self._begin_again_s = 0.0

    def start(self, take: Callable[[Hint], None]) -> None:
        """Begin to tell; once."""
        with self._lock:
            self._begin()
            self._teller.begin(take)

    def watch(self, place: Place) -> bool:
        """Watch a folder; True when changes may have gone by untold until now, so it is to be listed, and all below."""
        if any(name in {b"", b".", b".."} or b"/" in name or b"\0" in name for name in place) or place[:1] == OWN:
            return True
        with self._lock:
            if self._watches is None:
                return True
            try:
                is_new = self._watches.watch(place)
            except OSError as error:
                if error.errno not in _ELSEWHERE:
                    self._blind[place] = error
                return True
            self._blind.pop(place, None)
            return is_new

    def stop(self) -> None:
        """Tell nothing more."""
        self._teller.end()
        with self._lock:
            self._end()

    def health(self) -> Health:
        """Say how much is noticed now."""
        with self._lock:
            if not self._teller.is_telling:
                return IDLE
            if self._trouble is not None:
                why, mend = why_not(self._trouble)
                return Health("polling", f"changes are noticed only every minute: {why}", mend)
            if self._blind:
                why, mend = why_not(next(iter(self._blind.values())))
                count = "1 folder is" if len(self._blind) == 1 else f"{len(self._blind)} folders are"
                return Health("partly", f"{count} not watched, but looked at every minute: {why}", mend)
            return Health("watching")

    def tick(self, steady_s: float) -> float:
        """Do what is due at this steady time, and say in how many seconds to be called again."""
        with self._lock:
            if not self._teller.is_telling:
                return CANARY_S
            is_poll_due = self._poll.is_due(steady_s)
            if self._watches is None:
                if is_poll_due:
                    self._begin_anew(steady_s)
            elif self._is_lost(self._watches, steady_s):
                if steady_s < self._begin_again_s:
                    return self._begin_again_s - steady_s
                self._begin_anew(steady_s)
            elif is_poll_due:
                self._tell_blind()
            return self._wait_s(steady_s)

    # --- inside; the lock is held -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Ask the system to watch, or note why it does not."""
        self._blind.clear()
        self._answer_due_s = None
        try:
            self._watches = self._open(self._local, self._teller.tell, self._heard)
            self._trouble = None
        except OSError as error:
            self._trouble = error

    def _begin_anew(self, steady_s: float) -> None:
        """Begin again; whatever went by meanwhile is found by looking everywhere."""
        self._end()
        self._begin()
        self._begin_again_s = steady_s + ANSWER_S
        self._teller.tell(EVERYWHERE)

    def _end(self) -> None:
        watches, self._watches = self._watches, None
        if watches is not None:
            watches.close()

    def _is_lost(self, watches: Watches, steady_s: float) -> bool:
        """Tell whether nothing is told any more; send the canary when it is time."""
        if not watches.is_well():
            return True
        if self._answer_due_s is not None:
            if self._heard.is_set():
                self._answer_due_s = None
            elif steady_s >= self._answer_due_s:
                return True
        elif self._canary.is_due(steady_s) and self._send_canary(watches):
            self._answer_due_s = steady_s + ANSWER_S
        return False

    def _send_canary(self, watches: Watches) -> bool:
        """Write the canary; False when it cannot be written, or its folder not watched: that says nothing."""
        try:
            watches.watch(OWN)
            self._heard.clear()
            with RealDisk(self._local) as disk:
                with suppress(FileNotFoundError):
                    disk.remove_file(CANARY)
                with disk.make_file(CANARY) as file:
                    file.write(_SONG)
        except (OSError, MegaError):
            return False
        return True

    def _tell_blind(self) -> None:
        """Have looked at what is not watched: the topmost folders, for what is below is found from there."""
        if not self._blind:
            return
        try:
            with RealDisk(self._local) as disk:
                self._blind = {place: why for place, why in self._blind.items() if disk.look(place) is not None}
        except (OSError, MegaError):
            self._teller.tell(EVERYWHERE)
            return
        tops = [place for place in self._blind if place[:-1] not in self._blind]
        for hint in [Hint(place) for place in tops] if len(tops) <= _MOST_PLACES else [EVERYWHERE]:
            self._teller.tell(hint)

    def _wait_s(self, steady_s: float) -> float:
        """Give the seconds until something is due."""
        waits = [self._canary.wait_s(steady_s)]
        if self._answer_due_s is not None:
            waits.append(max(0.0, self._answer_due_s - steady_s))
        if self._blind or self._watches is None:
            waits.append(self._poll.wait_s(steady_s))
        return min(waits)
