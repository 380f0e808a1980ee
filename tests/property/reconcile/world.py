"""A disk, a volume and a base as plain trees, and plans carried out on them strictly.

Every precondition of every action is checked; one that does not hold, when nothing failed before it, fails the test. A
step here that comes after a failure may find anything: then it is skipped, as the executor would. A step there that
fails takes out all of its node, and all that comes after: a commit has a node whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from mega_cli.paths.names import check_name, windows_problem
from mega_cli.reconcile.actions import (
    DescribeNode,
    FetchFile,
    Identity,
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
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, Overlay, below, flaws_of, path_of
from mega_cli.reconcile.settle import settle
from mega_cli.reconcile.situation import Policy, Reason, Situation
from tests.property.reconcile.outcomes import Action, Outcome, drawn, node_of, taken_out
from tests.property.reconcile.strategies import Case
from tests.property.reconcile.views import delta_of, is_under

Planner = Callable[[Situation, Policy], Plan]

PARKED: Final = b"\xff" * 16
"""Where parked nodes lie, here and there: no folder that anything else could be in."""
UNLUCKY_ROUNDS: Final = 3
"""Rounds in which steps may fail; a world in which everything fails for ever ends nowhere."""


class BrokenPromiseError(AssertionError):
    """A plan did what no plan may do."""


@dataclass
class World:
    """The three trees, what is stalled and absent, and everything that was planned and done."""

    base: MemoryTree
    disk: MemoryTree
    volume: MemoryTree
    policy: Policy = field(default_factory=Policy)
    stalled: dict[NodeId, Reason] = field(default_factory=dict)
    absent: dict[NodeId, Reason] = field(default_factory=dict)
    past: frozenset[bytes] = frozenset()
    plans: list[Plan] = field(default_factory=list)
    done_here: list[LocalAction] = field(default_factory=list)
    done_there: list[RemoteAction] = field(default_factory=list)
    _parked: dict[NodeId, Node] = field(default_factory=dict)
    _seen: MemoryTree = field(default_factory=MemoryTree)
    _frozen: set[NodeId] = field(default_factory=set)
    _hidden: set[NodeId] = field(default_factory=set)

    @staticmethod
    def of(case: Case, policy: Policy | None = None) -> World:
        """Begin with a case."""
        return World(MemoryTree(case.base), MemoryTree(case.local), MemoryTree(case.remote), policy or Policy())

    @property
    def done(self) -> list[Action]:
        """Give everything that was done."""
        return [*self.done_here, *self.done_there]

    def exclude(self, ids: Iterable[NodeId]) -> None:
        """Take nodes off the disk on purpose, with all below them."""
        for id_ in ids:
            if self.disk.get(id_) is not None:
                gone = {id_, *(node.id for node in below(self.disk, id_))}
                self.disk = MemoryTree(node for node in self.disk if node.id not in gone)
                self.absent[id_] = Reason.EXCLUDED

    def run(self, planner: Planner, luck: int = 0) -> World:
        """Plan and carry out until nothing is left to do; fails when that takes more than 4 rounds a node (P1)."""
        chance = Random(luck)
        most = 4 * len(self._ids()) + UNLUCKY_ROUNDS + 1
        for number in range(most):
            if not self.round(planner, chance if luck else None, may_fail=luck % 2 == 1 and number < UNLUCKY_ROUNDS):
                return self
        msg = f"no end after {most} rounds"
        raise BrokenPromiseError(msg)

    def round(self, planner: Planner, chance: Random | None = None, *, may_fail: bool = False) -> bool:
        """Observe, plan, carry out and settle once; tell whether anything came of it."""
        before = dict(self.absent)
        situation = self.observe()
        plan = planner(situation, self.policy)
        self.plans.append(plan)
        self._carry_out(plan, chance, may_fail=may_fail)
        self._unpark()
        self._mark_absent(plan)
        agreed = self._settle()
        self._unmark_implied()
        return not plan.is_empty or agreed or before != self.absent

    # --- what is observed ---------------------------------------------------------------------------------------------

    def observe(self) -> Situation:
        """Look at both sides, as far as they can be seen."""
        self._seen = MemoryTree(self.volume)
        self._frozen = {id_ for id_ in self._ids() if self.frozen(id_)}
        self._hidden = {id_ for id_ in self._ids() if self.hidden(id_)}
        return Situation(
            base=self.base,
            local=self._local(),
            remote=delta_of(self.base, self.volume, self._ids()),
            stalled=dict(self.stalled),
            absent=dict(self.absent),
            past=self.past,
            base_files=sum(node.kind == "f" for node in self.base),
        )

    def frozen(self, id_: NodeId) -> bool:
        """Tell whether a node is stalled, or lies where nobody can look."""
        return self._is_unseen(id_, self.stalled)

    def hidden(self, id_: NodeId) -> bool:
        """Tell whether a node is absent from the disk on purpose."""
        return self._is_unseen(id_, self.absent)

    def _is_unseen(self, id_: NodeId, marked: Mapping[NodeId, Reason]) -> bool:
        tree = self.base if self.disk.get(id_) is None else self.disk
        return is_under(tree, id_, marked)

    def as_seen(self) -> Case:
        """Give the world as a case: what is absent on purpose counts as being here as it was."""
        hidden = (node for node in self.base if self.hidden(node.id))
        return Case(tuple(self.base), (*self.disk, *hidden), tuple(self.volume))

    def _local(self) -> dict[NodeId, Node | None]:
        """Give what differs on the disk, and what is seen there although the base has it below what is not."""
        marked = self.stalled | self.absent
        ids = {id_ for id_ in self._ids() if not self.frozen(id_) and not self.hidden(id_)}
        escaped = {id_: self.disk.get(id_) for id_ in ids if self.disk.get(id_) and is_under(self.base, id_, marked)}
        return delta_of(self.base, self.disk, ids) | escaped

    def _ids(self) -> set[NodeId]:
        return {node.id for tree in (self.base, self.disk, self.volume) for node in tree}

    def _mark_absent(self, plan: Plan) -> None:
        """Keep what is absent on purpose: from the plan on, until it is seen; a folder seen hands its reason down."""
        marked: dict[NodeId, Reason] = {}

        def visit(id_: NodeId, reason: Reason) -> None:
            if id_ in marked:
                return
            if self.disk.get(id_) is not None:
                for child in self.base.children(id_):
                    visit(child.id, reason)
            elif self.base.get(id_) is not None or self.volume.get(id_) is not None:
                marked[id_] = reason

        for id_, reason in (self.absent | dict(plan.absent)).items():
            visit(id_, reason)
        self.absent = marked

    def _unmark_implied(self) -> None:
        """Forget marks that a folder above has as well by now; the user's own stay."""
        nodes = {id_: self.base.get(id_) for id_ in self.absent}
        self.absent = {
            id_: reason
            for id_, reason in self.absent.items()
            if reason is Reason.EXCLUDED or (node := nodes[id_]) is None or not is_under(self.base, node.parent, nodes)
        }

    def _settle(self) -> bool:
        """Let the base learn what is agreed on, keeping it whole row by row; tell whether it learnt anything."""
        local = Overlay(self.base, self._local())
        agreed = settle(self._ids(), MemoryTree(self.base), local, self.volume, self.absent)
        for id_, node in agreed.items():
            if node is None:
                _demand(not self.base.children(id_), "the base loses a folder that is not empty")
                self.base.remove(id_)
            else:
                _demand(node.parent == ROOT or self.base.get(node.parent) is not None, "the base gets an orphan")
                self.base.put(node)
        _demand(all(path_of(self.base, node.id) for node in self.base), "the base has nodes without a way to the root")
        return bool(agreed)

    # --- how a plan is carried out ------------------------------------------------------------------------------------

    def _carry_out(self, plan: Plan, chance: Random | None, *, may_fail: bool) -> None:
        """Take every step in some order that the plan allows; with bad luck some fail."""
        self._identify(plan.identities)
        afters = tuple([step.after for step in steps] for steps in (plan.local, plan.remote))
        for side in afters:
            for index, after in enumerate(side):
                _demand(all(0 <= before < index for before in after), "a step runs after one that is not before it")
        unlucky = chance if may_fail else None
        out = taken_out(plan.remote, [drawn(unlucky) for _ in plan.remote])
        reported = dict.fromkeys(((1, index) for index in out), False)
        every = [(track, index) for track, steps in enumerate(afters) for index in range(len(steps))]
        waiting = [one for one in every if one not in reported]
        has_failed = False
        while waiting:
            ready = [
                (track, index)
                for track, index in waiting
                if all((track, before) in reported for before in afters[track][index])
            ]
            chosen = chance.choice(ready) if chance else ready[0]
            waiting.remove(chosen)
            track, index = chosen
            if track:
                self._take_remote(plan.remote[index].action)
                self.done_there.append(plan.remote[index].action)
                reported[chosen] = True
                continue
            if not all(reported[track, before] for before in afters[track][index]):
                reported[chosen] = False
                continue
            outcome = drawn(unlucky)
            try:
                if outcome is not Outcome.FAILED:
                    self._take_local(plan.local[index].action)
                    self.done_here.append(plan.local[index].action)
            except BrokenPromiseError:
                if not has_failed:
                    raise
                outcome = Outcome.FAILED
            reported[chosen] = outcome is Outcome.OK
            has_failed |= outcome is not Outcome.OK
        _demand(not self.volume.children(PARKED), "a node of the volume stays parked")

    def _identify(self, identities: Iterable[Identity]) -> None:
        """Give nodes of the disk their other ids, all at once."""
        changed = dict(identities)
        for before, after in changed.items():
            node, twin = self.disk.get(before), self.volume.get(after)
            _demand(node is not None, "a node that is not on the disk takes an id")
            _demand(not self.frozen(before), "a frozen node takes an id")
            _demand(self.disk.get(after) is None or after in changed, "an id of the disk is taken twice")
            _demand(twin is not None or after not in self._ids(), "a fresh id is not fresh")
            _demand(twin is None or node is None or twin.kind == node.kind, "a node becomes one of another kind")
        _demand(len(set(changed.values())) == len(changed), "two nodes take one id")
        nodes = [
            node._replace(id=changed.get(node.id, node.id), parent=changed.get(node.parent, node.parent))
            for node in self.disk
        ]
        self.disk = MemoryTree(nodes)

    def _take_local(self, action: LocalAction) -> None:
        """Carry out one action here. Raises BrokenPromiseError when it may not be."""
        _demand(node_of(action).id not in self._frozen, "a frozen node is acted on")
        match action:
            case MakeFolder(node):
                _demand(node.kind == "d", "no folder")
                self._place(node, None)
            case FetchFile(node, before):
                there = self._seen.get(node.id)
                _demand(node.kind == "f" and there is not None, "no such file in the volume")
                _demand(there is None or there.substance == node.substance, "the volume holds another content")
                self._place(node, before)
            case WriteLink(node, before):
                _demand(node.kind == "l" and self.policy.disk.has_links, "no link")
                self._place(node, before)
            case MoveNode(node, before):
                _demand(node == before._replace(parent=node.parent, name=node.name), "a move changes more than a place")
                self._move(node, before)
            case ParkNode(before):
                self._demand_present(before)
                self._parked[before.id] = before
                self.disk.put(_aside(before))
            case DescribeNode(node, before):
                self._demand_present(before)
                _demand(node.kind != "l", "a link is described")
                _demand(node == before._replace(mode=node.mode, mtime_ns=node.mtime_ns), "more than mode and time")
                self.disk.put(node)
            case TrashNode(before):
                self._demand_present(before)
                _demand(before.kind != "d", "a folder in the trash")
                self.disk.remove(before.id)
            case RemoveFolder(before):
                self._demand_present(before)
                _demand(before.kind == "d" and not self.disk.children(before.id), "a folder that is not empty")
                self.disk.remove(before.id)

    def _demand_present(self, before: Node) -> None:
        _demand(self.disk.get(before.id) == before, "the disk holds another state")

    def _place(self, node: Node, before: Node | None) -> None:
        """Publish at a free place, or over the same node where it stands."""
        _demand(self.disk.get(node.id) == before, "the disk holds another state")
        _demand(before is None or before.place == node.place, "published elsewhere than over itself")
        self._demand_room(node)
        self.disk.put(node)

    def _move(self, node: Node, before: Node) -> None:
        there = _aside(before) if node.id in self._parked else before
        _demand(self.disk.get(node.id) == there, "the disk holds another state")
        self._demand_room(node)
        self.disk.put(node)
        self._parked.pop(node.id, None)

    def _demand_room(self, node: Node) -> None:
        """Demand that the disk can hold a node where it is to stand."""
        _demand_parent(self.disk, node)
        _demand(not self.frozen(node.parent), "something is put into a frozen folder")
        rules = self.policy.disk
        key = fold(node.name, rules)
        _demand(
            not any(
                other.id != node.id and fold(other.name, rules) == key for other in self.disk.children(node.parent)
            ),
            "the place is taken",
        )
        _demand(not (rules.is_windows and windows_problem(node.name)), "a name that the system refuses")
        check_name(node.name)

    def _take_remote(self, action: RemoteAction) -> None:
        """Carry out one action there. Raises BrokenPromiseError when it may not be."""
        _demand(node_of(action).id not in self._frozen, "a frozen node is acted on")
        match action:
            case PutNode(node, before):
                there = self.volume.get(node.id)
                _demand(there in (before, before and _aside(before)), "the volume holds another state")
                _demand(before is None or before.kind == node.kind, "a node changes its kind")
                _demand_parent(self.volume, node)
                others = (other for other in self.volume.children(node.parent) if other.name == node.name)
                _demand(all(other.id == node.id for other in others), "the place is taken")
                check_name(node.name)
                if action.has_content:
                    here = self.disk.get(node.id)
                    _demand(here is not None and here.substance == node.substance, "no such content to upload")
                self.volume.put(node)
            case ParkNode(before):
                _demand(self.volume.get(before.id) == before, "the volume holds another state")
                self.volume.put(_aside(before))
            case RemoveNode(before):
                _demand(self.volume.get(before.id) == before, "the volume holds another state")
                _demand(not self.volume.children(before.id), "a folder that is not empty")
                _demand(before.id not in self._hidden, "what is absent on purpose is deleted")
                self.volume.remove(before.id)

    def _unpark(self) -> None:
        """Bring back what was parked and never moved on: where it was, else where it should go, else to the top."""
        moves = (step.action for plan in self.plans[-1:] for step in plan.local)
        aims = {move.node.id: move.node for move in moves if isinstance(move, MoveNode)}
        for id_, before in sorted(self._parked.items()):
            top = (before._replace(parent=ROOT, name=f"parked {number}") for number in range(99))
            for place in (before, aims.get(id_, before), *top):
                try:
                    self._demand_room(place)
                except BrokenPromiseError:
                    continue
                self.disk.put(place)
                break
        self._parked.clear()

    def check(self) -> None:
        """Demand that every tree is one."""
        for tree in (self.base, self.disk, self.volume):
            _demand(not flaws_of(tree), f"no tree: {flaws_of(tree)}")


def _aside(node: Node) -> Node:
    """Give a node where it is parked."""
    return node._replace(parent=PARKED, name=node.id.hex())


def _demand_parent(tree: MemoryTree, node: Node) -> None:
    """Demand that a folder is there for a node, and not below the node itself."""
    at = node.parent
    while at != ROOT:
        above = tree.get(at)
        _demand(above is not None and above.kind == "d", "no such folder")
        _demand(at != node.id, "a folder goes into itself")
        assert above is not None
        at = above.parent


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001 -- an assertion with a name
    if not holds:
        raise BrokenPromiseError(what)
