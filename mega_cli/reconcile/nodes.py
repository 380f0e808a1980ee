"""Nodes and trees: what sync compares. Values only; the same types hold the disk, the remote and what both last agreed.

A tree is not loaded: it is asked. A cycle costs what changed, so the planner sees the base through `TreeView` and the
two sides as deltas over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, Protocol, final

NodeId = bytes
"""16 random bytes that a node keeps through moves and edits (`formats.page.Entry.node_id`)."""
ROOT: Final[NodeId] = bytes(16)
"""The parent of what lies at the top: the synced folder itself, which is no node."""
Kind = Literal["f", "d", "l"]
"""File, folder, symbolic link: as in `formats.page`. A node never changes its kind."""


class Node(NamedTuple):
    """One file, folder or link. Two nodes are the same state when they are equal.

    A folder has no time and a link neither time nor mode: they are 0, so that they never differ.
    """

    id: NodeId
    parent: NodeId
    name: str
    """NFC."""
    kind: Kind
    digest: bytes = b""
    """BLAKE3 of a file's content; empty for everything else."""
    size: int = 0
    """Bytes of a file."""
    mode: int = 0
    """The nine permission bits."""
    mtime_ns: int = 0
    """Opaque: compared for equality, never for order but in the one rule that says so."""
    target: str = ""
    """Where a link points, as text."""

    def __repr__(self) -> str:
        """Show neither name nor target."""
        return f"Node(id={self.id.hex()[:8]}, kind={self.kind!r}, size={self.size})"

    @property
    def place(self) -> tuple[NodeId, str]:
        """Give where it stands: parent and name."""
        return self.parent, self.name

    @property
    def substance(self) -> tuple[Kind, bytes, str]:
        """Give what an edit changes: a file's content, a link's target. Size follows the digest."""
        return self.kind, self.digest, self.target


Delta = Mapping[NodeId, Node | None]
"""What differs from a base, by id: the node as it is now, or None for one that is gone.

Complete: of a folder that is gone, every node below it is listed too, unless it moved away.
"""


class TreeView(Protocol):
    """A tree that is asked, in memory or in a database. Answers never change while a plan is made."""

    def get(self, id_: NodeId) -> Node | None:
        """Find a node by its id."""

    def child(self, parent: NodeId, name: str) -> Node | None:
        """Find a node by its place."""

    def children(self, parent: NodeId) -> Iterable[Node]:
        """Give what lies directly in a folder, by name."""


@final
class _Places:
    """Which nodes stand where; several may stand at one place."""

    __slots__ = ("_folders",)

    def __init__(self) -> None:
        self._folders: dict[NodeId, dict[str, dict[NodeId, None]]] = {}

    def add(self, node: Node) -> None:
        self._folders.setdefault(node.parent, {}).setdefault(node.name, {})[node.id] = None

    def remove(self, node: Node) -> None:
        names = self._folders[node.parent]
        del names[node.name][node.id]
        if not names[node.name]:
            del names[node.name]

    def at(self, parent: NodeId, name: str) -> Iterable[NodeId]:
        return self._folders.get(parent, {}).get(name, ())

    def below(self, parent: NodeId) -> Iterator[NodeId]:
        return (id_ for ids in self._folders.get(parent, {}).values() for id_ in ids)


@final
class MemoryTree:
    """A tree in memory: for tests, the simulator, and what the planner builds."""

    __slots__ = ("_nodes", "_places")

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes: dict[NodeId, Node] = {}
        self._places = _Places()
        for node in nodes:
            self.put(node)

    def get(self, id_: NodeId) -> Node | None:
        """Find a node by its id."""
        return self._nodes.get(id_)

    def child(self, parent: NodeId, name: str) -> Node | None:
        """Find a node by its place; the one with the least id, if a base holds several there."""
        found = min(self._places.at(parent, name), default=None)
        return None if found is None else self._nodes[found]

    def children(self, parent: NodeId) -> list[Node]:
        """Give what lies directly in a folder, by name and id."""
        return sorted((self._nodes[id_] for id_ in self._places.below(parent)), key=lambda node: (node.name, node.id))

    def put(self, node: Node) -> None:
        """Let `node` be the state of its id, wherever it stood before."""
        self.remove(node.id)
        self._nodes[node.id] = node
        self._places.add(node)

    def remove(self, id_: NodeId) -> None:
        """Take one node away, not what lies below it; one that is not there is no error."""
        before = self._nodes.pop(id_, None)
        if before is not None:
            self._places.remove(before)

    def __iter__(self) -> Iterator[Node]:
        """Yield every node, in the order of ids."""
        return iter([self._nodes[id_] for id_ in sorted(self._nodes)])

    def __len__(self) -> int:
        """Count the nodes."""
        return len(self._nodes)

    def __eq__(self, other: object) -> bool:
        """Compare all nodes."""
        return isinstance(other, MemoryTree) and self._nodes == other._nodes

    def __hash__(self) -> int:
        """Refuse: it changes."""
        raise TypeError

    def __repr__(self) -> str:
        """Show the size."""
        return f"MemoryTree({len(self._nodes)} nodes)"


