"""P12, and disks that cannot hold everything: what cannot be seen or held here is neither touched nor deleted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mega_cli.paths.names import windows_problem
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import ROOT, NodeId, below
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import DiskRules, Reason
from tests.property.reconcile import kept
from tests.property.reconcile.laws import has_converged, must_survive, policy, substances, without
from tests.property.reconcile.profile import thoroughly
from tests.property.reconcile.strategies import (
    FOLDING,
    WINDOWS,
    Case,
    cases,
    choices,
    folding_cases,
    lucks,
    windows_cases,
)
from tests.property.reconcile.world import World


def chosen(world: World, numbers: Sequence[int]) -> list[NodeId]:
    """Choose nodes that lie on the disk where the base has them, and in which nothing was moved.

    What moved to where nobody can look is gone for all that can be known; the disk of this world has no second life
    for it.
    """
    steady = [node.id for node in world.base if _is_steady(world, node.id)]
    return [steady[number % len(steady)] for number in numbers if steady]


def _is_steady(world: World, id_: NodeId) -> bool:
    inside = ((node, world.base.get(node.id)) for node in below(world.disk, id_))
    if any(before is not None and before.parent != node.parent for node, before in inside):
        return False
    while id_ != ROOT:
        now, before = world.disk.get(id_), world.base.get(id_)
        if now is None or before is None or now.place != before.place:
            return False
        id_ = now.parent
    return True


@thoroughly
@given(cases, choices, lucks)
@example(kept.HALF_AGREED, [], 9)
@example(kept.PARKED_AND_EQUAL, [], 45)
def test_p12_what_is_stalled_is_left_alone(case: Case, numbers: list[int], luck: int) -> None:
    """P12: no step touches a stalled node or what lies below it (the world checks it); all goes on afterwards."""
    world = World.of(case, policy())
    world.stalled = dict.fromkeys(chosen(world, numbers), Reason.UNREADABLE)

    world.run(plan, luck)
    world.stalled = {}
    world.run(plan, luck & ~1)

    assert has_converged(world)
    assert must_survive(case) - substances(world.disk) == {}


@thoroughly
@given(cases, choices, lucks)
@example(kept.OUT_OF_THE_EXCLUDED, [0], 0)
@example(kept.FETCH_THAT_FAILED, [0], 491)
@example(kept.EQUAL_TO_THE_EXCLUDED, [0], 0)
def test_p12_what_is_absent_on_purpose_is_not_deleted(case: Case, numbers: list[int], luck: int) -> None:
    """P12: what is excluded stays in the volume as the other devices have it, and off this disk.

    A file made where an equal one comes into sight becomes one with it, so each content is only asked to be there.
    """
    world = World.of(case, policy())
    world.exclude(chosen(world, numbers))
    kept = {node.id for node in world.volume if world.hidden(node.id)}
    excluded = frozenset(world.absent)
    seen = world.as_seen()

    world.run(plan, luck)

    assert kept <= {node.id for node in world.volume}
    assert world.absent.keys() == {id_ for id_ in excluded if world.volume.get(id_) is not None}
    assert world.disk == without(world.volume, world.absent)
    assert world.base == world.volume
    assert must_survive(seen).keys() <= substances(world.volume).keys()


@pytest.mark.parametrize(("rules", "strategy"), [(FOLDING, folding_cases), (WINDOWS, windows_cases)])
def test_a_disk_holds_what_it_can(rules: DiskRules, strategy: st.SearchStrategy[Case]) -> None:
    """Names that fold together or are refused stay in the volume, with the right reason; all else is here."""

    @thoroughly
    @given(strategy, lucks)
    @example(kept.TWO_AT_ONE_PLACE, 385)
    @example(kept.INTO_ITS_CHILD, 1)
    @example(kept.MOVED_INTO_WHAT_LEAVES, 1)
    def holds(case: Case, luck: int) -> None:
        world = World.of(case, policy(disk=rules)).run(plan, luck)

        assert world.disk == without(world.volume, world.absent)
        assert world.base == world.volume
        assert must_survive(case) - substances(world.volume) == {}
        assert all(_is_right(world, id_, reason, rules) for id_, reason in world.absent.items())

    holds()


def _is_right(world: World, id_: NodeId, reason: Reason, rules: DiskRules) -> bool:
    """Tell whether a node is absent for the reason given."""
    node = world.volume.get(id_)
    assert node is not None
    others = {fold(other.name, rules) for other in world.disk.children(node.parent)}
    match reason:
        case Reason.NAME_CLASH:
            return fold(node.name, rules) in others
        case Reason.NAME_ILLEGAL:
            return windows_problem(node.name) != ""
        case Reason.LINKS_UNSUPPORTED:
            return node.kind == "l"
        case _:
            return False


@thoroughly
@given(folding_cases, lucks)
def test_a_better_disk_gets_the_rest(case: Case, luck: int) -> None:
    """What was absent for the disk's sake comes when the disk can hold it; nothing was deleted meanwhile."""
    world = World.of(case, policy(disk=FOLDING)).run(plan, luck)

    world.policy = policy()
    world.run(plan, luck & ~1)

    assert world.absent == {}
    assert has_converged(world)


def test_an_empty_world_needs_no_plan() -> None:
    """Nothing is nothing."""
    assert World.of(Case((), (), ())).run(plan).plans == [Plan()]
