"""What is said when a pair was handed to the daemon. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mega_cli.daemon.status import PairStatus
from mega_cli.daemon.take_up import TakenUp
from mega_cli.reconcile.situation import Mode
from mega_cli.sync.pairs import Pair

_FROM_NOW_ON: Final[Mapping[Mode, str]] = {
    Mode.TWO_WAY: "{local} and {remote} are kept the same from now on",
    Mode.MIRROR_UP: "{remote} is kept as {local} is from now on; what only it has goes to mega's trash",
    Mode.MIRROR_DOWN: "{local} is kept as {remote} is from now on; what only it has goes to the local trash",
    Mode.BACKUP_UP: "what is new and changed in {local} goes to {remote} from now on",
}


def begun_lines(pair: Pair, taken: TakenUp) -> Iterator[str]:
    """Say what happens from now on, and how to see it."""
    if taken.is_started:
        yield "mega: the daemon was started; to end it: mega daemon stop; to have it always: mega autostart on"
    yield f"mega: {_FROM_NOW_ON[pair.mode].format(local=pair.local, remote=pair.remote)}"
    if taken.status is None:
        yield "mega: the daemon has not taken it up yet; to see whether it has: mega status"
    elif taken.status.state == "paused":
        yield f"mega: it is paused; to go on: mega syncs resume {pair.id}"
    else:
        yield "mega: to see how it goes: mega status, or mega status --watch"


def begun_fields(pair: Pair, taken: TakenUp) -> Mapping[str, object]:
    """Build the `summary` document."""
    status: PairStatus | None = taken.status
    return {
        "message_type": "summary",
        "pair": pair.id,
        "local": str(pair.local),
        "remote": str(pair.remote),
        "mode": str(pair.mode),
        "daemon_started": taken.is_started,
        "state": "" if status is None else status.state,
    }
