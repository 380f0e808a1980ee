"""Three sides for tests of the planner, and its plans in short words that read like the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

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
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, path_of
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import Policy, Reason
from tests.property.reconcile.world import World

COPY_MARK = " (conflict device 1970-01-01 000000)"
"""What conflict copies are called in these tests; `~` in their words."""


@dataclass
class Sides:
    """What both sides last agreed on, and what each has now."""

    base: Sequence[Node]
    local: Sequence[Node]
    remote: Sequence[Node]
    policy: Policy = field(default_factory=Policy)
    stalled: Mapping[NodeId, Reason] = field(default_factory=dict)
    absent: Mapping[NodeId, Reason] = field(default_factory=dict)
    past: AbstractSet[bytes] = frozenset()

    def world(self) -> World:
        """Give the sides as trees that plans can be carried out on."""
        base, local, remote = (MemoryTree(nodes) for nodes in (self.base, self.local, self.remote))
        return World(
            base,
            local,
            remote,
            self.policy,
            stalled=dict(self.stalled),
            absent=dict(self.absent),
            past=frozenset(self.past),
        )

    def plan(self) -> Plan:
        """Plan once."""
        return plan(self.world().observe(), self.policy)

    def done(self) -> World:
        """Plan and carry out until nothing is left to do, each step checked."""
        return self.world().run(plan)


def here(made: Plan) -> list[str]:
    """Give what is done on this disk."""
    return [_local(step.action) for step in made.local]


def there(made: Plan) -> list[str]:
    """Give what is done in the volume."""
    return [_remote(step.action) for step in made.remote]


def events(made: Plan) -> list[str]:
    """Give what the user is told."""
    return sorted(notice.event.value for notice in made.notices)


def paths(tree: MemoryTree) -> dict[str, str]:
    """Give a tree as paths, each with its content, target, or `/` for a folder."""
    found = {}
    for node in tree:
        path = path_of(tree, node.id)
        assert path is not None
        found[_short("/".join(path))] = "/" if node.kind == "d" else node.digest.decode() or node.target
    return found


def without(nodes: Iterable[Node], *gone: Node) -> list[Node]:
    """Give all nodes but some."""
    return [node for node in nodes if node not in gone]


def _local(action: LocalAction) -> str:
    match action:
        case MakeFolder(node):
            return f"make {_place(node)}"
        case FetchFile(node, _) | WriteLink(node, _):
            return f"fetch {_place(node)}"
        case MoveNode(node, before):
            return f"move {_place(before)} to {_place(node)}"
        case ParkNode(before):
            return f"park {_place(before)}"
        case DescribeNode(node, _):
            return f"describe {_place(node)}"
        case TrashNode(before):
            return f"trash {_place(before)}"
        case RemoveFolder(before):
            return f"remove {_place(before)}"


def _remote(action: RemoteAction) -> str:
    match action:
        case PutNode(node, before):
            is_new = before is None or before.substance != node.substance
            return f"{'upload' if is_new and node.kind != 'd' else 'put'} {_place(node)}"
        case ParkNode(before):
            return f"park {_place(before)}"
        case RemoveNode(before):
            return f"remove {_place(before)}"


def _place(node: Node) -> str:
    """Give a place: the label of the folder, and the name."""
    folder = "" if node.parent == ROOT else node.parent.rstrip(b"\0").decode() + "/"
    return _short(folder + node.name)


def _short(text: str) -> str:
    return text.replace(COPY_MARK, "~")
