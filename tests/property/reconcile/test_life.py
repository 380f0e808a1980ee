"""Life goes on: users change either side again, after a fixed point or in the middle of the way to one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import example, given

from mega_cli.reconcile.nodes import MemoryTree
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import DiskRules, Reason
from tests.property.reconcile import kept
from tests.property.reconcile.laws import (
    has_converged,
    must_be_gone,
    must_survive,
    policy,
    renamed_apart,
    substances,
    without,
)
from tests.property.reconcile.profile import thoroughly
from tests.property.reconcile.strategies import (
    EXACT,
    FOLDING,
    Case,
    Change,
    Gardener,
    cases,
    changes,
    choices,
    folding_cases,
    grown,
    lucks,
)
from tests.property.reconcile.test_limits import chosen
from tests.property.reconcile.world import World


def live_on(world: World, local: Sequence[int], remote: Sequence[int], prefix: str = "2") -> None:
    """Let the users of both sides change what is there now."""
    sides = ((world.disk, local, f"L{prefix}", world.policy.disk), (world.volume, remote, f"R{prefix}", EXACT))
    for tree, numbers, made, rules in sides:
        gardener = Gardener(tree, made, rules)
        for number in numbers:
            gardener.change(Change.decoded(number))


@thoroughly
@given(cases, changes, changes, lucks)
def test_a_second_life_ends_well(case: Case, local: list[int], remote: list[int], luck: int) -> None:
    """What holds for a first sync holds for the next, whose base is what came of the first."""
    world = World.of(case, policy()).run(plan, luck)
    live_on(world, local, remote)
    second = world.as_seen()

    world.run(plan, luck)

    assert has_converged(world)
    assert must_survive(second) - substances(world.disk) == {}
    forgiven = renamed_apart(second, world) if luck % 2 else set()
    assert {node.id for node in world.disk} & must_be_gone(second) <= forgiven


@thoroughly
@given(folding_cases, changes, changes, lucks)
def test_a_second_life_on_a_disk_that_folds_ends_well(
    case: Case, local: list[int], remote: list[int], luck: int
) -> None:
    """The same where some nodes are absent, and the user may take the names they would have.

    A file renamed to the name of an absent one with the same content becomes one with it, so no more is counted here
    than that each content is there.
    """
    world = World.of(case, policy(disk=FOLDING)).run(plan, luck)
    live_on(world, local, remote)
    second = world.as_seen()

    world.run(plan, luck)

    assert world.disk == without(world.volume, world.absent)
    assert world.base == world.volume
    assert must_survive(second).keys() <= substances(world.volume).keys()


@pytest.mark.parametrize("rules", [EXACT, FOLDING])
def test_users_may_act_in_the_middle(rules: DiskRules) -> None:
    """Whatever was half done when a user came by, it ends, and both sides agree."""

    @thoroughly
    @given(folding_cases, changes, changes, choices, lucks)
    @example(kept.COMES_INTO_SIGHT, [1928], [8, 146956, 815980], [0], 0)
    @example(kept.CUT_CIRCLE_AND_USER, [9], [1083, 339], [], 472)
    @example(kept.TWO_CONFLICTS_AT_ONCE, [], [3036, 206860, 752, 137232], [], 0)
    @example(
        grown([32], [], [12, 189420, 10856, 1244, 136], FOLDING),
        [58, 1516, 78364, 29621],
        [730, 10442099, 117, 2874, 629548, 1004, 312],
        [0],
        26117,
    )  # the base held two folders in each other, and the harness walked round and round in it
    @example(kept.EXCHANGED_AND_DESCRIBED, [], [518, 6], [], 0)
    def ends(case: Case, local: list[int], remote: list[int], numbers: list[int], luck: int) -> None:
        world = World.of(case, policy(disk=rules))
        world.stalled = dict.fromkeys(chosen(world, numbers), Reason.FILE_CHANGING)
        world.round(plan, Random(luck), may_fail=True)
        world.stalled = {}
        live_on(world, local, remote)
        world.round(plan, Random(luck), may_fail=True)
        live_on(world, remote, local, "3")

        world.run(plan, luck)

        assert world.disk == without(world.volume, world.absent)
        assert world.base == world.volume

    ends()


@thoroughly
@given(folding_cases, choices, lucks)
@example(kept.INTO_THE_EXCLUDED, [1, 3], 0)
@example(kept.OUT_OF_THE_STALLED, [0], 0)
def test_all_limits_at_once_end_well(case: Case, numbers: list[int], luck: int) -> None:
    """A disk that folds, a stalled node and an excluded one: nothing is lost, and when all is over all is here."""
    world = World.of(case, policy(disk=FOLDING))
    stalled, excluded = numbers[:1], numbers[1:]
    world.exclude(chosen(world, excluded))
    world.stalled = dict.fromkeys(chosen(world, stalled), Reason.UNREADABLE)
    seen = world.as_seen()

    world.run(plan, luck)
    world.stalled = {}
    world.absent = dict.fromkeys(world.absent, Reason.FAILED)
    world.policy = policy()
    world.run(plan, luck)

    assert has_converged(world)
    assert must_survive(seen) - substances(MemoryTree(world.volume)) == {}
