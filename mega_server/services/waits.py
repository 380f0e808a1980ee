"""Requests for the feed that wait, and the one thread of a worker that looks at the database for all of them.

A request that waits holds a thread of the server and nothing else: no connection, no transaction. So at most
`FEED_WAITS` wait at once; whoever comes then is told when to ask again, unless another account holds more than its
share. The notifier wakes a request whose account has moved or whose session has ended, and ends when nobody waits.
It relies on the database alone for what other workers commit; `nudge` only makes it look sooner at our own commits.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from mega_server.database import sessions
from mega_server.logs import LOGGER
from mega_server.protocol.limits import FEED_POLL_S
from mega_server.services.backend import Backend
from mega_server.services.logins import SESSION_IDLE_MS, SignedIn

FEED_WAITS = 8
"""Half the threads of a worker: a test holds `serving` to it."""
# One look costs 0.2 ms. While commits come it looks often, else two or three times a second.
_LOOK_LEAST_S = 0.05
_LOOK_MOST_S = 0.4
# A restart takes about so long.
_STOP_REST_S = 2


@dataclass(eq=False, slots=True)
class _Wait:
    """One request that waits."""

    who: SignedIn
    sequence: int
    """What it has seen of its account."""
    end: threading.Event = field(default_factory=threading.Event)
    rest_s: int = 0
    """How long its client is to rest before it asks again."""


class Waits:
    """What waits in this worker. Safe to share between its threads."""

    def __init__(self, backend: Backend, on_count: Callable[[int], None] = lambda _count: None) -> None:
        """Start nothing yet; `on_count` is told how many wait, whenever that changes."""
        self._backend = backend
        self._on_count = on_count
        self._lock = threading.Lock()
        self._held: list[_Wait] = []
        self._notifier: threading.Thread | None = None
        self._look = threading.Event()
        self._is_stopped = False

    def wait(self, who: SignedIn, sequence: int, wait_s: float) -> int:
        """Wait until the account has moved beyond `sequence`, its session has ended, or for `wait_s`.

        Gives the seconds to rest before asking again: not 0 when there is no room, or no longer. A session waits once:
        its newer request ends the older, whose client has most likely gone without a word.
        """
        mine = _Wait(who, sequence)
        with self._lock:
            if self._is_stopped:
                return _STOP_REST_S
            for wait in [wait for wait in self._held if wait.who.session_id == who.session_id]:
                self._send_away(wait, FEED_POLL_S)
            if not self._make_room(who.account):
                return FEED_POLL_S
            self._held.append(mine)
            self._on_count(len(self._held))
            if self._notifier is None or not self._notifier.is_alive():
                self._notifier = threading.Thread(target=self._notify, name="feed", daemon=True)
                self._notifier.start()
        mine.end.wait(wait_s)
        with self._lock:
            self._let_go(mine)
        return mine.rest_s

    def nudge(self) -> None:
        """Have the notifier look now: this worker has committed something."""
        self._look.set()

    def stop(self) -> None:
        """Send everybody away, and whoever comes from now on: the worker ends."""
        with self._lock:
            self._is_stopped = True
            for wait in list(self._held):
                self._send_away(wait, _STOP_REST_S)
        self._look.set()

    def _make_room(self, account: str) -> bool:
        """Say whether one more of this account may wait; the oldest of an account with two more than it makes room."""
        if len(self._held) < FEED_WAITS:
            return True
        shares = Counter(wait.who.account for wait in self._held)
        largest, count = shares.most_common(1)[0]
        if count < shares[account] + 2:
            return False
        self._send_away(next(wait for wait in self._held if wait.who.account == largest), FEED_POLL_S)
        return True

    def _send_away(self, wait: _Wait, rest_s: int) -> None:
        wait.rest_s = rest_s
        self._let_go(wait)

    def _let_go(self, wait: _Wait) -> None:
        if wait in self._held:
            self._held.remove(wait)
            self._on_count(len(self._held))
        wait.end.set()

    def _notify(self) -> None:
        """Look at the database for everybody who waits, until nobody does."""
        pause_s = _LOOK_LEAST_S
        while True:
            with self._lock:
                waits = list(self._held)
                if not waits:
                    self._notifier = None
                    return
            self._look.clear()
            over = self._over(waits)
            with self._lock:
                for wait in over:
                    self._let_go(wait)
            pause_s = _LOOK_LEAST_S if over else min(2 * pause_s, _LOOK_MOST_S)
            self._look.wait(pause_s)

    def _over(self, waits: list[_Wait]) -> list[_Wait]:
        """Give the waits that are over: all of them when the database fails, so that each request says so."""
        used_after = self._backend.clock() - SESSION_IDLE_MS
        try:
            with self._backend.database.reading() as connection:
                found = sessions.sequences(connection, [wait.who.token_hash for wait in waits], used_after)
        except SQLAlchemyError:
            logging.getLogger(LOGGER).exception("the feed cannot look at the database")
            return waits
        return [wait for wait in waits if found.get(wait.who.token_hash) != wait.sequence]
