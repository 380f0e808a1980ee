"""Guard: too many deletions wait for the user, and nothing else does (7.1, scenario 58)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mega_cli.reconcile.actions import (
    FetchFile,
    Hold,
    Identity,
    MakeFolder,
    MoveNode,
    ParkNode,
    Plan,
    PutNode,
    RemoveFolder,
    RemoveNode,
    Side,
    Stall,
    Step,
    TrashNode,
)
from mega_cli.reconcile.guard import guard
from mega_cli.reconcile.nodes import MemoryTree, Node
from mega_cli.reconcile.situation import DeleteLimit, Policy, Reason, Situation
from tests.kit.forest import file, folder, id_of

MANY = [file(f"f{number:02}") for number in range(100)]
LIMIT = Policy(limit=DeleteLimit(count_least=5, share_least=0.05, folder_least=100))


def situation(nodes: Iterable[Node], *, files: int = 100) -> Situation:
    """Make one in which neither side has changed."""
    return Situation(MemoryTree(nodes), {}, {}, base_files=files)


def local_plan(nodes: Iterable[Node]) -> Plan:
    """Plan to trash files and remove folders here, in the order given."""
    actions = [RemoveFolder(node) if node.kind == "d" else TrashNode(node) for node in nodes]
    return Plan(local=tuple(Step(action) for action in actions))


def remote_plan(nodes: Iterable[Node]) -> Plan:
    """Plan to remove nodes from the volume."""
    return Plan(remote=tuple(Step(RemoveNode(node)) for node in nodes))


def test_few_deletions_pass() -> None:
    """Below the count nothing is held, however small the folder."""
    plan = local_plan(MANY[:4])

    assert guard(plan, situation(MANY, files=4), LIMIT) == plan


def test_a_small_share_passes() -> None:
    """Twenty of a thousand is a day's work."""
    plan = remote_plan(MANY[:20])

    assert guard(plan, situation(MANY, files=1_000), LIMIT) == plan


def test_many_deletions_here_are_held() -> None:
    """At count and share they leave the plan, and the hold names them."""
    guarded = guard(local_plan(MANY[:5]), situation(MANY), LIMIT)

    ids = tuple(node.id for node in MANY[:5])
    assert guarded == Plan(holds=(Hold(Side.LOCAL, ids, 5, tuple((node.name,) for node in MANY[:5])),))


def test_many_deletions_in_the_volume_are_held() -> None:
    """The same on the other side."""
    guarded = guard(remote_plan(MANY[:5]), situation(MANY), LIMIT)

    assert guarded.remote == ()
    assert [hold.side for hold in guarded.holds] == [Side.REMOTE]


def test_each_side_is_counted_alone() -> None:
    """Four here and four there are four."""
    plan = Plan(local=local_plan(MANY[:4]).local, remote=remote_plan(MANY[4:8]).remote)

    assert guard(plan, situation(MANY), LIMIT) == plan


def test_only_the_first_paths_are_told() -> None:
    """Ten are enough to recognise what it is about."""
    (hold,) = guard(local_plan(MANY), situation(MANY), LIMIT).holds

    assert (len(hold.paths), hold.files, len(hold.ids)) == (10, 100, 100)


def test_folders_are_held_but_not_counted() -> None:
    """Emptied folders go when their files go."""
    folders = [folder(f"d{number}") for number in range(9)]
    assert guard(local_plan(folders), situation([*folders, *MANY]), LIMIT).holds == ()

    (hold,) = guard(local_plan([*MANY[:5], *folders]), situation([*folders, *MANY]), LIMIT).holds

    assert (hold.files, len(hold.ids)) == (5, 14)


def test_moves_are_not_counted() -> None:
    """A renamed folder of thousands loses nothing."""
    moves = tuple(Step(MoveNode(node._replace(name="new" + node.name), node)) for node in MANY)

    assert guard(Plan(local=moves), situation(MANY), LIMIT) == Plan(local=moves)


def test_what_the_user_approved_goes() -> None:
    """Approved deletions are neither counted nor held."""
    approved = frozenset(node.id for node in MANY[:5])
    policy = Policy(limit=LIMIT.limit, approved=approved)
    plan = local_plan(MANY[:9])

    assert guard(plan, situation(MANY), policy) == plan
    assert guard(local_plan(MANY[:10]), situation(MANY), policy).local == local_plan(MANY[:5]).local


def test_no_limit_holds_nothing() -> None:
    """`--max-delete off` means it, for the emptied folder as well."""
    policy = Policy(limit=DeleteLimit(count_least=None, folder_least=1))

    assert guard(local_plan(MANY), situation(MANY), policy) == local_plan(MANY)


