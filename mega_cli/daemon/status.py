"""How the daemon and its pairs stand, as values: what the control socket carries and `mega status --json` prints.

Pure. It must never say more than is known: "up-to-date" is what `worker.py` has proved, nothing is assumed here. Paths
are text as `text_from_disk` writes them, so that any bytes a path may have go through JSON.
"""

from __future__ import annotations

from typing import Final, Literal, final

import msgspec

PairState = Literal[
    "starting",
    "scanning",
    "syncing",
    "up-to-date",
    "waiting",
    "paused",
    "offline",
    "held",
    "attention",
    "frozen",
    "lent",
    "stopped",
]
"""What a pair does, or why it does nothing:

| state | meaning |
|---|---|
| starting | the folder, the state and the session are being opened |
| scanning | the folder is looked at |
| syncing | a plan is carried out |
| up-to-date | both sides were seen equal, and nothing is known to have changed since |
| waiting | something rests and is tried again by itself: a young file, a failure, a full disk |
| paused | until `paused_until_ms`, or until the user resumes |
| offline | the server is not reached; what is pending goes on when it is |
| held | deletions wait for the user's word; everything else goes on |
| attention | items stand still, or conflicts wait to be resolved; everything else goes on |
| frozen | a safety stop: nothing is written until what `hint` names was done, or the cause went away |
| lent | a command works on the pair at the moment |
| stopped | a bug of ours; the other pairs go on |
"""

FeedState = Literal["starting", "live", "polling", "offline", "signed-out"]
"""How changes made elsewhere are heard of: at once, by asking now and then, or not at all at the moment."""

FOR_GOOD: Final = -1
"""A pause without an end."""


@final
class PairStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One pair. Times are milliseconds since 1970, 0 for never; counts are as of the last cycle."""

    id: str
    local: str
    remote: str
    mode: str
    state: PairState = "starting"
    since_ms: int = 0
    """When this state began."""
    message: str = ""
    """Why, when it is not plain from the state."""
    hint: str = ""
    """What to do about it; a command can be pasted."""
    error: str = ""
    """The name of the error behind it, as `docs/exit-codes.md` lists them."""
    pending: int = 0
    """Places with a change that is not on both sides yet, as far as is known."""
    stalled: int = 0
    held: int = 0
    """Files whose deletion waits for the user."""
    conflicts: int = 0
    absent: int = 0
    """Items of the volume that this disk cannot hold."""
    files_done: int = 0
    """Of the plan that is being carried out, also the six below; while scanning, of the places looked at."""
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_up_done: int = 0
    """What of `bytes_done` goes up to the volume; the rest comes down."""
    bytes_up_total: int = 0
    left_s: int = -1
    """How long the plan will still take, at the pace of now; -1: not known."""
    last_checked_ms: int = 0
    """When the volume's head was verified last."""
    last_scan_ms: int = 0
    """When the whole folder was looked at last."""
    watcher: str = ""
    """How this folder's changes are heard of: watching, polling, partly, broken; empty while nobody listens."""
    watcher_message: str = ""
    watcher_hint: str = ""
    paused_until_ms: int = 0
    """0: not paused; `FOR_GOOD`: until the user resumes."""


@final
class DaemonStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The process itself."""

    pid: int
    version: str
    profile: str
    started_ms: int
    feed: FeedState = "starting"
    feed_message: str = ""
    """Why changes made elsewhere are not heard of at once, when they are not."""
