"""What `mega` and its daemon say to each other: one JSON line a message, over the control socket.

A request is answered by one line, `Status` by `StatusReply`, `Lend` by `Lent`, the rest by `Done`; whatever cannot be
done by `Refused`. `Follow` and `Stop` are answered by a `StatusReply` at once and with each change, until one side
hangs up: the daemon does so when it has stopped. A pair that was lent is taken back when its borrower's connection
closes, however it dies. Unknown fields are passed over, so versions may differ; fields are only ever added. No secret
is ever in a message; paths are, and both ends belong to one user.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mega_cli.daemon.status import DaemonStatus, PairStatus

LINE_MAX_BYTES: Final = 64 * 1024
"""Of a request. What is longer is refused unread."""


class Status(msgspec.Struct, frozen=True, tag_field="do", tag="status"):
    """Say how everything stands."""


class Follow(msgspec.Struct, frozen=True, tag_field="do", tag="follow"):
    """Say how everything stands, now and after every change."""


class Wake(msgspec.Struct, frozen=True, tag_field="do", tag="wake"):
    """Sync now, whatever was waited for; an empty id means all pairs."""

    pair: str = ""


class Reload(msgspec.Struct, frozen=True, tag_field="do", tag="reload"):
    """Pairs or settings were changed: read them anew."""


class Lend(msgspec.Struct, frozen=True, tag_field="do", tag="lend"):
    """End the cycle of a pair, and leave its folder, state and lock to me until I hang up."""

    pair: str


class Verify(msgspec.Struct, frozen=True, tag_field="do", tag="verify"):
    """Read every file of a pair in the next cycle, however unchanged it looks; an empty id means all pairs."""

    pair: str = ""


class Stop(msgspec.Struct, frozen=True, tag_field="do", tag="stop"):
    """Finish what is at hand and end."""


Request = Status | Follow | Wake | Reload | Lend | Verify | Stop


class StatusReply(msgspec.Struct, frozen=True, tag_field="answer", tag="status"):
    """How everything stands, the oldest pair first."""

    daemon: DaemonStatus
    pairs: list[PairStatus]
    is_stopping: bool = False


class Lent(msgspec.Struct, frozen=True, tag_field="answer", tag="lent"):
    """The pair is yours while the connection lasts."""


class Done(msgspec.Struct, frozen=True, tag_field="answer", tag="done"):
    """It was heard, and will be done."""


class Refused(msgspec.Struct, frozen=True, tag_field="answer", tag="refused"):
    """It was not done: the exit code, sentence and hint of the error that the caller raises."""

    code: int
    message: str
    hint: str = ""


Answer = StatusReply | Lent | Done | Refused
