"""Teller: hands hints to whoever takes them: one at a time, from any thread, and none after its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

from mega_cli.localfs.hints import EVERYWHERE, Hint


@final
class Teller:
    """What the members of `Hints` tell through."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._take: Callable[[Hint], None] | None = None

    def begin(self, take: Callable[[Hint], None]) -> None:
        """Tell to look everywhere, and from then on whatever comes."""
        with self._lock:
            self._take = take
            take(EVERYWHERE)

    def tell(self, hint: Hint) -> None:
        """Hand a hint over; before the beginning and after the end it is dropped."""
        with self._lock:
            if self._take is not None:
                self._take(hint)

    def end(self) -> None:
        """Hand nothing over any more once this returns."""
        with self._lock:
            self._take = None

    @property
    def is_telling(self) -> bool:
        """Tell whether it has begun and not ended."""
        return self._take is not None