def test_what_runs_after_a_held_deletion_waits_with_it() -> None:
    """The place is not free; steps that do not rely on it run on, and know each other by their new numbers."""
    new, below, other = folder("n", "f00"), file("b", at="n"), file("o")
    steps = (
        *local_plan(MANY[:5]).local,
        Step(MakeFolder(new), (0,)),
        Step(FetchFile(other, None)),
        Step(FetchFile(below, None), (5,)),
        Step(MoveNode(other._replace(name="p"), other), (6,)),
    )
    there = {node.id: node for node in (new, below, other)}

    guarded = guard(Plan(local=steps), Situation(MemoryTree(MANY), {}, there, base_files=100), LIMIT)

    assert guarded.local == (Step(FetchFile(other, None)), Step(MoveNode(other._replace(name="p"), other), (0,)))
    assert guarded.stalls == (
        Stall(below.id, ("f00", "b"), Reason.HELD),
        Stall(new.id, ("f00",), Reason.HELD),
    )


def test_a_replacement_at_the_same_place_is_a_deletion_too() -> None:
    """A file that makes room for another node loses its content."""
    puts = tuple(
        Step(PutNode(node._replace(id=id_of("new" + node.name)), None), (at,)) for at, node in enumerate(MANY[:5])
    )

    guarded = guard(Plan(remote=remote_plan(MANY[:5]).remote + puts), situation(MANY), LIMIT)

    assert guarded.remote == ()
    assert [hold.files for hold in guarded.holds] == [5]


def test_what_the_volume_keeps_is_no_deletion() -> None:
    """Files that leave this disk because it cannot hold their folder any more are not lost."""
    plan = Plan(local=local_plan(MANY[:9]).local, absent=((id_of("d"), Reason.NAME_CLASH),))
    moved = {node.id: node._replace(parent=id_of("d")) for node in MANY[:9]}
    there = Situation(MemoryTree([folder("d"), *MANY]), {}, moved, base_files=100)

    assert guard(plan, there, LIMIT) == plan


def test_the_synced_folder_is_not_emptied_unasked() -> None:
    """Ten files of ten wait, whatever the count allows."""
    policy = Policy(limit=DeleteLimit(count_least=20))

    assert guard(local_plan(MANY[:10]), situation(MANY[:10], files=10), policy).local == ()
    assert guard(local_plan(MANY[:9]), situation(MANY[:9], files=9), policy).holds == ()
    assert guard(local_plan(MANY[:10]), situation(MANY[:11], files=11), policy).holds == ()


@pytest.mark.parametrize("survivor", [file("s", at="d0"), file("f05", at="d0", content="c1")])
def test_a_folder_at_the_top_is_not_emptied_unasked(survivor: Node) -> None:
    """Ten files of one, though others hold thousands; one that stays or comes is enough to let them go."""
    policy = Policy(limit=DeleteLimit(count_least=20))
    inside = [file(f"f{number:02}", at="d1") for number in range(10)]
    nodes = [folder("d0"), folder("d1", at="d0"), *inside, file("far")]

    guarded = guard(remote_plan([*inside, nodes[1], nodes[0]]), situation(nodes, files=1_000), policy)

    assert guarded.remote == ()
    assert [hold.files for hold in guarded.holds] == [10]
    kept = Plan(remote=(*remote_plan(inside).remote, Step(PutNode(survivor, None))))
    assert guard(kept, situation(nodes, files=1_000), policy) == kept


def test_what_was_moved_away_does_not_keep_its_folder() -> None:
    """Ten deleted and one moved out, parked on the way, leave the folder empty."""
    policy = Policy(limit=DeleteLimit(count_least=20))
    inside = [file(f"f{number:02}", at="d") for number in range(11)]
    moved = inside[10]._replace(parent=id_of(""))
    steps = (*local_plan(inside[:10]).local, Step(ParkNode(inside[10])), Step(MoveNode(moved, inside[10]), (10,)))

    guarded = guard(Plan(local=steps), situation([folder("d"), *inside, file("far")], files=1_000), policy)

    assert guarded.local == (Step(ParkNode(inside[10])), Step(MoveNode(moved, inside[10]), (0,)))


def test_what_is_not_on_this_disk_does_not_keep_its_folder() -> None:
    """An excluded file is nothing that the user still sees in an emptied folder."""
    policy = Policy(limit=DeleteLimit(count_least=20))
    inside = [file(f"f{number:02}", at="d") for number in range(11)]
    absent = {inside[10].id: Reason.EXCLUDED}
    here = Situation(MemoryTree([folder("d"), *inside, file("far")]), {}, {}, absent=absent, base_files=1_000)

    assert guard(local_plan(inside[:10]), here, policy).local == ()


def test_nodes_are_known_by_the_ids_of_the_steps() -> None:
    """A folder that takes another id before the steps run is still the one that is emptied."""
    policy = Policy(limit=DeleteLimit(count_least=20))
    inside = [file(f"f{number:02}", at="d") for number in range(10)]
    taken = [file(f"g{number:02}", f"f{number:02}", at="e") for number in range(10)]
    identities = [Identity(one.id, other.id) for one, other in zip(inside, taken, strict=True)]
    plan = Plan(identities=(*identities, Identity(id_of("d"), id_of("e"))), local=local_plan(taken).local)

    guarded = guard(plan, situation([folder("d"), *inside, file("far")], files=1_000), policy)

    assert [hold.paths[0] for hold in guarded.holds] == [("d", "f00")]
