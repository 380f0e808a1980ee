"""What a plan does, as a person would say it: one line per node and change, with paths. Pure.

Actions know nodes and parents; the paths come from the trees that the state observed. What only prepares another action
(an identity taken on, a node parked out of the way) is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, final

from mega_cli.reconcile.actions import (
    DescribeNode,
    FetchFile,
    LocalAction,
    MakeFolder,
    MoveNode,
    ParkNode,
    Plan,
    PutNode,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Side,
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, TreeView


class Deed(StrEnum):
    """What happens to a node. The values are what `--json` says."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    FOLDER = "make-folder"
    LINK = "write-link"
    MOVE = "move"
    DESCRIBE = "describe"
    """Mode or time, and nothing else."""
    TRASH = "trash"


_DEEDS: Final[Mapping[type[LocalAction], Deed]] = {
    MakeFolder: Deed.FOLDER,
    FetchFile: Deed.DOWNLOAD,
    WriteLink: Deed.LINK,
    DescribeNode: Deed.DESCRIBE,
}


class Told(NamedTuple):
    """One line. `side` is where it happens, `other` where a moved node stood before; paths of folders end with "/"."""

    deed: Deed
    side: Side
    path: str
    other: str = ""
    id: NodeId = b""

    def __repr__(self) -> str:
        """Show no name."""
        return f"Told({self.deed}, {self.side}, {self.id.hex()[:8]})"


def tell(plan: Plan, local: TreeView, remote: TreeView) -> list[Told]:
    """Tell a plan, in the order of its steps; what happens here comes first."""
    told = _Teller(plan, local, remote)
    lines = [line for step in plan.local for line in told.here(step.action)]
    return lines + [line for step in plan.remote for line in told.there(step.action)]


@final
class _Teller:
    """Finds paths: folders that the plan makes or moves stand where it puts them, others where they were seen."""

    def __init__(self, plan: Plan, local: TreeView, remote: TreeView) -> None:
        self._trees = (local, remote)
        put = [step.action.node for step in plan.remote if isinstance(step.action, PutNode)]
        here = [step.action.node for step in plan.local if isinstance(step.action, MakeFolder | MoveNode)]
        self._after: Mapping[NodeId, Node] = {node.id: node for node in (*put, *here)}
        self._other_ids = {identity.id_after: identity.id_before for identity in plan.identities}

    def here(self, action: LocalAction) -> Iterator[Told]:
        """Tell what happens on this disk."""
        if isinstance(action, TrashNode | RemoveFolder):
            yield Told(Deed.TRASH, Side.LOCAL, self._path(action.before, is_after=False), id=action.before.id)
        elif isinstance(action, MoveNode):
            before = self._path(action.before, is_after=False)
            yield Told(Deed.MOVE, Side.LOCAL, self._path(action.node), before, action.node.id)
        elif not isinstance(action, ParkNode):
            yield Told(_DEEDS[type(action)], Side.LOCAL, self._path(action.node), id=action.node.id)

    def there(self, action: RemoteAction) -> Iterator[Told]:
        """Tell what happens in the volume."""
        if isinstance(action, RemoveNode):
            yield Told(Deed.TRASH, Side.REMOTE, self._path(action.before, is_after=False), id=action.before.id)
        elif isinstance(action, PutNode):
            yield from self._put(action)

    def _put(self, action: PutNode) -> Iterator[Told]:
        """Tell what becomes of a node in the volume."""
        node, before = action.node, action.before
        path = self._path(node)
        if before is not None and before.place != node.place:
            yield Told(Deed.MOVE, Side.REMOTE, path, self._path(before, is_after=False), id=node.id)
        if action.has_content:
            yield Told(Deed.UPLOAD, Side.REMOTE, path, id=node.id)
        elif before is None or before.substance != node.substance:
            yield Told(Deed.FOLDER if node.kind == "d" else Deed.LINK, Side.REMOTE, path, id=node.id)
        elif (before.mode, before.mtime_ns) != (node.mode, node.mtime_ns):
            yield Told(Deed.DESCRIBE, Side.REMOTE, path, id=node.id)

    def _path(self, node: Node, *, is_after: bool = True) -> str:
        names = [node.name + ("/" if node.kind == "d" else "")]
        seen = {node.id}
        parent = node.parent
        while parent != ROOT and parent not in seen:
            above = self._find(parent, is_after=is_after)
            if above is None:
                break
            seen.add(parent)
            names.append(above.name + "/")
            parent = above.parent
        return "".join(reversed(names))

    def _find(self, id_: NodeId, *, is_after: bool) -> Node | None:
        if is_after and id_ in self._after:
            return self._after[id_]
        ids = (id_, self._other_ids.get(id_, id_))
        return next((node for tree in self._trees for one in ids if (node := tree.get(one)) is not None), None)


class Moving(NamedTuple):
    """How much content a plan moves, and what of it goes up."""

    files: int
    size_bytes: int
    up_bytes: int


def moving(plan: Plan) -> Moving:
    """Count what a plan fetches and uploads."""
    down = [step.action.node.size for step in plan.local if isinstance(step.action, FetchFile)]
    puts = (step.action for step in plan.remote if isinstance(step.action, PutNode))
    up = [put.node.size for put in puts if put.has_content]
    return Moving(len(down) + len(up), sum(down) + sum(up), sum(up))
