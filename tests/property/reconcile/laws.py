"""What can be said of a case and of what became of it, without knowing how the planner decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mega_cli.reconcile.actions import LocalAction, PutNode, RemoveFolder, RemoveNode, TrashNode
from mega_cli.reconcile.nodes import MemoryTree, Node, NodeId, below, path_of
from mega_cli.reconcile.situation import DeleteLimit, DiskRules, Mode, Policy
from tests.property.reconcile.strategies import EXACT, Case
from tests.property.reconcile.world import Action, World

Substance = tuple[str, bytes, str]
Structure = dict[tuple[str, ...], tuple[object, ...]]


def policy(
    mode: Mode = Mode.TWO_WAY,
    disk: DiskRules = EXACT,
    limit: DeleteLimit | None = None,
    approved: Iterable[NodeId] = (),
) -> Policy:
    """Make a policy that lets every deletion pass unless told otherwise."""
    return Policy(mode, "laptop", 0, limit or DeleteLimit(count_least=None), frozenset(approved), disk)


def structure(tree: MemoryTree) -> Structure:
    """Give a tree as a user sees it: paths and what is there, without ids."""
    return {path_of(tree, node.id) or (): (*node.substance, node.mode, node.mtime_ns) for node in tree}


def substances(tree: Iterable[Node]) -> Counter[Substance]:
    """Count contents and targets, one for each file or link that holds it."""
    return Counter(node.substance for node in tree if node.kind != "d")


def must_survive(case: Case) -> Counter[Substance]:
    """Count how many times each content or target has to be there in the end, at least (P6).

    A content counts once for each node that a side made, edited, or left as it was where the other did so as well; one
    that only the other side edited or deleted is superseded. Two nodes that both sides moved or made may turn out to be
    one, if their content is the same: so many pairs are allowed to be. The base never counts as a holder.
    """
    base, sides = MemoryTree(case.base), (MemoryTree(case.local), MemoryTree(case.remote))
    holders: set[tuple[NodeId, Substance]] = set()
    pairs = []
    for mine, other in (sides, sides[::-1]):
        moved: Counter[Substance] = Counter()
        for node in mine:
            before, theirs = base.get(node.id), other.get(node.id)
            was_left = before is not None and before.substance == node.substance
            if node.kind == "d" or (was_left and (theirs is None or theirs.substance != node.substance)):
                continue
            holders.add((node.id, node.substance))
            moved[node.substance] += not was_left or path_of(mine, node.id) != path_of(base, node.id)
        pairs.append(moved)
    return Counter(substance for _, substance in holders) - (pairs[0] & pairs[1])


def must_be_gone(case: Case) -> set[NodeId]:
    """Give the nodes that were deleted by a side, and by the other too or left alone with all around them (P7)."""
    base, local, remote = (MemoryTree(nodes) for nodes in (case.base, case.local, case.remote))
    return {
        node.id
        for node in case.base
        for mine, other in ((local, remote), (remote, local))
        if mine.get(node.id) is None and _was_left_alone(node, base, other)
    }


def _was_left_alone(node: Node, base: MemoryTree, side: MemoryTree) -> bool:
    """Tell whether a side deleted a node as well, or changed nothing of it, above it or below it."""
    here = side.get(node.id)
    if here is None:
        return True
    above: Node | None = node
    while above is not None:
        now = side.get(above.id)
        if now is None or now.place != above.place:
            return False
        above = base.get(above.parent)
    return here == node and all(
        below_.id in {n.id for n in base} and base.get(below_.id) == below_ for below_ in below(side, node.id)
    )


def has_converged(world: World) -> bool:
    """Tell whether the three trees are one (P3)."""
    return world.base == world.disk == world.volume


def deleted(actions: Iterable[Action]) -> list[NodeId]:
    """Give the nodes that actions deleted."""
    return [action.before.id for action in actions if isinstance(action, TrashNode | RemoveFolder | RemoveNode)]


def on_this_disk(actions: Iterable[Action]) -> list[LocalAction]:
    """Give the actions that wrote here."""
    return [action for action in actions if not isinstance(action, PutNode | RemoveNode)]


def without_hidden(world: World) -> MemoryTree:
    """Give the volume without what is absent from the disk on purpose."""
    hidden = {node.id for id_ in world.absent for node in below(world.volume, id_)} | world.absent.keys()
    return MemoryTree(node for node in world.volume if node.id not in hidden)
