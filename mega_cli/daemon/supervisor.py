"""The work of one profile's daemon: a worker for each background pair, the feed that wakes them, and how all stand.

It decides nothing about pairs: which there are stands in `pairs.json`, what each does is its worker's. It fulfils
`Supervised`, and relies on the process around it for the lock that makes it the only one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Final, final

import msgspec

from mega_cli.account.pace import open_pace
from mega_cli.daemon.feed_watch import FeedWatch, open_feed
from mega_cli.daemon.inbox import Word
from mega_cli.daemon.live_pair import open_live, session_mark
from mega_cli.daemon.status import DaemonStatus, FeedState, PairStatus
from mega_cli.daemon.worker import Ways, Worker
from mega_cli.errors import LockedError, MissingItemError
from mega_cli.localfs.choose_hints import choose_hints
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.sync.real_world import RealClock
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home

_LEND_S: Final = 20.0
_APART_S: Final = 10.0
"""Between two connections of the feed."""


@final
class Supervisor:
    """All of it. Its methods may be called from any thread."""

    def __init__(self, home: Home, ways: Ways | None = None, *, lend_s: float = _LEND_S) -> None:
        """Begin nothing yet. `ways` replaces how the workers reach the world; a pair must come free within `lend_s`."""
        self._home = home
        self._lend_s = lend_s
        self._ways = ways or Ways(
            open_live=partial(open_live, home, open_pace(home, None)),
            choose_hints=choose_hints,
            clock=RealClock(),
            session_mark=partial(session_mark, home),
            has_slept=self._reconnect,
        )
        self._lock = threading.RLock()
        self._workers: dict[str, Worker] = {}
        self._threads: dict[Worker, threading.Thread] = {}
        self._feed: FeedWatch | None = None
        self._connected_s = float("-inf")
        self._is_stopping = False
        self._changed = threading.Condition()
        self._version = 0
        self._status = DaemonStatus(
            pid=os.getpid(), version=version("mega-cli"), profile=home.profile, started_ms=SystemClock().now_ms()
        )

    # --- the process

    def start(self) -> None:
        """Take up the pairs. Raises SafetyStopError when their list cannot be read."""
        self.reload()
        self._reconnect()

    def stop(self, timeout_s: float) -> bool:
        """End everything in order; gives False when a worker had not ended within the time."""
        with self._lock:
            self._is_stopping = True
            if self._feed is not None:
                self._feed.stop()
            for worker in self._threads:
                worker.inbox.stop()
            threads = list(self._threads.values())
        clock = self._ways.clock
        deadline_s = clock.steady_s() + timeout_s
        for thread in threads:
            thread.join(max(0.0, deadline_s - clock.steady_s()))
        self._tell()
        return not any(thread.is_alive() for thread in threads)

    # --- what is asked

    def status(self) -> tuple[DaemonStatus, list[PairStatus]]:
        """Say how everything stands, the oldest pair first."""
        with self._lock:
            return self._status, [worker.status() for worker in self._workers.values()]

    def changed(self, seen: int, timeout_s: float) -> int:
        """Wait until the status was changed more than `seen` times, or the time is over; give how often it was."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen, timeout_s)
            return self._version

    def wake(self, pair: str) -> None:
        """Sync now; an empty id means all pairs. Raises MissingItemError."""
        self._say(pair, Word.NOW)

    def verify(self, pair: str) -> None:
        """Read every file in the next cycle; an empty id means all pairs. Raises MissingItemError."""
        self._say(pair, Word.VERIFY)

    def reload(self) -> None:
        """Read the pairs anew, and have each look at its settings. Raises SafetyStopError."""
        pairs = {pair.id: pair for pair in open_pairs(self._home).all() if pair.is_background}
        with self._lock:
            if self._is_stopping:
                return
            for id_ in self._workers.keys() - pairs.keys():
                self._workers.pop(id_).inbox.stop()
            self._threads = {worker: thread for worker, thread in self._threads.items() if thread.is_alive()}
            for pair in pairs.values():
                if pair.id in self._workers:
                    self._workers[pair.id].change(pair)
                else:
                    self._begin(pair)
        self._tell()

    @contextmanager
    def lend(self, pair: str) -> Iterator[None]:
        """Let go of a pair while the block lasts. A pair nobody works on is lent at once. Raises LockedError."""
        with self._lock:
            worker = self._workers.get(pair)
            if self._is_stopping:
                message = "the daemon is stopping"
                raise LockedError(message, "run the same command again in a moment")
        if worker is None:
            yield
            return
        with worker.inbox.borrowed(self._lend_s) as is_out:
            if not is_out:
                message = "the daemon is still at work on this folder"
                raise LockedError(message, f"to stop it first: mega syncs pause {pair}")
            yield

    # --- the feed

    def head_moved(self) -> None:
        """Have every worker look at the head."""
        for worker in self._every_worker():
            worker.inbox.say(Word.MOVED)

    def head_is_at(self, revision: int | None) -> None:
        """Pass on what the server says of the head."""
        for worker in self._every_worker():
            worker.hear_revision(revision)

    def feed_stands(self, state: FeedState, message: str) -> None:
        """Note how the feed stands."""
        with self._lock:
            before = self._status
            self._status = msgspec.structs.replace(before, feed=state, feed_message=message)
            is_same = self._status == before
        if not is_same:
            self._tell()

    def _reconnect(self) -> None:
        """Ask on a new connection: the one there is may be dead without anybody having noticed."""
        with self._lock:
            now_s = self._ways.clock.steady_s()
            if self._is_stopping or now_s - self._connected_s < _APART_S:  # every worker notices that it slept
                return
            self._connected_s = now_s
            if self._feed is not None:
                self._feed.stop()
            self._feed = FeedWatch(partial(open_feed, self._home), self._ways.session_mark, self, self._ways.clock)
            threading.Thread(target=self._feed.run, name="feed", daemon=True).start()

    # --- the workers

    def _begin(self, pair: Pair) -> None:
        worker = self._workers[pair.id] = Worker(pair, self._ways, self._tell)
        thread = self._threads[worker] = threading.Thread(target=worker.run, name=f"pair-{pair.id}", daemon=True)
        thread.start()

    def _every_worker(self) -> list[Worker]:
        with self._lock:
            return list(self._workers.values())

    def _say(self, pair: str, word: Word) -> None:
        with self._lock:
            workers = [self._workers[pair]] if pair in self._workers else []
            if not pair:
                workers = self._every_worker()
        if pair and not workers:
            raise MissingItemError(f"the daemon syncs no folder {pair}", "mega syncs")
        for worker in workers:
            worker.inbox.say(word)

    def _tell(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()
