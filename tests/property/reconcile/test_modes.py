"""The one-way modes, a lost base, and held deletions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given

from mega_cli.reconcile.actions import PutNode, RemoveFolder, RemoveNode
from mega_cli.reconcile.nodes import MemoryTree, Node, path_of
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import DeleteLimit, DiskRules, Mode, Reason
from tests.property.reconcile import kept
from tests.property.reconcile.laws import deleted, has_converged, policy, structure, substances, without
from tests.property.reconcile.profile import thoroughly
from tests.property.reconcile.strategies import EXACT, FOLDING, Case, cases, choices, folding_cases, lucks
from tests.property.reconcile.test_limits import chosen
from tests.property.reconcile.world import World


@thoroughly
@given(cases, lucks)
def test_mirror_up_makes_the_volume_what_the_disk_is(case: Case, luck: int) -> None:
    """Nothing is written here, whatever the volume holds."""
    world = World.of(case, policy(Mode.MIRROR_UP)).run(plan, luck)

    assert world.done_here == []
    assert structure(world.volume) == structure(MemoryTree(case.local)) == structure(world.disk)


@thoroughly
@given(cases, lucks)
def test_mirror_down_makes_the_disk_what_the_volume_is(case: Case, luck: int) -> None:
    """Nothing is written there, whatever the disk holds."""
    world = World.of(case, policy(Mode.MIRROR_DOWN)).run(plan, luck)

    assert world.done_there == []
    assert world.disk == world.volume == MemoryTree(case.remote)


@thoroughly
@given(cases, lucks)
def test_backup_up_removes_nothing(case: Case, luck: int) -> None:
    """What the disk holds is in the volume, what the volume held still is, and nothing is written here."""
    world = World.of(case, policy(Mode.BACKUP_UP)).run(plan, luck)

    assert world.done_here == []
    assert deleted(world.done) == []
    assert {node.id for node in case.remote} <= {node.id for node in world.volume}
    assert substances(case.local) - substances(world.volume) == {}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("rules", [EXACT, FOLDING])
def test_no_mode_touches_what_it_cannot_see(mode: Mode, rules: DiskRules) -> None:
    """P12 in every mode: stalled nodes are left alone, absent ones stay in the volume, and it ends."""

    @thoroughly
    @given(folding_cases, choices, lucks)
    @example(kept.STALLED_AND_EXCLUDED, [0, 1], 0)
    @example(kept.MADE_ANEW_UNSEEN, [2], 0)
    def leaves_alone(case: Case, numbers: list[int], luck: int) -> None:
        world = World.of(case, policy(mode, rules))
        world.exclude(chosen(world, numbers[1:]))
        world.stalled = dict.fromkeys(chosen(world, numbers[:1]), Reason.UNREADABLE)
        kept = {node.id for node in world.volume if world.hidden(node.id)}

        world.run(plan, luck)

        assert kept <= {node.id for node in world.volume}
        world.stalled = {}
        world.run(plan, luck)
        if mode in {Mode.TWO_WAY, Mode.MIRROR_DOWN}:
            assert world.disk == without(world.volume, world.absent)
            assert world.base == world.volume

    leaves_alone()


def after_loss(case: Case) -> tuple[Case, frozenset[bytes]]:
    """Give the case without its base, the disk's nodes under new ids, and what the volume once held."""
    local = [_strange(node) for node in case.local]
    present = {node.digest for node in case.remote}
    return Case((), tuple(local), case.remote), frozenset(
        node.digest for node in case.base if node.kind == "f"
    ) - present


def _strange(node: Node) -> Node:
    parent = b"D" + node.parent[:15] if any(node.parent) else node.parent
    return node._replace(id=b"D" + node.id[:15], parent=parent)


@thoroughly
@given(cases, lucks)
@example(kept.GHOST_AND_FOLDER, 0)
def test_a_lost_base_deletes_nothing(case: Case, luck: int) -> None:
    """Without a base both sides are united; what the volume once held and deleted is listed, not brought back."""
    lost, past = after_loss(case)
    world = World.of(lost, policy())
    world.past = past

    world.run(plan, luck)

    assert deleted(world.done) == []
    uploaded = {action.node.digest for action in world.done if isinstance(action, PutNode) and action.has_content}
    assert uploaded & past == set()
    waiting = {stall.id for stall in world.plans[-1].stalls if stall.reason is Reason.GHOST}
    assert world.base == without(world.disk, waiting) == without(world.volume, waiting)
    assert all(node.digest in past for node in world.disk if node.id in waiting and node.kind == "f")
    written = [node for node in case.local if node.digest not in past]
    assert (substances(written) | substances(case.remote)) - substances(world.volume) == {}


@thoroughly
@given(cases)
def test_equal_trees_find_each_other_without_a_base(case: Case) -> None:
    """Equal trees are adopted: ids change hands, and no step is taken."""
    lost, _ = after_loss(Case(case.base, case.remote, case.remote))

    world = World.of(lost, policy()).run(plan)

    assert world.done == []
    assert has_converged(world)


TIGHT = DeleteLimit(count_least=1, share_least=0.0)


@thoroughly
@given(cases, lucks)
def test_held_deletions_wait_and_nothing_else_does(case: Case, luck: int) -> None:
    """With a limit of one no file is deleted until it is approved; then all ends as it would have."""
    world = World.of(case, policy(limit=TIGHT)).run(plan, luck)
    folders = {action.before.id for action in world.done if isinstance(action, RemoveFolder)}
    folders |= {
        action.before.id for action in world.done if isinstance(action, RemoveNode) and action.before.kind == "d"
    }
    assert set(deleted(world.done)) <= folders

    for _ in range(len(case.base) + 9):
        holds = world.plans[-1].holds
        if not holds:
            break
        world.policy = replace(
            world.policy, approved=world.policy.approved | {id_ for hold in holds for id_ in hold.ids}
        )
        world.run(plan, luck & ~1)

    assert has_converged(world)
    assert {path_of(world.disk, node.id) for node in world.disk} == structure(world.volume).keys()
