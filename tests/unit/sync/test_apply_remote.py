"""Commits: what others see is whole, a lost answer is no failure, and what fails takes only itself out."""

from __future__ import annotations

import errno

import pytest

from mega_cli.reconcile.actions import ParkNode, PutNode, RemoteAction, RemoveNode, Step
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.reconcile.situation import Reason
from mega_cli.sync import apply_remote
from mega_cli.sync.sim_folder import Fault
from tests.kit.sync_pair import SyncPair, equal_pairs, place


def revisions(pair: SyncPair) -> int:
    """Count what was committed to the volume."""
    return pair.volume.heads["main"].revision


def test_one_window_is_one_commit() -> None:
    """What was changed together appears together."""
    here, _ = equal_pairs({"a": b"1", "b": b"2"})
    before = revisions(here)
    here.save("a", b"changed")
    here.save("d/new", b"new")
    here.user.rename(place("b"), place("d/b"))
    here.clock.sleep(3)

    here.run()

    tree = {"a": b"changed", "d": None, "d/b": b"2", "d/new": b"new"}
    assert (revisions(here) - before, here.remote_tree()) == (1, tree)


@pytest.mark.parametrize("fault", [Fault.DROP_REPLY, Fault.DROP_REQUEST, Fault.LATE])
def test_a_lost_answer_commits_once(fault: Fault) -> None:
    """Whether the commit happened is asked, not guessed; there is no conflict with oneself (scenario 49)."""
    here, there = equal_pairs({"a": b"1"})
    before = revisions(here)
    here.save("a", b"2")
    here.fault_once("commit.swap", fault)

    here.run()
    here.volume.deliver_late()
    here.run()
    there.run()

    assert (revisions(here) - before, here.tree(), there.tree()) == (1, {"a": b"2"}, {"a": b"2"})


def test_an_edit_after_a_lost_answer_is_an_edit_of_what_was_committed() -> None:
    """The file goes on changing while the answer is missing: still no conflict copy."""
    here, there = equal_pairs({"a": b"1"})
    here.save("a", b"2")
    here.clock.sleep(3)
    here.fault_once("commit.swap", Fault.DROP_REPLY)
    here.engine.cycle()
    here.save("a", b"3")
    here.restart()

    here.run()
    there.run()

    assert here.tree() == there.tree() == {"a": b"3"}


def test_what_the_disk_does_not_hold_yet_is_not_agreed_on() -> None:
    """A commit that joins a local move with a remote edit settles nothing before the edit was fetched."""
    here, there = equal_pairs({"a": b"1"})
    there.save("a", b"2")
    there.run()
    here.user.rename(place("a"), place("n"))
    here.fault_once("fetch", Fault.BAD_BLOB)

    here.run()
    stale = here.tree(), here.remote_tree()
    here.clock.sleep(10)
    here.run()

    assert stale == ({"n": b"1"}, {"n": b"2"})
    assert here.tree() == here.remote_tree() == {"n": b"2"}


def test_a_lost_race_is_planned_anew_after_a_pause() -> None:
    """Another device commits just before: both changes are there in the end, and the wait grows."""
    here, there = equal_pairs({"a": b"1", "b": b"2"})
    here.save("a", b"mine")
    there.save("b", b"theirs")
    here.clock.sleep(3)
    raced = False

    def on_remote(moment: str) -> None:
        nonlocal raced
        if moment == "commit.read" and not raced:
            raced = True
            there.run()

    here.on_remote = on_remote

    first = here.engine.cycle()
    here.run()

    assert (first.commits, first.failures, 0 < first.waiting_s <= 0.1) == (0, (), True)
    assert here.tree() == here.remote_tree() == {"a": b"mine", "b": b"theirs"}


def test_an_upload_that_fails_takes_out_what_comes_after_it_and_nothing_else() -> None:
    """A file that cannot be read stays where it is; the others go up."""
    here, _ = equal_pairs({"a": b"1"})
    here.save("bad", b"2")
    here.save("good", b"3")
    here.clock.sleep(3)
    here.engine.cycle()
    here.disk.refuse(errno.EIO, place("bad"), calls=frozenset({"open_file"}))
    here.save("bad", b"22")
    here.save("good", b"33")

    here.run()

    assert here.remote_tree()["good"] == b"33"
    assert here.remote_tree()["bad"] == b"2"


