"""The volume that several `SimFolder`s share: a chain of records, blobs, and what is shown to whom.

Nothing is sealed and nothing waits: plain values in dictionaries, so that thousands of runs a minute can be made. It
never touches clock, chance or disk; the same calls always give the same volume.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, final

from mega_cli.errors import BugError, SafetyStopError
from mega_cli.reconcile.nodes import ROOT, Node, NodeId
from mega_cli.sync.remote import Edit

SimTree = Mapping[NodeId, Node]
"""Never changed once a record holds it."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimRecord:
    """One revision. `tree` is None while the folder does not exist."""

    revision: int
    digest: bytes
    prev: SimRecord | None
    tree: SimTree | None
    folder: bytes
    """Which folder, 16 bytes, and which state of it, 8 bytes."""

    def chain(self) -> Iterator[SimRecord]:
        """Yield this one and all before it, the newest first."""
        at: SimRecord | None = self
        while at is not None:
            yield at
            at = at.prev

    def descends_from(self, other: SimRecord) -> bool:
        """Tell whether `other` is on the way."""
        for record in self.chain():
            if record.revision <= other.revision:
                return record is other
        return False


class SimContent(NamedTuple):
    """Content that was stored."""

    size: int
    digest: bytes


@dataclass(slots=True)
class LateCommit:
    """A commit under way."""

    branch: str
    base: SimRecord
    record: SimRecord
    removed: list[Node]


@final
class SimVolume:
    """The server and its disk. Everything in it may be looked at and changed between calls."""

    def __init__(self) -> None:
        """Make a volume whose folder is empty."""
        self._count = 0
        self.blobs: dict[bytes, bytes] = {}
        """Content by digest; take one away, or change it, and who fetches it sees an IntegrityError."""
        self.trash: list[Node] = []
        """What commits removed, in order."""
        self.swept: set[bytes] = set()
        """States of the folder, as in `SimRecord.folder`, whose pages are gone."""
        self.pins: dict[str, SimRecord] = {}
        """What each device saw last: theirs, kept here because it outlives a crash."""
        self.late: list[LateCommit] = []
        first = SimRecord(1, self._fresh(32), None, {}, self._fresh(16) + self._fresh(8))
        self.heads: dict[str, SimRecord] = {"main": first}
        """What the server shows, by branch."""

    @property
    def tree(self) -> SimTree:
        """Give the folder of the main branch; empty when it does not exist."""
        return self.heads["main"].tree or {}

    def fork(self, branch: str, base: str = "main") -> None:
        """Let a second history begin at a head, for clients whose `branch` is set so."""
        self.heads[branch] = self.heads[base]

    def roll_back(self, revisions: int, branch: str = "main") -> None:
        """Show an older head from now on."""
        self.heads[branch] = next(islice(self.heads[branch].chain(), revisions, None))

    def change_elsewhere(self, branch: str = "main") -> None:
        """Commit something outside the folder."""
        head = self.heads[branch]
        self.heads[branch] = self.sealed(head, head.tree, head.folder)

    def put_tree(self, nodes: Iterable[Node], branch: str = "main") -> None:
        """Commit a whole state of the folder, as any other client may."""
        head = self.heads[branch]
        tree = {node.id: node for node in nodes}
        self.heads[branch] = self.sealed(head, tree, self.next_folder(head.folder))

    def remove_folder(self, branch: str = "main") -> None:
        """Take the folder away."""
        head = self.heads[branch]
        self.heads[branch] = self.sealed(head, None, head.folder)

    def replace_folder(self, branch: str = "main") -> None:
        """Let an empty folder of the same name stand in its place."""
        head = self.heads[branch]
        self.heads[branch] = self.sealed(head, {}, self._fresh(16) + self._fresh(8))

    def deliver_late(self) -> None:
        """Let the commits that were under way arrive, the oldest first."""
        for late in self.late:
            self.swap(late.branch, late.base, late.record, late.removed)
        self.late.clear()

    def swap(self, branch: str, base: SimRecord, record: SimRecord, removed: list[Node]) -> bool:
        """Let `record` be the head if `base` is; tell whether it became so."""
        if self.heads[branch] is not base:
            return False
        self.heads[branch] = record
        self.trash += removed
        return True

    def sealed(self, prev: SimRecord, tree: SimTree | None, folder: bytes) -> SimRecord:
        """Make the record after `prev`: no two are ever the same."""
        return SimRecord(prev.revision + 1, self._fresh(32), prev, tree, folder)

    def next_folder(self, folder: bytes) -> bytes:
        """Name another state of the same folder."""
        return folder[:16] + self._fresh(8)

    def _fresh(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size)


def edited(tree: SimTree, edits: Sequence[Edit]) -> tuple[SimTree, list[Node], bool]:
    """Apply edits: give the new tree, what was removed, and whether a folder stayed because it still holds something.

    Raises SafetyStopError for edits that do not fit the tree, BugError for a tree that would not be well formed.
    """
    new = dict(tree)
    for before, after, content in edits:
        known = tree.get(before.id if before is not None else after.id if after is not None else b"")
        if known != before:
            raise SafetyStopError(
                "what this device remembers of the folder does not fit what is there", "nothing was changed"
            )
        if before is not None:
            new.pop(before.id, None)
        if after is not None and after.kind == "f" and (before is None or before.digest != after.digest):
            _check_content(after, content)
    new.update((edit.after.id, edit.after) for edit in edits if edit.after is not None)
    removed = {edit.before.id: edit.before for edit in edits if edit.before is not None and edit.after is None}
    is_kept = False
    while back := removed.keys() & {node.parent for node in new.values()}:
        is_kept = True
        new.update((id_, removed.pop(id_)) for id_ in back)
    _check_shape(new, edits)
    return new, list(removed.values()), is_kept


def _check_content(node: Node, content: object) -> None:
    if not isinstance(content, SimContent) or (content.size, content.digest) != (node.size, node.digest):
        msg = "a commit has not the content of a file"
        raise BugError(msg)


def _check_shape(tree: SimTree, edits: Sequence[Edit]) -> None:
    """Require what makes a tree well formed, as a real volume does by its very shape."""
    above = {node.parent for node in tree.values()} - {ROOT}
    is_good = all(id_ in tree and tree[id_].kind == "d" for id_ in above)
    is_good = is_good and len({node.place for node in tree.values()}) == len(tree)
    for edit in edits:
        if is_good and edit.after is not None:
            is_good = depth_of(tree, edit.after.id) > 0
    if not is_good:
        msg = "a commit would make a tree that is not well formed"
        raise BugError(msg)


def depth_of(tree: SimTree, id_: NodeId) -> int:
    """Count the names of a node's path; 0 for one that lies in a circle."""
    depth = 0
    while id_ != ROOT:
        id_ = tree[id_].parent
        depth += 1
        if depth > len(tree):
            return 0
    return depth
