"""What rests after a failure: its own steps and what relies on them, and nothing else."""

from __future__ import annotations

from mega_cli.reconcile.actions import MakeFolder, ParkNode, Plan, PutNode, RemoteAction, RemoveFolder, Step
from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import StalledRow, SyncState
from mega_cli.sync.record import wake_all, without_resting
from tests.kit.forest import file, folder, id_of

NOW_NS = 10**18


def planned(plan: Plan, label: str, reason: Reason, *, is_kept: bool = False) -> Plan:
    """Give what is left of a plan after a node failed a moment ago."""
    state = SyncState(":memory:")
    with state.transaction():
        state.keep_stalled([StalledRow(id_of(label), label, reason, NOW_NS, tries=1, next_ns=NOW_NS + 1)])
    return without_resting(plan, state, NOW_NS, lambda _id: is_kept)


def put(node: Node, before: Node | None = None, *after: int) -> Step[RemoteAction]:
    """Make a step in the volume."""
    return Step(PutNode(node, before), after)


def test_a_step_of_what_failed_rests_with_all_that_comes_after_it() -> None:
    """The rest of the plan goes on, with its numbers made good."""
    plan = Plan(remote=(put(folder("d")), put(file("a")), put(file("b", at="d"), None, 0), put(file("c"), None, 1)))

    left = planned(plan, "d", Reason.QUOTA)

    assert left.remote == (put(file("a")), put(file("c"), None, 0))
    assert [(stall.id, stall.reason) for stall in left.stalls] == [
        (id_of("b"), Reason.QUOTA),
        (id_of("d"), Reason.QUOTA),
    ]


def test_what_would_be_parked_stays_when_it_could_not_come_back() -> None:
    """Half of a swap is no swap."""
    one, other = file("a"), file("b")
    park: Step[RemoteAction] = Step(ParkNode(one))
    circle = (park, put(other._replace(name="a"), other, 0), put(one._replace(name="b"), one, 1))

    assert planned(Plan(remote=circle), "b", Reason.QUOTA).remote == ()


def test_a_folder_that_was_not_empty_may_be_kept_at_once() -> None:
    """Somebody wrote a file in it since: it is made in the volume again, whatever keeps it here."""
    keeps = Plan(remote=(put(folder("d")), put(file("a", at="d"), None, 0)))
    removes = Plan(local=(Step(RemoveFolder(folder("d"))),))

    assert planned(keeps, "d", Reason.DIR_NOT_EMPTY, is_kept=True) == keeps
    assert planned(removes, "d", Reason.DIR_NOT_EMPTY, is_kept=True).local == ()


def test_a_plan_without_what_failed_is_as_it_was() -> None:
    """One node's failure is no other's."""
    plan = Plan(local=(Step(MakeFolder(folder("d"))),))

    assert planned(plan, "x", Reason.FAILED) == plan


def test_another_run_tries_everything_again() -> None:
    """Who was told to make room and to run again did: nothing rests, and how often it failed is still known."""
    state, plan = SyncState(":memory:"), Plan(local=(Step(MakeFolder(folder("d"))),))
    with state.transaction():
        state.keep_stalled([StalledRow(id_of("d"), "d", Reason.NO_SPACE, NOW_NS, tries=3, next_ns=NOW_NS + 1)])
        wake_all(state)

    assert without_resting(plan, state, NOW_NS, lambda _id: False) == plan
    assert [row.tries for row in state.stalled()] == [3]


def test_a_clock_that_is_set_back_makes_no_rest_longer() -> None:
    """After the first failure a node rests for seconds, whatever the clock says by now."""
    state, plan = SyncState(":memory:"), Plan(local=(Step(MakeFolder(folder("d"))),))
    with state.transaction():
        state.keep_stalled([StalledRow(id_of("d"), "d", Reason.FAILED, NOW_NS, tries=1, next_ns=NOW_NS + 60 * 10**9)])

    assert without_resting(plan, state, NOW_NS, lambda _id: False) == plan
