"""Hand pairs to the daemon: start it where none runs, tell it where one does, see that it takes them up and goes on.

It syncs nothing itself and waits for no cycle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from mega_cli.daemon import client
from mega_cli.daemon.detach import start_daemon
from mega_cli.daemon.status import PairStatus
from mega_cli.errors import MegaError
from mega_cli.sync.pairs import Pair
from mega_cli.system.directories import Home

_TAKEN_UP_S: Final = 5.0
_LOOK_S: Final = 0.05


class TakenUp(NamedTuple):
    """Whether a daemon was started for it, and how the pair stands; None when it was not taken up in time."""

    is_started: bool
    status: PairStatus | None


def take_up(home: Home, pair: str, log_level: str = "") -> TakenUp:
    """Have the daemon take up a pair that is its own. Raises what keeps a daemon from starting, or from answering."""
    is_started = start_daemon(home, log_level)
    if not is_started:
        client.reload(home)
    deadline_s = time.monotonic() + _TAKEN_UP_S
    while (reply := client.status(home)) is not None:
        found = next((one for one in reply.pairs if one.id == pair), None)
        if found is not None or time.monotonic() > deadline_s:
            return TakenUp(is_started, found)
        time.sleep(_LOOK_S)
    return TakenUp(is_started, None)


def go_on(home: Home, pair: Pair, note: Callable[[str], None]) -> bool:
    """Have the daemon act on what the user decided about a pair of its own. Gives whether it will.

    A daemon that cannot be told hinders no decision, only earns a note.
    """
    if not pair.is_background:
        return False
    try:
        return client.wake(home, pair.id)
    except MegaError as error:
        note(f"mega: the daemon was not told: {error.message}; {error.hint}")
        return False
