"""What `mega_cli/sync/remote.py` promises, kept by the folder of a real volume and by the simulated one alike."""

from __future__ import annotations

import pytest

from mega_cli.errors import MissingItemError, RollbackError, SafetyStopError
from mega_cli.reconcile.nodes import ROOT, MemoryTree
from mega_cli.sync.remote import Edit, RemoteMark, RemoteMovedError
from tests.kit.remote_ends import Client, Levers, a_file, a_folder, a_link, looking

D, E = a_folder("d"), a_folder("e")
INSIDE = a_file("inside", b"inside", D.id)
EVERYTHING = (D, E, a_link("link"), (INSIDE, b"inside"), (a_file("file", b"data"), b"data"))


# --- looking ----------------------------------------------------------------------------------------------------------


def test_the_first_sight_is_whole(levers: Levers, one: Client) -> None:
    """Without a mark everything is told, as it was committed, folders before what lies in them."""
    one.put(*EVERYTHING)

    sight = levers.folder(2).observe(None)

    assert sight.is_whole
    assert {change.id: change.node for change in sight.changes} == {node.id: node for node in one.tree}
    order = [change.id for change in sight.changes]
    assert order.index(D.id) < order.index(INSIDE.id)


def test_a_second_sight_without_a_change_is_empty(one: Client) -> None:
    """And gives the same mark."""
    one.put(*EVERYTHING)
    before = one.mark

    sight = one.look()

    assert (list(sight.changes), sight.is_whole, sight.mark) == ([], False, before)


def test_only_what_changed_is_told(one: Client, other: Client) -> None:
    """One edit, one removal, one new node: no others."""
    one.put(*EVERYTHING)
    other.look()
    one.commit(Edit(INSIDE, INSIDE._replace(mtime_ns=9)), Edit(E, None), Edit(None, a_folder("new", D.id)))

    sight = other.look()

    assert not sight.is_whole
    assert {change.id for change in sight.changes} == {INSIDE.id, E.id, a_folder("new").id}
    assert other.tree == one.tree


def test_a_node_that_moved_is_one_change(one: Client, other: Client) -> None:
    """At its new place; what lies in a folder that moved is none."""
    one.put(*EVERYTHING)
    other.look()
    one.commit(Edit(D, D._replace(parent=E.id, name="moved")))

    sight = other.look()

    assert [change.node for change in sight.changes] == [D._replace(parent=E.id, name="moved")]


def test_of_a_folder_that_is_gone_everything_is_told(one: Client, other: Client) -> None:
    """The folder and what was in it."""
    one.put(*EVERYTHING)
    other.look()
    one.remove(D, INSIDE)

    sight = other.look()

    assert {(change.id, change.node) for change in sight.changes} == {(D.id, None), (INSIDE.id, None)}


def test_a_mark_outlives_the_process(levers: Levers, one: Client) -> None:
    """Another run, which has nothing but the mark, sees what changed since."""
    mark = one.put(D)
    one.put((INSIDE, b"inside"))

    sight = levers.folder(1).observe(mark)

    assert ([change.node for change in sight.changes], sight.is_whole) == ([INSIDE], False)


def test_a_mark_whose_pages_are_gone_gives_a_whole_sight(levers: Levers, one: Client) -> None:
    """It cannot be compared with, and the sight says so."""
    mark = one.put(D)
    one.put((INSIDE, b"inside"))
    levers.sweep()

    sight = levers.folder(3).observe(mark)

    assert ({change.node for change in sight.changes}, sight.is_whole) == ({D, INSIDE}, True)


def test_what_changed_elsewhere_is_no_change(levers: Levers, one: Client) -> None:
    """The revision rises; the folder is what it was."""
    mark = one.put(D)
    levers.change_elsewhere()

    sight = one.look()

    assert list(sight.changes) == []
    assert sight.mark.revision > mark.revision


# --- guards -----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_gone_never_looks_empty(levers: Levers, one: Client) -> None:
    """Who had seen it is stopped, and can no longer commit either."""
    one.put(*EVERYTHING)
    levers.remove_folder()

    with pytest.raises(SafetyStopError):
        one.look()
    with pytest.raises(SafetyStopError):
        one.put(a_folder("new"))


def test_another_folder_of_the_same_name_is_not_the_folder(levers: Levers, one: Client) -> None:
    """It would look as if everything had been removed."""
    one.put(*EVERYTHING)
    levers.replace_folder()

    with pytest.raises(SafetyStopError):
        one.look()
    with pytest.raises(SafetyStopError):
        one.put(a_folder("new"))


def test_a_folder_that_never_was_is_a_missing_item(levers: Levers) -> None:
    """Without a mark there is nothing to protect."""
    levers.remove_folder()

    with pytest.raises(MissingItemError):
        levers.folder(5).observe(None)


def test_an_older_head_is_a_rollback(levers: Levers, one: Client) -> None:
    """Nothing of it is told, and nothing committed on it (T20)."""
    one.put(D)
    one.put((INSIDE, b"inside"))
    levers.roll_back()

    with pytest.raises(RollbackError):
        one.look()
    with pytest.raises(RollbackError):
        one.put(E)


def test_a_mark_that_is_no_part_of_the_history_is_a_rollback(levers: Levers, one: Client) -> None:
    """Even on a device whose pin was lost: the pair remembers what it had seen."""
    one.put(D)
    mark = one.put((INSIDE, b"inside"))
    levers.roll_back()
    other = looking(levers, 2)
    other.put(E)

    with pytest.raises(RollbackError):
        levers.folder(7).observe(mark)


