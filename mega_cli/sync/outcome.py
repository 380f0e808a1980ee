"""Outcome: what came of a cycle's actions, as it is gathered. It decides only why a node is to stand still."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, final

from mega_cli.errors import IntegrityError, LimitError, MegaError, TemporaryError
from mega_cli.localfs.disk import MOVED_ON
from mega_cli.localfs.failures import SourceChangedError, failure
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.remote import RemoteMovedError
from mega_cli.sync.report import Failure

_REASONS: Final = {
    errno.ENOSPC: Reason.NO_SPACE,
    errno.EDQUOT: Reason.NO_SPACE,
    errno.EBUSY: Reason.FILE_IN_USE,
    errno.ETXTBSY: Reason.FILE_IN_USE,
    errno.ENAMETOOLONG: Reason.NAME_TOO_LONG,
    errno.EILSEQ: Reason.NAME_ILLEGAL,
    errno.ENOTEMPTY: Reason.DIR_NOT_EMPTY,
}
_SHARED: Final = frozenset({32, 33})
"""How Windows says that another program has the file open."""


class Watch(Protocol):
    """Who is told how a cycle goes on: a progress display."""

    def planned(self, plan: Plan) -> None:
        """Hear what will be done."""

    def sent(self, node: Node) -> None:
        """Hear that a file's content went up."""

    def received(self, node: Node) -> None:
        """Hear that a file's content came down and stands in its place."""


@final
class Silent:
    """Tells nobody."""

    def planned(self, plan: Plan) -> None:
        """Keep it."""

    def sent(self, node: Node) -> None:
        """Keep it."""

    def received(self, node: Node) -> None:
        """Keep it."""


@final
@dataclass(slots=True)
class Outcome:
    """Counts of one cycle, and what failed. `path_of` says how a node is called in a message."""

    path_of: Callable[[Node], str]
    watch: Watch = field(default_factory=Silent)
    uploaded: int = 0
    downloaded: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    commits: int = 0
    local_changes: int = 0
    remote_changes: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    stalls: dict[NodeId, tuple[Node, Reason]] = field(default_factory=dict)
    """Nodes that are not tried again for a while."""
    acted: set[NodeId] = field(default_factory=set)
    """Nodes that something was done about."""
    waiting_s: float = 0.0

    def published(self, node: Node) -> None:
        """Count what was written on this disk; files are what was fetched."""
        if node.kind == "f":
            self.downloaded += 1
            self.received_bytes += node.size
            self.watch.received(node)

    def stored(self, node: Node) -> None:
        """Count a file whose content went up."""
        self.uploaded += 1
        self.sent_bytes += node.size
        self.watch.sent(node)

    def failed_on_disk(self, node: Node, error: OSError) -> None:
        """Note what the disk said; a place that is another by now is no failure."""
        if error.errno in MOVED_ON:
            self.skipped += 1
        else:
            in_use = getattr(error, "winerror", 0) in _SHARED
            self.failed(node, failure(error, node.name), errno.EBUSY if in_use else error.errno or 0)

    def failed(self, node: Node, error: MegaError, number: int = 0, limit: Reason = Reason.NO_SPACE) -> None:
        """Note a failure. `number`: the system's errno; `limit`: which limit a LimitError means.

        What changed meanwhile is no failure, and what may pass is tried again at once.
        """
        if isinstance(error, RemoteMovedError | SourceChangedError):
            self.skipped += 1
            return
        self.failures.append(Failure(self.path_of(node), error))
        if isinstance(error, TemporaryError):
            return
        reason = _REASONS.get(number, Reason.FAILED)
        if isinstance(error, IntegrityError):
            reason = Reason.BAD_BLOB
        elif isinstance(error, LimitError) and reason is Reason.FAILED:
            reason = limit
        self.stalls[node.id] = (node, reason)