def test_a_file_that_changes_during_its_upload_is_not_committed() -> None:
    """Only what was read whole and stayed so gets into the volume (scenario 43)."""
    here, _ = equal_pairs({"a": b"1"})
    here.save("a", b"first words")
    seen = []
    here.clock.sleep(3)
    reads = 0

    def on_call(call: str, at: object) -> None:
        nonlocal reads
        reads += call == "open_file" and at == place("a")
        if reads == 2 and call == "file.readinto":
            reads = 3
            here.save("a", b"other words")

    here.disk.on_call = on_call
    here.on_remote = lambda moment: seen.append(here.remote_tree()["a"]) if moment == "commit.swap done" else None

    here.run()

    assert seen == [b"other words"]


def test_a_full_volume_takes_moves_and_removals() -> None:
    """Quota stops uploads: they are listed, and nothing else waits for them."""
    here, _ = equal_pairs({"a": b"1", "d/b": b"2", "c": b"3"})
    here.user.rename(place("d"), place("t"))
    here.user.remove(place("c"))
    here.save("new", b"4")
    here.faults = lambda moment: Fault.QUOTA if moment == "upload" else None

    here.run()

    assert here.remote_tree() == {"a": b"1", "t": None, "t/b": b"2"}
    assert [(row.path, row.reason) for row in here.state.stalled()] == [("new", Reason.QUOTA)]
    assert here.tree()["new"] == b"4"


def test_a_volume_that_is_full_at_the_commit_takes_moves_and_removals() -> None:
    """The limit may show only when the root is offered."""
    here, _ = equal_pairs({"a": b"1", "c": b"3"})
    here.user.rename(place("a"), place("n"))
    here.save("new", b"4")
    here.clock.sleep(3)
    here.fault_once("commit.read", Fault.QUOTA)

    here.run()

    assert here.remote_tree() == {"c": b"3", "n": b"1"}
    assert [row.reason for row in here.state.stalled()] == [Reason.QUOTA]


def test_blobs_that_were_lost_are_uploaded_again() -> None:
    """The next cycle stores them once more."""
    here, _ = equal_pairs({"a": b"1"})
    here.save("new", b"2")
    here.fault_once("commit.swap", Fault.LOST_BLOBS)

    here.run()

    assert here.remote_tree() == {"a": b"1", "new": b"2"}


def test_a_swap_of_names_is_one_commit() -> None:
    """What stands aside meanwhile is never seen by others."""
    here, there = equal_pairs({"a/1": b"1", "b/2": b"2"})
    names = []
    here.on_remote = lambda moment: names.append(sorted(here.remote_tree())) if moment == "commit.swap done" else None
    here.user.swap(place("a"), place("b"))

    here.run()
    there.run()

    assert names == [["a", "a/2", "b", "b/1"]]
    assert there.tree() == here.tree()


def test_many_files_are_committed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first upload shows what is there so far."""
    monkeypatch.setattr(apply_remote, "_COMMIT_FILES", 10)
    here, _ = equal_pairs({"a": b"1"})
    for number in range(25):
        here.save(f"d/{number}", b"%d" % number)
    here.clock.sleep(3)

    commits = sum(report.commits for report in here.run())

    assert (commits, len(here.remote_tree())) == (3, 27)


def test_a_node_that_stands_aside_is_not_left_there_by_a_cut() -> None:
    """No part of a commit ends between the two steps of one node."""
    first, second = (Node(bytes([number]) * 16, ROOT, name, "f") for number, name in ((1, "a"), (2, "b")))
    new = Node(bytes([3]) * 16, ROOT, "n", "f", bytes(32), 5 << 30)
    steps: tuple[Step[RemoteAction], ...] = (
        Step(ParkNode(first)),
        Step(PutNode(new, None)),
        Step(PutNode(second._replace(name="a"), second), (0,)),
        Step(PutNode(first._replace(name="b"), first), (2,)),
        Step(RemoveNode(new)),
    )

    assert list(apply_remote._parts(steps[:4])) == [range(4)]
