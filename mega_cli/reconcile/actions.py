"""What the planner answers: facts about nodes, which the executor checks at the last moment, and skips, never forces.

A step runs after the steps it names. Whatever part of a plan is carried out, and whatever is lost on the way, what is
observed next is again a situation the planner knows; so nothing of a plan is ever kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import Reason

# --- on this disk -----------------------------------------------------------------------------------------------------


class MakeFolder(NamedTuple):
    """Make an empty folder where nothing is."""

    node: Node


class FetchFile(NamedTuple):
    """Publish the remote's content and attributes: over `before`, its present state here, or where nothing is."""

    node: Node
    before: Node | None


class WriteLink(NamedTuple):
    """Publish a symbolic link: over `before`, or where nothing is."""

    node: Node
    before: Node | None


class MoveNode(NamedTuple):
    """Rename from the place of `before` to the free place of `node`; nothing else of it changes."""

    node: Node
    before: Node


class ParkNode(NamedTuple):
    """Rename out of the way, because a circle of moves needs the place; a `MoveNode` of the same node follows.

    In the volume a `PutNode` of the same node follows, in the same commit: nobody sees the node anywhere else.
    """

    before: Node


class DescribeNode(NamedTuple):
    """Set mode and time; content and place are those of `before` already."""

    node: Node
    before: Node


class TrashNode(NamedTuple):
    """Move a file or link into the local trash."""

    before: Node


class RemoveFolder(NamedTuple):
    """Remove a folder that should be empty by now; one that is not stays."""

    before: Node


LocalAction = MakeFolder | FetchFile | WriteLink | MoveNode | ParkNode | DescribeNode | TrashNode | RemoveFolder

# --- in the volume ----------------------------------------------------------------------------------------------------


class PutNode(NamedTuple):
    """Let the node be so in the volume. `before` is its present state there, None for a new one.

    The content is uploaded from this disk when the digest is another than `before`'s, or there is no `before`.
    """

    node: Node
    before: Node | None

    @property
    def has_content(self) -> bool:
        """Tell whether content has to be uploaded."""
        return self.node.kind == "f" and (self.before is None or self.before.digest != self.node.digest)


class RemoveNode(NamedTuple):
    """Take the node out of the volume's folder, into the volume's trash."""

    before: Node


RemoteAction = PutNode | RemoveNode | ParkNode

# --- a plan -----------------------------------------------------------------------------------------------------------

A = TypeVar("A", LocalAction, RemoteAction)


@dataclass(frozen=True, slots=True)
class Step(Generic[A]):
    """An action, and the indices of the steps of the same list that must have succeeded before it: all smaller."""

    action: A
    after: tuple[int, ...] = ()


class Identity(NamedTuple):
    """A node of this disk takes another id, before anything else is done and durably.

    `id_after` is the id of the remote node it is one with, or a fresh one for a conflict copy.
    """

    id_before: NodeId
    id_after: NodeId


class Event(StrEnum):
    """What the user should be told of a decision; `output` has the words."""

    CONFLICT_COPY = "conflict-copy"
    EDIT_BEATS_DELETE = "edit-beats-delete"
    MOVE_BEATS_DELETE = "move-beats-delete"
    CHILD_KEEPS_FOLDER = "child-keeps-folder"
    MOVE_UNDONE = "move-undone"
    """Both sides moved it, or the moves made a circle: the remote's stands."""
    RENAMED_APART = "renamed-apart"
    """Two nodes met under one name, and this one got another."""
    TOOK_REMOTE_VERSION = "took-remote-version"
    """After the base was lost: the local file was an older version of the remote one."""


class Notice(NamedTuple):
    """Something the user should hear about. `path` is where it lies in the end; `other` the second path, if any."""

    event: Event
    id: NodeId
    path: tuple[str, ...]
    other: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show no name."""
        return f"Notice({self.event}, {self.id.hex()[:8]})"


class Stall(NamedTuple):
    """A node that nothing is done about now, and why."""

    id: NodeId
    path: tuple[str, ...]
    reason: Reason

    def __repr__(self) -> str:
        """Show no name."""
        return f"Stall({self.id.hex()[:8]}, {self.reason})"


class Side(StrEnum):
    """Where deletions would happen."""

    LOCAL = "local"
    REMOTE = "remote"


class Hold(NamedTuple):
    """Deletions of one side that wait for the user."""

    side: Side
    ids: tuple[NodeId, ...]
    """Every node that would be deleted, sorted."""
    files: int
    paths: tuple[tuple[str, ...], ...]
    """The first few, for people."""

    def __repr__(self) -> str:
        """Show no name."""
        return f"Hold({self.side}, files={self.files})"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. The lists are in an order in which they can be carried out."""

    identities: tuple[Identity, ...] = ()
    local: tuple[Step[LocalAction], ...] = ()
    remote: tuple[Step[RemoteAction], ...] = ()
    """They make one new root, or several, cut between steps; never between two steps of one node."""
    absent: tuple[tuple[NodeId, Reason], ...] = ()
    """All nodes that are not on this disk on purpose from now on, sorted: what the next situation is told."""
    stalls: tuple[Stall, ...] = ()
    notices: tuple[Notice, ...] = ()
    holds: tuple[Hold, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is to be done: stalls and holds may be left."""
        return not (self.identities or self.local or self.remote)
