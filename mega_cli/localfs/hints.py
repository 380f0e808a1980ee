"""Hints: somebody tells where to look. Sync finds everything without them too, only later.

A hint claims nothing but that a look may be worth it: it may come late, twice, in any order, about what is gone, or for
no reason. What happened is decided by listing and looking, never by a hint. Members: `WatchdogHints`
(`watch_hints.py`), `PollHints` (`poll_hints.py`) and `SimHints` (`sim_hints.py`); `choose_hints` (`choose_hints.py`)
takes the right one. All pass `tests/contract/test_hints.py`.

What the scanner does: before it lists a folder it calls `watch` for it, and after the listing for each folder in it.
Where that gives True, changes may have gone by untold, so this folder is listed too, and so down to the end; where it
gives False, a folder that needs no look is left alone. That is all that folders need which are made quickly, moved in,
moved along, replaced under the same inode number, or cannot be watched.

Promises of every member:
- The first hint after `start` is `Hint(None)`, and it comes while `start` runs. Once `watch` has given False for a
  folder, or True and it was listed afterwards, whatever changes in it is told: by a hint of its place, or by
  `Hint(None)`. A member that notices that it missed something gives `Hint(None)`, and `watch` gives True again; what it
  cannot notice stands in `health`, and is looked at every period. All that only if `tick` is called when it is due.
- `take` is called from threads of the member or from inside `start`, `watch` and `tick`, never two calls at once. It
  must be quick, must not raise, and must not call the member: it puts the hint somewhere and returns.
- After `stop` has returned `take` is not called again and no thread is left; it returns within 5 s whatever the disk
  does. `stop` may be called twice and without `start`; a stopped member is not started again.
- No hint is about `.mega` or what lies in it. Reading and listing lead to no hints; our own writes do, like any.
- `watch` may be called from any thread and for anything, also for what is no folder, what is gone, before `start` and
  after `stop`: it never raises.
- `tick` and `health` may be called at any time; trouble of the system is never raised, it stands in `health`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, Protocol

from mega_cli.localfs.disk import Place


class Hint(NamedTuple):
    """Where to look."""

    place: Place | None
    """The folder whose listing may have changed, with what it leads to, or a file; None: look everywhere."""
    is_folder: bool = True
    """False: `place` is the file itself, or was; its folder is to be listed."""
    was_closed: bool = False
    """Whoever wrote the file closed it: it need not grow old. A later hint about it without this takes it back."""


EVERYWHERE: Final = Hint(None)


class Health(NamedTuple):
    """How much a member notices. `message` and `hint` are for the user, "" when all is well."""

    state: Literal["watching", "polling", "partly", "broken"]
    """All is watched; all is looked at every period; parts of it are; nothing is noticed."""
    message: str = ""
    """One sentence that says what is wrong."""
    hint: str = ""
    """A command that mends it, or what else to do."""


IDLE: Final = Health("broken", "nothing is watched: it was not started, or stopped", "mega daemon start")


class Hints(Protocol):
    """What tells about one synced folder."""

    def start(self, take: Callable[[Hint], None]) -> None:
        """Begin to tell; once."""

    def watch(self, place: Place) -> bool:
        """Watch a folder; True when changes may have gone by untold until now, so it is to be listed, and all below."""

    def stop(self) -> None:
        """Tell nothing more."""

    def health(self) -> Health:
        """Say how much is noticed now."""

    def tick(self, steady_s: float) -> float:
        """Do what is due at this steady time, and say in how many seconds to be called again: never less than 0.

        A call that comes too early does no harm; one that comes late delays what it should have done.
        """
