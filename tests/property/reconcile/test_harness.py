"""The harness: it lets right planners pass, and catches each kind of wrong one."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given

from mega_cli.reconcile.actions import Identity, MoveNode, ParkNode, Plan, PutNode, RemoveNode, Step, TrashNode
from mega_cli.reconcile.nodes import MemoryTree
from mega_cli.reconcile.situation import DiskRules, Policy, Reason, Situation
from tests.kit.forest import file, folder, id_of, link
from tests.property.reconcile.mirrors import chained, mirror_down, mirror_up
from tests.property.reconcile.profile import in_the_same_cases, thoroughly
from tests.property.reconcile.strategies import Case, cases, lucks
from tests.property.reconcile.world import BrokenPromiseError, Planner, World

SWAP = Case((file("x", "a"), file("y", "b")), (file("x", "a"), file("y", "b")), (file("x", "b"), file("y", "a")))
INSIDE = Case((folder("d"), file("x", at="d")), (folder("d"), file("x", at="d")), ())


@thoroughly
@given(cases, lucks)
def test_mirroring_down_always_ends_well(case: Case, luck: int) -> None:
    """A planner that cannot be wrong passes, in every order and with every luck."""
    world = World.of(case).run(mirror_down, luck)

    world.check()
    assert world.base == world.disk == world.volume == MemoryTree(case.remote)


@thoroughly
@given(cases, lucks)
def test_mirroring_up_always_ends_well(case: Case, luck: int) -> None:
    """The other one as well."""
    world = World.of(case).run(mirror_up, luck)

    world.check()
    assert world.base == world.disk == world.volume == MemoryTree(case.local)


def unordered(situation: Situation, policy: Policy) -> Plan:
    """Forget which steps rely on which."""
    plan = mirror_down(situation, policy)
    return replace(plan, local=tuple(Step(step.action) for step in plan.local))


def unparked(situation: Situation, policy: Policy) -> Plan:
    """Move without making room first."""
    plan = mirror_down(situation, policy)
    return Plan(local=chained(step.action for step in plan.local if not isinstance(step.action, ParkNode)))


def unmoved(situation: Situation, policy: Policy) -> Plan:
    """Park, and never move on."""
    plan = mirror_down(situation, policy)
    return Plan(local=chained(step.action for step in plan.local if not isinstance(step.action, MoveNode)))


def backwards(situation: Situation, policy: Policy) -> Plan:
    """Do the first thing last."""
    plan = mirror_down(situation, policy)
    return Plan(local=chained(step.action for step in reversed(plan.local)))


def twice(situation: Situation, policy: Policy) -> Plan:
    """Do everything again at once."""
    plan = mirror_down(situation, policy)
    return Plan(local=chained(step.action for step in (*plan.local, *plan.local)))


def early(situation: Situation, policy: Policy) -> Plan:
    """Rely on a step that comes later."""
    plan = mirror_down(situation, policy)
    return replace(plan, local=tuple(replace(step, after=(index + 1,)) for index, step in enumerate(plan.local)))


def stale(situation: Situation, policy: Policy) -> Plan:
    """Plan for the base instead of what is there."""
    return mirror_down(replace(situation, local={}), policy)


def restless(situation: Situation, policy: Policy) -> Plan:
    """Never be content."""
    plan = mirror_down(situation, policy)
    flipped = [node._replace(mode=node.mode ^ 0o111) for node in situation.base.children(id_of("")) if node.kind == "f"]
    return plan if plan.local else mirror_down(replace(situation, remote={node.id: node for node in flipped}), policy)


def aloft(situation: Situation, policy: Policy) -> Plan:
    """Park in the volume, and never put there."""
    plan = mirror_up(situation, policy)
    return Plan(remote=chained(step.action for step in plan.remote if not isinstance(step.action, PutNode)))


@pytest.mark.parametrize("planner", [unparked, unmoved, backwards, twice, early])
def test_a_wrong_order_is_caught(planner: Planner) -> None:
    """A swap needs room, in time."""
    with pytest.raises((BrokenPromiseError, IndexError)):
        World.of(SWAP).run(planner)


def test_what_stays_parked_in_the_volume_is_caught() -> None:
    """A commit shows a node at its place, or not at all."""
    with pytest.raises(BrokenPromiseError, match="stays parked"):
        World.of(SWAP.swapped()).run(aloft)


def test_a_missing_dependency_is_caught_by_some_order() -> None:
    """The list's own order hides it; others do not."""
    World.of(INSIDE).run(unordered)

    assert any(fails(INSIDE, unordered, luck) for luck in range(2, 40, 2))


def fails(case: Case, planner: Planner, luck: int) -> bool:
    """Tell whether the harness stops a planner."""
    try:
        World.of(case).run(planner, luck)
    except BrokenPromiseError:
        return True
    return False


