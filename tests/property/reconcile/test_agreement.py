"""P1 to P5 and P9 to P11: whatever either side did, both end as one tree, and the way there is the planner's alone."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, note

from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import MemoryTree, flaws_of
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import Policy, Situation
from tests.kit.forest import file, folder
from tests.property.reconcile import kept
from tests.property.reconcile.laws import has_converged, policy, structure, substances
from tests.property.reconcile.profile import thoroughly
from tests.property.reconcile.strategies import Case, cases, lucks, one_sided
from tests.property.reconcile.world import World


@thoroughly
@given(cases, lucks)
def test_p01_it_ends(case: Case, luck: int) -> None:
    """P1: a fixed point is reached in at most four rounds a node, whatever failed on the way."""
    world = World.of(case, policy()).run(plan, luck)

    note(f"{len(world.plans)} rounds")
    assert world.plans[-1].is_empty


@thoroughly
@given(cases)
def test_p02_it_never_raises(case: Case) -> None:
    """P2: there is a plan for every situation, with base and sides in any roles."""
    for turned in (case, case.swapped(), Case(case.local, case.base, case.remote), Case((), case.local, case.remote)):
        plan(World.of(turned, policy()).observe(), policy())


@thoroughly
@given(cases, lucks)
def test_p03_the_fixed_point_is_one_tree(case: Case, luck: int) -> None:
    """P3: base, disk and volume are the same in the end, node by node."""
    world = World.of(case, policy()).run(plan, luck)

    assert structure(world.disk) == structure(world.volume)
    assert has_converged(world)


@thoroughly
@given(cases, lucks)
def test_p04_a_fixed_point_is_left_alone(case: Case, luck: int) -> None:
    """P4: planning again plans nothing, and says nothing."""
    world = World.of(case, policy()).run(plan, luck)

    again = plan(world.observe(), policy())

    assert again.is_empty
    assert (again.notices, again.stalls, again.holds, again.absent) == ((), (), (), ())


@thoroughly
@given(one_sided, lucks)
def test_p05_what_only_the_remote_did_is_done_here(case: Case, luck: int) -> None:
    """P5: the result is the remote exactly, and nothing is written there."""
    luck &= ~1  # a parked node that comes back elsewhere is a change of this side
    world = World.of(case, policy()).run(plan, luck)

    assert world.base == world.disk == world.volume == MemoryTree(case.remote)
    assert world.done_there == []


@thoroughly
@given(one_sided, lucks)
@example(kept.CUT_CIRCLE.swapped(), 1)
def test_p05_what_only_this_disk_did_is_done_there(case: Case, luck: int) -> None:
    """P5, mirrored: the result is the disk exactly, and nothing is written here."""
    world = World.of(case.swapped(), policy()).run(plan, luck)

    assert world.base == world.disk == world.volume == MemoryTree(case.remote)
    assert world.done_here == []


@thoroughly
@given(cases)
def test_p09_no_side_is_loved_more(case: Case) -> None:
    """P9: with the sides exchanged the same contents survive, under whatever names.

    Not as often, perhaps: who keeps a name decides which equal files meet at one place and become one.
    """
    one = World.of(case, policy()).run(plan)
    other = World.of(case.swapped(), policy()).run(plan)

    assert substances(one.disk).keys() == substances(other.disk).keys()


@thoroughly
@given(cases, lucks)
def test_p10_every_tree_stays_a_tree(case: Case, luck: int) -> None:
    """P10: after every round disk and volume are well formed, and in the end the base is too."""
    world = World.of(case, policy())

    def on_trees(situation: Situation, rules: Policy) -> Plan:
        assert flaws_of(world.disk) == flaws_of(world.volume) == []
        return plan(situation, rules)

    world.run(on_trees, luck)

    world.check()


ELSEWHERE = (folder("U1", "zz"), file("U2", "a", at="U1"), file("U3", "b", at="U1"))
CHANGED = (folder("U1", "zz", mode=0o700), file("U2", "b", at="U1", content="c1"), file("U4", "a", at="U1"))


@thoroughly
@given(cases)
def test_p11_what_happens_elsewhere_does_not_matter(case: Case) -> None:
    """P11: changes in another folder, on either side, change nothing of the result here."""
    alone = World.of(case, policy()).run(plan)

    for local, remote in ((CHANGED, ELSEWHERE), (ELSEWHERE, CHANGED), (CHANGED, CHANGED)):
        sides = (case.base + ELSEWHERE, case.local + local, case.remote + remote)
        world = World.of(Case(*sides), policy()).run(plan)
        shown = structure(world.disk)
        assert {path: shown[path] for path in shown if path[0] != "zz"} == structure(alone.disk)


@thoroughly
@given(cases, lucks)
def test_the_same_situation_gets_the_same_plan(case: Case, luck: int) -> None:
    """Nothing but the situation decides: not the order in which it is told."""
    world = World.of(case, policy())

    def told_twice(situation: Situation, rules: Policy) -> Plan:
        turned = replace(
            situation,
            base=MemoryTree(reversed(list(world.base))),
            local=dict(reversed(list(situation.local.items()))),
            remote=dict(reversed(list(situation.remote.items()))),
        )
        planned = plan(situation, rules)
        assert plan(turned, rules) == planned
        return planned

    world.run(told_twice, luck)
