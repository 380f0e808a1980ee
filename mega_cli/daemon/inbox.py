"""What a worker hears from others: hints of its folder, words of the user, and whether it is to let go of its pair.

Any thread puts in, the worker alone takes out. Nothing here decides anything. Hints are kept by place with the time of
the newest, so a tree that is written for an hour costs as much as one pass over it; of too many only "everywhere"
stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final, NamedTuple

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Hint

WaitFor = Callable[[threading.Condition, Callable[[], bool], float], object]
_HINTS_MOST: Final = 20_000


class Word(Enum):
    """What a worker may be told."""

    NOW = auto()
    """The user wants a cycle now, whatever was waited for."""
    MOVED = auto()
    """The volume may have a new head."""
    VERIFY = auto()
    """Read every file again."""
    LOOK = auto()
    """Something about the pair, the session or the settings is another: look."""


class Heard(NamedTuple):
    """What came since the last time: hints with the steady time of each, the oldest first, and words."""

    hints: list[tuple[Hint, float]]
    words: frozenset[Word]


class Inbox:
    """One worker's. `steady_s` stamps the hints."""

    def __init__(self, steady_s: Callable[[], float], wait_for: WaitFor = threading.Condition.wait_for) -> None:
        """Nothing was heard yet. `wait_for` is how time passes."""
        self._steady_s = steady_s
        self._wait_for = wait_for
        self._changed = threading.Condition()
        self._hints: dict[tuple[Place | None, bool], tuple[Hint, float]] = {}
        self._words: set[Word] = set()
        self._borrowers = 0
        self._is_out = False
        self._is_stopping = False
        self._wakes_on_hint = False

    # --- any thread

    def hint(self, hint: Hint) -> None:
        """Put a hint in; quick, and never raises."""
        with self._changed:
            if len(self._hints) >= _HINTS_MOST:
                self._hints.clear()
                hint = EVERYWHERE
            key = hint.place, hint.is_folder
            self._hints.pop(key, None)  # the newest about a place counts, and comes after what is older
            self._hints[key] = hint, self._steady_s()
            if self._wakes_on_hint:
                self._changed.notify_all()

    def say(self, word: Word) -> None:
        """Say a word."""
        with self._changed:
            self._words.add(word)
            self._changed.notify_all()

    def stop(self) -> None:
        """Have the worker end."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    @contextmanager
    def borrowed(self, timeout_s: float) -> Iterator[bool]:
        """Have the worker keep out of its pair for a block; gives whether it was out within the time."""
        with self._changed:
            self._borrowers += 1
            self._changed.notify_all()
        try:
            with self._changed:
                is_out = self._changed.wait_for(lambda: self._is_out, timeout_s)
            yield is_out
        finally:
            with self._changed:
                self._borrowers -= 1
                self._changed.notify_all()

    # --- the worker

    @property
    def is_stopping(self) -> bool:
        """Tell whether the worker is to end."""
        return self._is_stopping

    @property
    def is_lent(self) -> bool:
        """Tell whether the worker is to keep out of its pair."""
        return self._borrowers > 0

    @property
    def wants_out(self) -> bool:
        """Tell whether the worker is to let go of its pair, in the middle of a cycle if need be."""
        return self._is_stopping or self._borrowers > 0

    @contextmanager
    def out(self) -> Iterator[None]:
        """Tell borrowers that the pair is free while the block lasts."""
        with self._changed:
            self._is_out = True
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._is_out = False

    def wait(self, timeout_s: float, *, wakes_on_hint: bool = False, is_lent: bool = False) -> Heard:
        """Wait for a word, the end and, if so told, a hint; give all that came.

        `is_lent` says who the caller believes has the pair: it is news when somebody else has.
        """
        with self._changed:

            def is_news() -> bool:
                is_other = self._is_stopping or (self._borrowers > 0) != is_lent
                return is_other or bool(self._words) or (wakes_on_hint and bool(self._hints))

            self._wakes_on_hint = wakes_on_hint
            self._wait_for(self._changed, is_news, timeout_s)
            self._wakes_on_hint = False
            heard = Heard(list(self._hints.values()), frozenset(self._words))
            self._hints, self._words = {}, set()
            return heard