def test_an_action_on_a_state_that_is_not_there_is_caught() -> None:
    """`before` must be what the disk holds."""
    edited = replace(SWAP, local=(file("x", "a", content="c1"), file("y", "b")))

    with pytest.raises(BrokenPromiseError, match="another state"):
        World.of(edited).run(stale)


def test_a_planner_that_never_ends_is_caught() -> None:
    """P1."""
    same = (file("x"),)

    with pytest.raises(BrokenPromiseError, match="no end"):
        World.of(Case(same, same, same)).run(restless)


def plans(plan: Plan) -> Planner:
    """Make the planner that always answers so."""
    return lambda _situation, _policy: plan


X, Y = file("x"), file("y")


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (Plan(identities=(Identity(X.id, Y.id),)), "twice"),
        (Plan(identities=(Identity(id_of("z"), id_of("q")),)), "not on the disk"),
        (Plan(identities=(Identity(X.id, id_of("gone")),)), "not fresh"),
        (Plan(identities=(Identity(X.id, id_of("r")),)), "another kind"),
        (Plan(identities=(Identity(X.id, id_of("q")), Identity(Y.id, id_of("q")))), "two nodes"),
        (Plan(local=chained([MoveNode(X._replace(name="y"), X)])), "taken"),
        (Plan(local=chained([MoveNode(X._replace(parent=id_of("z")), X)])), "no such folder"),
        (Plan(local=chained([MoveNode(X._replace(parent=Y.id), X)])), "no such folder"),
        (Plan(local=chained([MoveNode(X._replace(name="z", mtime_ns=9), X)])), "more than a place"),
        (Plan(remote=chained([RemoveNode(folder("r"))])), "not empty"),
    ],
)
def test_each_promise_is_checked(plan: Plan, what: str) -> None:
    """What no plan may do fails by its name."""
    base = (X, Y, file("gone"))
    world = World.of(Case(base, (X, Y), (X, Y, folder("r"), link("k", at="r"))))

    with pytest.raises(BrokenPromiseError, match=what):
        world.run(plans(plan))


def test_a_name_that_folds_into_another_is_caught() -> None:
    """The disk's own rules hold for every step."""
    case = Case((), (), (file("x", "a"), file("y", "A")))
    world = World.of(case, Policy(disk=DiskRules(folds_case=True)))

    with pytest.raises(BrokenPromiseError, match="taken"):
        world.run(mirror_down)


def test_touching_what_is_stalled_is_caught() -> None:
    """P12: neither the node nor what lies below it."""
    both = (folder("d"), file("x", at="d"))
    world = World.of(Case(both, both, both))
    world.stalled = {id_of("d"): Reason.UNREADABLE}

    with pytest.raises(BrokenPromiseError, match="frozen"):
        world.run(plans(Plan(local=chained([TrashNode(both[1])]))))


def test_deleting_what_is_absent_is_caught() -> None:
    """P12: what is not here on purpose was not deleted here."""
    both = (folder("d"), file("x", at="d"))
    world = World.of(Case(both, (), both))
    world.absent = {id_of("d"): Reason.EXCLUDED}

    assert world.observe().local == {}
    with pytest.raises(BrokenPromiseError, match="on purpose"):
        world.run(plans(Plan(remote=chained([RemoveNode(both[1])]))))


def test_what_is_below_a_stalled_folder_is_not_observed() -> None:
    """A change nobody could look at is none."""
    both = (folder("d"), file("x", at="d"), file("y"))
    world = World.of(Case(both, (both[0], file("z", at="d")), both))
    world.stalled = {id_of("d"): Reason.UNREADABLE}

    assert world.observe().local == {id_of("y"): None}


def test_a_folder_that_came_back_hands_its_absence_down() -> None:
    """What was merely not fetched yet is never taken for deleted."""
    both = (folder("d"), file("x", at="d"))
    world = World.of(Case(both, (both[0],), both))
    world.absent = {id_of("d"): Reason.NAME_CLASH}

    world._mark_absent(Plan())

    assert world.absent == {id_of("x"): Reason.NAME_CLASH}


def drawn() -> list[tuple[Case, int]]:
    """Give what is drawn for a property."""
    found = []

    @in_the_same_cases
    @given(cases, lucks)
    def holds(case: Case, luck: int) -> None:
        found.append((case, luck))

    holds()
    return found


def test_the_same_cases_are_drawn_whatever_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis likes numbers that stand in modules; those that happen to be imported say nothing of a change."""
    before = drawn()
    (tmp_path / "of_others.py").write_text(f"NUMBERS = {list(range(1_000))}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import_module("of_others")

    assert drawn() == before


def test_no_case_is_left_out() -> None:
    """Each of the bytes that a case is made of is enough; nearly all cases are others."""
    found = drawn()

    assert len(found) == 501
    assert len(set(found)) > 490
