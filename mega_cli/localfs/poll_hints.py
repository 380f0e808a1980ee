"""PollHints: look everywhere every period, where the system tells nothing of changes, or not of all.

So it is for network file systems and FUSE: what another computer changes there leads to no event here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, IDLE, Health, Hint
from mega_cli.localfs.rhythm import Rhythm
from mega_cli.localfs.teller import Teller

POLL_S: Final = 60.0


@final
class PollHints:
    """A member without threads: it tells from inside `start` and `tick`."""

    def __init__(self, why: str, hint: str, *, period_s: float = POLL_S) -> None:
        """Poll every `period_s`; `why` and `hint` stand in `health`."""
        self._health = Health("polling", why, hint)
        self._rhythm = Rhythm(period_s)
        self._teller = Teller()

    def start(self, take: Callable[[Hint], None]) -> None:
        """Begin to tell; once."""
        self._teller.begin(take)

    def watch(self, place: Place) -> bool:  # noqa: ARG002 -- nothing is watched, whatever it is
        """Say that the folder is to be listed, always."""
        return True

    def stop(self) -> None:
        """Tell nothing more."""
        self._teller.end()

    def health(self) -> Health:
        """Say how much is noticed now."""
        return self._health if self._teller.is_telling else IDLE

    def tick(self, steady_s: float) -> float:
        """Do what is due at this steady time, and say in how many seconds to be called again."""
        if self._rhythm.is_due(steady_s):
            self._teller.tell(EVERYWHERE)
        return self._rhythm.wait_s(steady_s)