# --- commits ----------------------------------------------------------------------------------------------------------


def test_a_commit_is_announced_and_then_found(levers: Levers, one: Client) -> None:
    """The mark that was announced is the one that is given back, and every device finds it in the history."""
    mark = one.put(D)

    assert one.announced == [mark]
    assert one.folder.has_committed(mark)
    one.put(E)
    levers.change_elsewhere()
    assert levers.folder(2).has_committed(mark)


def test_an_announced_commit_that_did_not_happen_is_not_found(one: Client) -> None:
    """A run that ended just before the swap: nothing changed, and the history says so."""
    told: list[RemoteMark] = []

    def crash(mark: RemoteMark) -> None:
        told.append(mark)
        raise KeyboardInterrupt

    assert one.mark is not None
    with pytest.raises(KeyboardInterrupt):
        one.folder.commit(one.mark, [Edit(None, D)], MemoryTree(), crash)

    assert not one.folder.has_committed(told[0])
    assert list(one.look().changes) == []
    one.put(E)
    assert not one.folder.has_committed(told[0])


def test_only_the_very_record_counts_as_committed(one: Client) -> None:
    """Another record of the same revision does not."""
    mark = one.put(D)

    assert not one.folder.has_committed(mark._replace(digest=bytes(32)))
    assert not one.folder.has_committed(mark._replace(revision=mark.revision + 1))


def test_a_commit_on_a_folder_that_moved_on_is_refused(one: Client, other: Client) -> None:
    """All of it; after another look the same edits fit."""
    one.put(D)

    with pytest.raises(RemoteMovedError):
        other.put(E)

    assert other.announced == []
    other.look()
    other.put(E)
    one.look()
    assert {node.id for node in one.tree} == {D.id, E.id}


def test_a_commit_meets_another_in_its_middle(levers: Levers, one: Client, other: Client) -> None:
    """The other one came between the announcement and the swap: the loser is told, and nothing of it happened."""
    other.look()

    def overtaken(mark: RemoteMark) -> None:
        one.announced.append(mark)
        other.put(E)

    assert one.mark is not None
    with pytest.raises(RemoteMovedError):
        one.folder.commit(one.mark, [Edit(None, D)], one.tree, overtaken)

    assert not one.folder.has_committed(one.announced[-1])
    assert [change.node for change in levers.folder(3).observe(None).changes] == [E]


def test_what_changes_elsewhere_during_a_commit_stays(levers: Levers, one: Client) -> None:
    """The swap is lost and tried again by itself, announced each time; the last one counts."""
    told: list[RemoteMark] = []

    def overtaken(mark: RemoteMark) -> None:
        told.append(mark)
        if len(told) == 1:
            levers.change_elsewhere()

    assert one.mark is not None
    mark = one.folder.commit(one.mark, [Edit(None, D)], one.tree, overtaken)

    assert (len(told), told[-1]) == (2, mark)
    assert not one.folder.has_committed(told[0])
    assert one.folder.has_committed(mark)


def test_a_commit_of_nothing_changes_nothing(one: Client) -> None:
    """It is not even announced."""
    mark = one.put(D)
    one.announced.clear()

    assert one.commit() == mark
    assert one.announced == []


def test_circles_of_moves_are_one_commit(one: Client, other: Client) -> None:
    """Two folders change places while what lies in them changes as well."""
    one.put(D, E, (INSIDE, b"inside"))
    one.commit(
        Edit(D, D._replace(name="e")), Edit(E, E._replace(name="d")), Edit(INSIDE, INSIDE._replace(name="renamed"))
    )

    other.look()

    assert other.tree == one.tree


def test_a_folder_goes_into_the_one_it_held(one: Client, other: Client) -> None:
    """d/e becomes e/d."""
    one.put(D, E._replace(parent=D.id))
    one.commit(Edit(D, D._replace(parent=E.id)), Edit(E._replace(parent=D.id), E))

    other.look()

    assert other.tree == one.tree


def test_what_is_removed_is_in_the_trash(levers: Levers, one: Client) -> None:
    """Everything that people remove can be had again."""
    one.put(*EVERYTHING)
    one.remove(D, INSIDE)

    assert D.id in levers.trashed()


def test_an_edit_keeps_the_node(one: Client, other: Client) -> None:
    """New content, another name and mode: the id is the same, and the old content is no longer there."""
    one.put((INSIDE._replace(parent=ROOT), b"inside"))
    before = INSIDE._replace(parent=ROOT)
    after = a_file("inside", b"other data")._replace(name="renamed", mode=0o700)
    (stored,) = one.store([(after, b"other data")])
    one.commit(Edit(before, after, stored.content))

    other.look()

    assert list(other.tree) == [after]
    assert other.fetch(after) == [(b"other data", None)]


@pytest.mark.parametrize(
    "edit",
    [
        Edit(D._replace(name="other"), None),
        Edit(a_folder("nowhere"), None),
        Edit(D._replace(mode=0o700), D),
        Edit(None, D._replace(name="again")),
    ],
    ids=["another name", "nothing there", "another mode", "there already"],
)
def test_edits_for_another_folder_are_refused(one: Client, edit: Edit) -> None:
    """What is remembered does not fit what is there: nothing is changed."""
    one.put(D)
    seen = MemoryTree(node for node in (edit.before, edit.after) if node is not None)

    assert one.mark is not None
    with pytest.raises(SafetyStopError):
        one.folder.commit(one.mark, [edit], seen, one.announced.append)

    assert list(one.look().changes) == []
