"""Situations to plan for: one base tree, changed at random on either side.

Trees made independently would share no node, so nothing would ever be moved, edited or met on both sides. Names,
contents and depth are few on purpose: collisions are what is looked for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hypothesis import strategies as st

from mega_cli.paths.names import windows_problem
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, below, path_of
from mega_cli.reconcile.situation import DiskRules
from tests.kit.forest import id_of

NAMES: Final = tuple(unicodedata.normalize("NFC", name) for name in ("a", "b", "A", "\u00e1", "a\u0301", "CON"))
CONTENTS: Final = 4
DEPTH_MOST: Final = 4
EXACT: Final = DiskRules()
FOLDING: Final = DiskRules(folds_case=True, folds_form=True)
WINDOWS: Final = DiskRules(folds_case=True, is_windows=True, has_links=False)


@dataclass(frozen=True)
class Case:
    """What both sides last agreed on, and what each made of it."""

    base: tuple[Node, ...]
    local: tuple[Node, ...]
    remote: tuple[Node, ...]

    def swapped(self) -> Case:
        """Give the case with the sides exchanged."""
        return Case(self.base, self.remote, self.local)

    def __repr__(self) -> str:
        """Show the trees as code that makes them again."""
        sides = ("".join(f"{_spelled(node)}, " for node in nodes) for nodes in (self.base, self.local, self.remote))
        return "Case({})".format(", ".join(f"({side})" for side in sides))


def _spelled(node: Node) -> str:
    """Spell a node as a call of `tests.kit.forest`."""
    label, at = (id_.rstrip(b"\0").decode() for id_ in (node.id, node.parent))
    words = f"{label!r}, {node.name!r}" + (f", at={at!r}" if at else "")
    match node.kind:
        case "f":
            more = f", mtime_ns={node.mtime_ns}" * (node.mtime_ns != 1) + f", mode={node.mode:#o}" * (
                node.mode != 0o644
            )
            return f"file({words}, content={node.digest.decode()!r}{more})"
        case "d":
            return f"folder({words}{f', mode={node.mode:#o}' * (node.mode != 0o755)})"
        case "l":
            return f"link({words}, target={node.target!r})"


class Change(NamedTuple):
    """One random operation: which kind, on which node, and two numbers that it uses as it likes."""

    kind: int
    which: int
    where: int
    what: int

    @staticmethod
    def decoded(number: int) -> Change:
        """Read a change from 24 bits, so that it costs hypothesis one draw."""
        return Change(number & 15, number >> 4 & 63, number >> 10 & 63, number >> 16)


class Gardener:
    """Changes a tree as a user of one side would; what is impossible is left undone.

    Names that meet on the disk of `rules`, or that it refuses, are impossible there.
    """

    def __init__(self, tree: MemoryTree, prefix: str, rules: DiskRules = EXACT, *, contents: int = CONTENTS) -> None:
        self.tree = tree
        self._prefix = prefix
        self._rules = rules
        self._contents = contents
        self._made = 0
        self._ways: tuple[Callable[[Node, Change], None], ...] = (
            self._edit,
            self._edit,
            self._rename,
            self._move,
            self._move,
            self._move_over,
            self._delete,
            self._delete,
            self._replace,
            self._describe,
            self._swap,
            self._rotate,
        )

    def change(self, change: Change) -> None:
        """Do one operation."""
        nodes = list(self.tree)
        if not nodes or change.kind >= len(self._ways):
            self.create(change)
        else:
            self._ways[change.kind](nodes[change.which % len(nodes)], change)

    def create(self, change: Change) -> None:
        """Make a file, folder or link."""
        self._put(
            self._new(self._folder(change.where), _name(change.what), "ffddl"[change.which % 5], change.what // 8)
        )

    def _edit(self, node: Node, change: Change) -> None:
        """Give a file another content, or one it had before, and perhaps another time; a link another target."""
        if node.kind == "f":
            digest = b"c%d" % (change.what % self._contents)
            self._put(node._replace(digest=digest, mtime_ns=1 + change.where % 4))
        elif node.kind == "l":
            self._put(node._replace(target=f"t{change.what % self._contents}"))

    def _describe(self, node: Node, change: Change) -> None:
        """Change the mode or the time."""
        if node.kind == "f" and change.where % 2:
            self._put(node._replace(mtime_ns=1 + change.what % 4))
        elif node.kind != "l":
            self._put(node._replace(mode=(0o700, 0o644, 0o755)[change.what % 3]))

    def _rename(self, node: Node, change: Change) -> None:
        self._put(node._replace(name=_name(change.what)))

    def _move(self, node: Node, change: Change) -> None:
        """Move elsewhere, half of the time under another name."""
        name = _name(change.what // 2) if change.what % 2 else node.name
        self._put(node._replace(parent=self._folder(change.where), name=name))

    def _move_over(self, node: Node, change: Change) -> None:
        """Move onto a name that is in use: what had it is gone."""
        nodes = list(self.tree)
        victim = nodes[change.where % len(nodes)]
        if victim.id not in {node.id, *self._above(node)} and self._height(victim) == 1:
            self.tree.remove(victim.id)
            if not self._put(node._replace(parent=victim.parent, name=victim.name)):
                self.tree.put(victim)

    def _delete(self, node: Node, change: Change) -> None:
        """Remove a node and all below it; large folders less often than small ones."""
        doomed = [node, *below(self.tree, node.id)]
        if len(doomed) <= 1 + change.what % 16:
            for gone in doomed:
                self.tree.remove(gone.id)

    def _replace(self, node: Node, change: Change) -> None:
        """Remove a node and make another at its place, of another kind or the same."""
        for gone in [node, *below(self.tree, node.id)]:
            self.tree.remove(gone.id)
        self._put(self._new(node.parent, node.name, "fdl"[change.where % 3], change.what))

    def _swap(self, node: Node, change: Change) -> None:
        nodes = list(self.tree)
        self._turn(node, nodes[change.where % len(nodes)])

    def _rotate(self, node: Node, change: Change) -> None:
        nodes = list(self.tree)
        self._turn(node, nodes[change.where % len(nodes)], nodes[change.what % len(nodes)])

    def _turn(self, *nodes: Node) -> None:
        """Let each node take the place of the next."""
        if len({node.id for node in nodes}) == len(nodes):
            pairs = zip(nodes, [*nodes[1:], nodes[0]], strict=True)
            self._put(*(node._replace(parent=other.parent, name=other.name) for node, other in pairs))

    def _new(self, parent: NodeId, name: str, kind: str, what: int) -> Node:
        self._made += 1
        id_, which = id_of(f"{self._prefix}{self._made}"), what % self._contents
        match kind:
            case "f":
                return Node(id_, parent, name, "f", b"c%d" % which, 2, 0o644, 1)
            case "d":
                return Node(id_, parent, name, "d", mode=0o755)
            case _:
                return Node(id_, parent, name, "l", target=f"t{which}")

    def _put(self, *nodes: Node) -> bool:
        """Let nodes be so, all at once, if that leaves a tree; tell whether it did."""
        before = [self.tree.get(node.id) for node in nodes]
        for node in nodes:
            self.tree.put(node)
        if all(self._is_possible(node) for node in nodes):
            return True
        for node, old in zip(nodes, before, strict=True):
            if old is None:
                self.tree.remove(node.id)
            else:
                self.tree.put(old)
        return False

    def _is_possible(self, node: Node) -> bool:
        """Tell whether a node stands well: in the tree, not too deep, under a name that is its own and allowed."""
        path = path_of(self.tree, node.id)
        if path is None or len(path) + self._height(node) - 1 > DEPTH_MOST:
            return False
        if self._rules.is_windows and windows_problem(node.name):
            return False
        if node.kind == "l" and not self._rules.has_links:
            return False
        key = fold(node.name, self._rules)
        return sum(fold(other.name, self._rules) == key for other in self.tree.children(node.parent)) == 1

    def _folder(self, number: int) -> NodeId:
        """Choose a folder, the root among them."""
        folders = [ROOT, *(node.id for node in self.tree if node.kind == "d")]
        return folders[number % len(folders)]

    def _above(self, node: Node) -> list[NodeId]:
        found = []
        while node.parent != ROOT:
            found.append(node.parent)
            parent = self.tree.get(node.parent)
            assert parent is not None
            node = parent
        return found

    def _height(self, node: Node) -> int:
        return 1 + max((self._height(child) for child in self.tree.children(node.id)), default=0)


def _name(number: int) -> str:
    return NAMES[number % len(NAMES)]


def grown(
    base: Sequence[int],
    local: Sequence[int],
    remote: Sequence[int],
    rules: DiskRules = EXACT,
    remote_rules: DiskRules = EXACT,
    contents: int = CONTENTS,
) -> Case:
    """Make a case from numbers: nodes of the base, changes of either side. `rules` bind base and disk alone."""
    gardener = Gardener(MemoryTree(), "B", rules, contents=contents)
    for number in base:
        gardener.create(Change.decoded(number))
    agreed = tuple(gardener.tree)
    sides = []
    for prefix, numbers, side_rules in (("L", local, rules), ("R", remote, remote_rules)):
        gardener = Gardener(MemoryTree(agreed), prefix, side_rules, contents=contents)
        for number in numbers:
            gardener.change(Change.decoded(number))
        sides.append(tuple(gardener.tree))
    return Case(agreed, *sides)


_number: Final = st.integers(0, 2**24 - 1)
_base: Final = st.lists(_number, min_size=1, max_size=16)
changes: Final = st.lists(_number, max_size=12)
"""What one side does, as numbers that `Change` reads."""
_none: Final = st.just(())

cases: Final = st.builds(grown, _base, changes, changes)
one_sided: Final = st.builds(grown, _base, _none, changes)
"""Only the remote was changed."""
_linkless: Final = st.just(DiskRules(has_links=False))
poor_cases: Final = st.builds(grown, _base, changes, changes, _linkless, _linkless, contents=st.just(1))
"""There is one content in the world, and no link."""
folding_cases: Final = st.builds(grown, _base, changes, changes, st.just(FOLDING))
windows_cases: Final = st.builds(grown, _base, changes, changes, st.just(WINDOWS))
lucks: Final = st.integers(0, 2**16 - 1)
"""Seeds of the order and of the outcomes of steps; 0 is the order of the plan, without a failure."""
choices: Final = st.lists(st.integers(0, 63), max_size=3)
"""Which nodes of a base are stalled or absent."""
