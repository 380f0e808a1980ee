"""The feed of one profile: a thread that asks the server whether a volume has moved, and tells whoever listens.

What the server says is a hint: nothing is fetched or believed here, heads are verified by the workers. Whatever goes
wrong leaves them polling: while the feed is not heard, they are told to look at least about once a minute.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final, Protocol, final

from mega_cli.account import open_session
from mega_cli.account.connection import connect_session
from mega_cli.api.feed import FEED_WAIT_MOST_S, FeedAnswer, FeedPace
from mega_cli.api.retry import RetryableError
from mega_cli.crypto.keys import MasterKeys
from mega_cli.daemon.status import FeedState
from mega_cli.errors import MegaError, NotInitialisedError, NotLoggedInError
from mega_cli.localfs.failures import failure
from mega_cli.model import VolumeId
from mega_cli.sync.world import Clock
from mega_cli.system.directories import Home

_POLL_S: Final = 60.0
_FIRST_S: Final = 1.0
_SIGNED_OUT_S: Final = 5.0
_LONG_REST_S: Final = 5.0
"""A server that wants to be left alone for longer does not hold questions."""


class Feed(Protocol):
    """Who is asked: a `ServerClient`."""

    def feed(self, after: str, wait_s: float) -> FeedAnswer:
        """Ask whether a volume has moved."""

    def close(self) -> None:
        """Close the connections."""


OpenFeed = Callable[[], tuple[Feed, VolumeId]]
"""Connects, and names the volume that is asked about. Raises as `open_session`."""


class Listener(Protocol):
    """Who is told; from the feed's thread."""

    def head_moved(self) -> None:
        """Hear that the head should be looked at: it may have moved, or nothing was heard for too long."""

    def head_is_at(self, revision: int | None) -> None:
        """Hear which revision the server says the head has; None: the one it had."""

    def feed_stands(self, state: FeedState, message: str) -> None:
        """Hear how the feed stands."""


@final
class FeedWatch:
    """Asks until it is stopped. A question that is waited for when it is stopped ends by itself, unheard."""

    def __init__(
        self,
        open_feed: Callable[[], tuple[Feed, VolumeId]],
        session_mark: Callable[[], object],
        listener: Listener,
        clock: Clock,
        *,
        wait: Callable[[float], bool] | None = None,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        """Ask nothing yet. `wait` passes the time and tells whether it is stopped; `fraction` is uniform in [0, 1)."""
        self._open_feed = open_feed
        self._session_mark = session_mark
        self._listener = listener
        self._clock = clock
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._fraction = fraction
        self._heard_s = clock.steady_s()
        self._failures = 0

    def stop(self) -> None:
        """Tell nobody anything more."""
        self._stopped.set()

    def run(self) -> None:
        """Ask on and on; the body of a thread."""
        while not self._stopped.is_set():
            mark = self._session_mark()
            try:
                feed, volume = self._open_feed()
                with closing(feed):
                    self._ask(feed, volume)
            except (NotLoggedInError, NotInitialisedError) as error:
                self._stand("signed-out", error.message)
                self._tell_silence()  # each worker finds out what that means for it
                self._wait_for_login(mark)
                self._failures = 0
            except MegaError as error:
                self._failures += 1
                self._stand("offline" if isinstance(error, RetryableError) else "polling", error.message)
                self._rest(error)
            except OSError as error:  # of the session's file: this thread must outlive it
                self._failures += 1
                told = failure(error, b"session.json")
                self._stand("polling", told.message)
                self._rest(told)

    def _ask(self, feed: Feed, volume: VolumeId) -> None:
        """Ask with one session, until something fails."""
        pace, cursor = FeedPace(), ""
        while not self._stopped.is_set():
            began_s = self._clock.steady_s()
            answer = feed.feed(cursor, FEED_WAIT_MOST_S)
            if self._stopped.is_set():
                return
            cursor, self._failures = answer.cursor, 0
            self._heard_s = self._clock.steady_s()
            is_held = answer.rest_s < _LONG_REST_S
            self._stand("live" if is_held else "polling", "" if is_held else "the server does not hold the question")
            if answer.is_reset:
                self._listener.head_moved()
            else:
                self._listener.head_is_at(answer.revisions.get(volume))
            self._wait(pace.rest_s(answer, self._heard_s - began_s))

    def _rest(self, error: MegaError) -> None:
        """Wait before the next question: as long as the server says, else longer each time, up to about a minute."""
        wait_s = min(_POLL_S, _FIRST_S * 2.0 ** min(self._failures - 1, 10)) * (0.8 + 0.4 * self._fraction())
        named_s = error.retry_after_s if isinstance(error, RetryableError) else None
        self._wait(wait_s if named_s is None else min(max(named_s, wait_s), _POLL_S))
        if not self._stopped.is_set() and self._clock.steady_s() - self._heard_s >= _POLL_S:
            self._tell_silence()

    def _tell_silence(self) -> None:
        if not self._stopped.is_set():
            self._heard_s = self._clock.steady_s()
            self._listener.head_moved()

    def _wait_for_login(self, mark: object) -> None:
        while not self._wait(_SIGNED_OUT_S) and self._session_mark() == mark:
            pass

    def _stand(self, state: FeedState, message: str) -> None:
        if not self._stopped.is_set():
            self._listener.feed_stands(state, message)


def open_feed(home: Home) -> tuple[Feed, VolumeId]:
    """Connect with the session of a profile, and name its volume; nothing is sent yet. Raises as `open_session`."""
    session = open_session(home)
    return connect_session(session), MasterKeys(session.master_key, session.epoch).volume_id
