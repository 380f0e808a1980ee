"""What can be said of a case and of what became of it, without knowing how the planner decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mega_cli.reconcile.actions import Event, RemoveFolder, RemoveNode, TrashNode
from mega_cli.reconcile.nodes import MemoryTree, Node, NodeId, below, path_of
from mega_cli.reconcile.situation import DeleteLimit, DiskRules, Mode, Policy
from tests.property.reconcile.outcomes import Action
from tests.property.reconcile.strategies import EXACT, Case
from tests.property.reconcile.world import World

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
    that only the other side edited or deleted is superseded. The base never counts as a holder. Two nodes of one
    content that meet at one place are one, and meet only if one side brought one of them there, and the other another.
    """
    base, local, remote = (MemoryTree(nodes) for nodes in (case.base, case.local, case.remote))
    holders: dict[Substance, set[NodeId]] = {}
    for mine, other in ((local, remote), (remote, local)):
        for node in mine:
            before, theirs = base.get(node.id), other.get(node.id)
            was_left = before is not None and before.substance == node.substance
            is_superseded = was_left and (theirs is None or theirs.substance != node.substance)
            if node.kind != "d" and not is_superseded:
                holders.setdefault(node.substance, set()).add(node.id)
    return Counter({what: len(ids) - _meetings(ids, base, (local, remote)) for what, ids in holders.items()})


def _meetings(ids: set[NodeId], base: MemoryTree, sides: Iterable[MemoryTree]) -> int:
    """Count how often nodes of one content may have met, at most."""
    brought = [sum(side.get(id_) is not None and _differs(id_, base, side) for id_ in ids) for side in sides]
    return min(*brought, len(ids) - 1)


def _differs(id_: NodeId, base: MemoryTree, side: MemoryTree) -> bool:
    """Tell whether a side made, moved or edited a node, or moved a folder above it."""
    return base.get(id_) != side.get(id_) or path_of(base, id_) != path_of(side, id_)


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


def renamed_apart(case: Case, world: World) -> set[NodeId]:
    """Give what the base had in folders that a plan renamed apart.

    If only that half of a plan is carried out, it is a move of this disk, which wins over a deletion with all it held.
    """
    ids = {notice.id for plan in world.plans for notice in plan.notices if notice.event is Event.RENAMED_APART}
    return {node.id for id_ in ids for node in below(MemoryTree(case.base), id_)}


def has_converged(world: World) -> bool:
    """Tell whether the three trees are one (P3)."""
    return world.base == world.disk == world.volume


def deleted(actions: Iterable[Action]) -> list[NodeId]:
    """Give the nodes that actions deleted."""
    return [action.before.id for action in actions if isinstance(action, TrashNode | RemoveFolder | RemoveNode)]


def without(tree: MemoryTree, roots: Iterable[NodeId]) -> MemoryTree:
    """Give a tree without some nodes and what lies below them."""
    gone = {id_ for root in roots for id_ in (root, *(node.id for node in below(tree, root)))}
    return MemoryTree(node for node in tree if node.id not in gone)
