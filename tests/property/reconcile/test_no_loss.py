"""P6 to P8: nothing that somebody wrote is lost, nothing that was deleted comes back, nothing is copied in vain."""

from __future__ import annotations

from hypothesis import example, given

from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.plan import plan
from tests.property.reconcile import kept
from tests.property.reconcile.laws import must_be_gone, must_survive, policy, renamed_apart, substances
from tests.property.reconcile.profile import thoroughly
from tests.property.reconcile.strategies import Case, cases, lucks, poor_cases
from tests.property.reconcile.world import World


@thoroughly
@given(cases, lucks)
@example(kept.TWO_EQUAL_LINKS, 0)
def test_p06_no_content_is_lost(case: Case, luck: int) -> None:
    """P6: every content that a side holds and nobody superseded is there in the end, as often as it was."""
    world = World.of(case, policy()).run(plan, luck)

    assert must_survive(case) - substances(world.disk) == {}


@thoroughly
@given(cases, lucks)
@example(kept.RENAMED_BY_HALF, 77)
def test_p07_what_was_deleted_stays_deleted(case: Case, luck: int) -> None:
    """P7: what both deleted, or one while the other left it alone, is gone."""
    world = World.of(case, policy()).run(plan, luck)

    forgiven = renamed_apart(case, world) if luck % 2 else set()
    assert {node.id for node in world.disk} & must_be_gone(case) <= forgiven


@thoroughly
@given(poor_cases, lucks)
def test_p08_equal_contents_make_no_conflict_copy(case: Case, luck: int) -> None:
    """P8: in a world with one content nothing is ever copied."""
    world = World.of(case, policy()).run(plan, luck)

    assert [notice for made in world.plans for notice in made.notices if notice.event is Event.CONFLICT_COPY] == []
    assert [node for node in world.disk if "(conflict" in node.name] == []
