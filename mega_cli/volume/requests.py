"""What the commands ask of the services, and what they get back: frozen values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from mega_cli.paths.filters import Filters

TRANSFERS = 3
"""Threads that move bytes unless told otherwise: one on the wire, one in the server's hash, one in its fsync."""
TRANSFERS_MOST = 16
"""As many as the transport keeps connections."""

Overwrite = Literal["refuse", "always", "if-changed", "if-newer", "never"]
"""`refuse` (the default): a file that differs is a problem, listed, exit code 3."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One item that failed or was left out."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class MostDeleted:
    """How much a run with --delete may delete: `percent` of the items in its folders, or `count` of them."""

    count: int | None = None
    percent: int = 50

    def allows(self, doomed: int, total: int) -> bool:
        """Decide about so many of so many items."""
        return doomed <= self.count if self.count is not None else doomed * 100 <= self.percent * total

    def __str__(self) -> str:
        """Write it as the option takes it."""
        return f"{self.percent}%" if self.count is None else str(self.count)


@dataclass(frozen=True, slots=True)
class PutOptions:
    """How to put. `compress` is zstd level 1 where it helps."""

    filters: Filters = field(default_factory=Filters)
    is_dry_run: bool = False
    compress: bool = True
    stays_on_one_filesystem: bool = False
    transfers: int = TRANSFERS
    deletes: MostDeleted | None = None
    """None: nothing is deleted."""


class Readable(Protocol):
    """What content is read from."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer from its start and give the count; 0 at the end."""


@dataclass(frozen=True, slots=True)
class PutStream:
    """Standard input as a file: it becomes the destination itself."""

    stream: Readable


@dataclass(frozen=True, slots=True)
class PutSummary:
    """What a put did. `sent_bytes` counts sealed bytes uploaded; `revision` is None when nothing was committed."""

    new: int
    changed: int
    unchanged: int
    folders: int
    content_bytes: int
    sent_bytes: int
    problems: tuple[Problem, ...]
    revision: int | None
    deleted: int = 0
    """Of a folder that goes whole, itself alone."""
    safety_stop: str = ""
    """Why nothing was deleted although there was something to delete."""


@dataclass(frozen=True, slots=True)
class GetOptions:
    """How to get."""

    filters: Filters = field(default_factory=Filters)
    is_dry_run: bool = False
    overwrite: Overwrite = "refuse"
    with_trash: bool = False
    """With the root: what is in the trash as well, in a folder of its own."""
    transfers: int = TRANSFERS
    deletes: MostDeleted | None = None
    """None: nothing is deleted."""


@dataclass(frozen=True, slots=True)
class GetSummary:
    """What a get did. `received_bytes` counts sealed bytes downloaded."""

    new: int
    changed: int
    unchanged: int
    folders: int
    content_bytes: int
    received_bytes: int
    problems: tuple[Problem, ...]
    deleted: int = 0
    safety_stop: str = ""
    """Why nothing was deleted although there was something to delete."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: a path relative to what was asked, and its entry's facts."""

    path: str
    kind: str
    size_bytes: int
    mtime_ns: int
    mode: int
    target: str
    node_id: bytes


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """What mkdir, mv, cp or rm did."""

    items: int
    revision: int | None


@dataclass(frozen=True, slots=True)
class VolumeState:
    """What `mega state` shows. `words` are six words that equal states share on every device."""

    revision: int
    words: tuple[str, ...]
    time_ms: int
    is_pinned: bool
    digest: bytes