@final
class Overlay:
    """A base with a delta over it, as one tree; the delta may grow while it is used (`put`, `remove`)."""

    __slots__ = ("_added", "_base", "delta")

    def __init__(self, base: TreeView, delta: Delta) -> None:
        self._base = base
        self.delta: dict[NodeId, Node | None] = {}
        self._added = _Places()
        for id_, node in delta.items():
            if node is None:
                self.remove(id_)
            else:
                self.put(node)

    def get(self, id_: NodeId) -> Node | None:
        """Find a node by its id."""
        return self.delta[id_] if id_ in self.delta else self._base.get(id_)

    def child(self, parent: NodeId, name: str) -> Node | None:
        """Find a node by its place."""
        added = min(self._added.at(parent, name), default=None)
        if added is not None:
            return self.delta[added]
        below = self._base.child(parent, name)
        if below is None or below.id not in self.delta:
            return below
        others = (node for node in self._base.children(parent) if node.name == name and node.id not in self.delta)
        return next(iter(others), None)

    def children(self, parent: NodeId) -> list[Node]:
        """Give what lies directly in a folder, by name and id."""
        found = [node for node in self._base.children(parent) if node.id not in self.delta]
        found += [node for id_ in self._added.below(parent) if (node := self.delta[id_]) is not None]
        return sorted(found, key=lambda node: (node.name, node.id))

    def put(self, node: Node) -> None:
        """Let `node` be the state of its id."""
        self.remove(node.id)
        self.delta[node.id] = node
        self._added.add(node)

    def remove(self, id_: NodeId) -> None:
        """Take one node away, not what lies below it."""
        before = self.delta.get(id_)
        if before is not None:
            self._added.remove(before)
        self.delta[id_] = None


def path_of(tree: TreeView, id_: NodeId) -> tuple[str, ...] | None:
    """Give the names from the root down to a node; None when it, or a folder above it, is not in the tree.

    A circle of folders has no path either.
    """
    names: list[str] = []
    seen: set[NodeId] = set()
    while id_ != ROOT:
        node = tree.get(id_)
        if node is None or id_ in seen:
            return None
        seen.add(id_)
        names.append(node.name)
        id_ = node.parent
    return tuple(reversed(names))


def below(tree: TreeView, id_: NodeId) -> Iterator[Node]:
    """Yield everything under a folder, parents before children, by name."""
    for node in tree.children(id_):
        yield node
        if node.kind == "d":
            yield from below(tree, node.id)


def flaws_of(tree: MemoryTree) -> list[str]:
    """Say what keeps a tree from being well formed: one root, no orphan, no circle, names unique, folders above.

    Empty for a good tree. The words hold ids, no names.
    """
    flaws = []
    places: set[tuple[NodeId, str]] = set()
    for node in tree:
        above = tree.get(node.parent)
        if node.parent != ROOT and (above is None or above.kind != "d"):
            flaws.append(f"{node.id.hex()[:8]} lies in {node.parent.hex()[:8]}, which is no folder")
        elif path_of(tree, node.id) is None:
            flaws.append(f"{node.id.hex()[:8]} lies in a circle or below an orphan")
        if node.place in places:
            flaws.append(f"{node.id.hex()[:8]} shares its name with another")
        places.add(node.place)
    return flaws
