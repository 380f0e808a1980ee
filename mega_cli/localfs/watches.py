"""Watches: what the system tells of one folder, from the moment it is asked until it is closed. `WatchdogHints` asks.

Members: `InotifyWatches` (Linux) and `ObserverWatches` (everywhere else). Promises of both:
- Making one watches the folder itself. Raises OSError when that cannot be.
- `tell` is called from other threads, for what changes in watched folders; never for `.mega`. `heard` is set when the
  canary was written. Neither is called after `close`.
- `watch` gives False when it is certain that this very folder was watched at this place already, so that every change
  in it was told as a change of this place. Raises OSError when a folder cannot be watched.
- `is_well` is False once nothing more will be told: a thread died, or the folder is gone from under its watch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import Hint

OWN: Final[Place] = (b".mega",)
CANARY: Final[Place] = (b".mega", b"canary")
CLOSE_S: Final = 4.0
"""How long a thread is waited for at the end."""


class Watches(Protocol):
    """What the system tells."""

    def watch(self, place: Place) -> bool:
        """Watch a folder, and tell whether it was not watched here before. Raises OSError."""

    def is_well(self) -> bool:
        """Tell whether it still works, as far as can be seen from outside."""

    def close(self) -> None:
        """End it and its threads."""


class OpenWatches(Protocol):
    """Who asks the system."""

    def __call__(self, local: bytes, tell: Callable[[Hint], None], heard: threading.Event) -> Watches:
        """Begin. Raises OSError."""
