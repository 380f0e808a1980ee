"""The cycle: what it reports, what it refuses to begin, what it remembers, and what it leaves to the user."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import replace

import pytest

from mega_cli.errors import MegaError, RollbackError, SafetyStopError, TemporaryError
from mega_cli.reconcile.actions import Hold, Side
from mega_cli.reconcile.situation import DeleteLimit, Mode, Reason
from mega_cli.sync.record import hold_name
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.kit.sync_pair import equal_pairs, place, two_pairs


def files(count: int) -> dict[str, bytes]:
    """Name some files in a folder."""
    return {f"d/{number}": b"%d" % number for number in range(count)}


def test_a_report_counts_what_was_done() -> None:
    """Files, bytes, commits and changes of both sides."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"22")
    there.run()
    here.save("c", b"333")
    here.clock.sleep(3)

    report = here.engine.cycle()

    assert (report.downloaded, report.received_bytes, report.local_changes) == (1, 2, 1)
    assert (report.uploaded, report.sent_bytes, report.remote_changes, report.commits) == (1, 3, 1, 1)
    assert here.engine.cycle().is_up_to_date


def test_a_second_cycle_writes_nothing() -> None:
    """Where nothing changed, neither the disk nor the volume is written to."""
    here, _ = equal_pairs({"a": b"1", "d/b": b"2"})
    calls: set[str] = set()
    here.disk.on_call = lambda call, _at: calls.add(call)
    before = here.volume.heads["main"]

    here.run()

    assert calls <= {"look", "list_folder", "open_file", "file.found", "file.readinto"}
    assert here.volume.heads["main"] is before


def test_what_failed_is_looked_at_again() -> None:
    """A cycle that left something undone is not up to date, and another follows."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.disk.refuse(errno.EIO, (b".mega", b"tmp"), calls=frozenset({"make_file"}), is_below=True)

    reports = here.run()

    assert not any(report.is_up_to_date for report in reports)
    assert len(reports) > 1


def test_a_dry_run_changes_neither_side() -> None:
    """It says what would be done, and nothing is."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.save("c", b"3")
    here.clock.sleep(3)
    before = here.tree(), here.remote_tree(), here.hidden()

    report = here.engine.cycle(is_dry_run=True)

    assert (here.tree(), here.remote_tree(), here.hidden()) == before
    assert (len(report.plan.local), len(report.plan.remote)) == (1, 1)


@pytest.mark.parametrize("leaves_folder", [True, False])
def test_an_unmounted_folder_stops_the_run(leaves_folder: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """An empty mount point is no deletion of everything (scenario 55)."""
    here, there = equal_pairs({"a": b"1"})
    here.disk.unmount(leaves_folder=leaves_folder)

    with pytest.raises(SafetyStopError):
        here.engine.cycle()

    there.run()
    assert there.tree() == {"a": b"1"}


def test_an_unreadable_folder_is_no_empty_one() -> None:
    """A listing that fails freezes what lies below, and the rest is synced (scenario 56)."""
    here, there = equal_pairs({"d/a": b"1", "b": b"2"})
    here.disk.refuse(errno.EACCES, place("d"), calls=frozenset({"list_folder"}))
    here.save("b", b"22")

    here.run()
    there.run()

    assert there.tree() == {"b": b"22", "d": None, "d/a": b"1"}


def test_a_root_that_cannot_be_listed_plans_nothing() -> None:
    """Then nothing at all is known of this disk."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.disk.refuse(errno.EIO, (), calls=frozenset({"list_folder"}))

    report = here.engine.cycle()

    assert (report.plan.is_empty, report.is_up_to_date, here.tree()) == (True, False, {"a": b"1"})


def test_a_state_that_cannot_be_read_stops_the_run() -> None:
    """A broken file never looks like an empty tree."""
    here, there = equal_pairs({"a": b"1"})
    here.state._db.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)

    with pytest.raises(SafetyStopError):
        here.engine.cycle()

    there.run()
    assert (here.tree(), there.tree()) == ({"a": b"1"}, {"a": b"1"})


def test_a_server_that_is_not_reached_changes_nothing() -> None:
    """Without a verified head there is no plan."""
    here, _ = equal_pairs({"a": b"1"})
    here.user.remove(place("a"))
    here.fault_once("observe", Fault.DROP_REQUEST)

    with pytest.raises(TemporaryError):
        here.engine.cycle()

    assert here.remote_tree() == {"a": b"1"}


def test_a_run_ends_when_nothing_gets_better() -> None:
    """A server that fails at every commit is not asked for ever."""
    here, _ = equal_pairs({"a": b"1"})
    here.save("b", b"2")
    here.faults = lambda moment: Fault.DROP_REQUEST if moment == "commit.swap" else None

    reports = here.run()

    assert (len(reports) <= 12, reports[-1].is_up_to_date, bool(reports[-1].failures)) == (True, False, True)


def test_many_deletions_wait_for_the_user() -> None:
    """They are held under a short name, everything else goes on, and approval lets them pass (scenario 58)."""
    here, there = equal_pairs(files(30))
    here.user.remove(place("d"))
    here.save("new", b"goes up")
    here.run()
    there.run()
    (hold,) = here.state.holds()
    before = there.tree()

    with here.state.transaction():
        here.state.keep_approved(hold.ids)
    here.run()

    assert (len(before), hold.side, hold.files, len(hold.name)) == (32, "remote", 30, 8)
    assert (here.remote_tree(), here.state.holds(), here.state.approved()) == ({"new": b"goes up"}, [], frozenset())


def test_a_hold_is_named_after_what_it_holds() -> None:
    """Approval of one set of deletions is no approval of another."""
    one = Hold(Side.LOCAL, (bytes(16),), 1, ())

    names = {hold_name(hold) for hold in (one, one._replace(side=Side.REMOTE), one._replace(ids=(b"1" * 16,)))}

    assert len(names) == 3


def test_a_conflict_is_noted_once() -> None:
    """The copy, what it is a copy of, and a line in the log."""
    here, there = equal_pairs({"a": b"1"})
    there.save("a", b"theirs")
    there.run()
    here.save("a", b"mine")

    here.run()
    here.run()

    (row,) = here.state.conflicts()
    assert (row.path, here.tree()[row.copy], here.tree()["a"]) == ("a", b"mine", b"theirs")
    assert [event.event for event in here.state.events(10)] == ["conflict-copy"]


def test_an_edit_that_beats_a_deletion_is_told() -> None:
    """The log says why a file is back."""
    here, there = equal_pairs({"a": b"1"})
    there.user.remove(place("a"))
    there.run()
    here.save("a", b"edited")

    here.run()

    assert [(event.event, event.path) for event in here.state.events(10)] == [("edit-beats-delete", "a")]


def test_a_resync_joins_both_sides_and_deletes_nothing() -> None:
    """What one side has alone is on both afterwards."""
    here, there = equal_pairs({"a": b"1", "b": b"2"})
    there.user.remove(place("a"))
    there.run()
    here.user.remove(place("b"))

    here.engine.resync()
    here.run()

    assert here.tree()["b"] == b"2"
    assert "a" in here.tree()


def test_a_ghost_is_listed_and_not_uploaded() -> None:
    """A file that others deleted while this device's memory was lost does not come back (scenario 21)."""
    here, there = equal_pairs({"a": b"1", "b": b"2"})
    there.user.remove(place("a"))
    there.run()
    here.engine.resync()

    here.run()
    here.restart()
    here.run()
    there.run()

    assert [(row.path, row.reason) for row in here.state.stalled()] == [("a", Reason.GHOST)]
    assert (here.tree(), there.tree()) == ({"a": b"1", "b": b"2"}, {"b": b"2"})


def test_a_rolled_back_server_changes_nothing() -> None:
    """An older head is refused before anything is planned (scenario 59)."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.run()
    here.volume.roll_back(1)

    with pytest.raises(RollbackError):
        here.engine.cycle()

    assert here.tree() == {"a": b"1", "b": b"2"}


def test_an_accepted_older_history_is_joined() -> None:
    """Once the user trusts what the server shows, both sides are united, and nothing is deleted here."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.run()
    here.volume.roll_back(1)
    here.volume.pins.clear()

    here.run()

    assert here.tree() == here.remote_tree() == {"a": b"1", "b": b"2"}


def test_a_remote_folder_that_is_gone_is_no_deletion() -> None:
    """It never looks empty."""
    here, _ = equal_pairs({"a": b"1"})
    here.volume.remove_folder()

    with pytest.raises(MegaError):
        here.engine.cycle()

    assert here.tree() == {"a": b"1"}


def test_ignored_files_are_left_alone_on_both_sides() -> None:
    """A rule detaches; without it both are new, and equal ones are one again."""
    here, there = equal_pairs({"a": b"1", "b": b"2"})
    here.save(".megaignore", b"a\n")
    here.run()
    here.save("a", b"changed here")
    here.run()
    during = here.remote_tree()["a"]
    here.save("a", b"1")
    here.user.remove(place(".megaignore"))

    for pair in (here, there, here):
        pair.run()

    assert (during, here.tree(), there.tree()) == (b"1", {"a": b"1", "b": b"2"}, {"a": b"1", "b": b"2"})


def test_what_the_volume_has_at_an_ignored_place_is_not_fetched() -> None:
    """A rule of this device holds for what others make."""
    here, there = two_pairs()
    here.settings = Settings(ignore_lines=("*.iso",))
    here.restart()
    there.save("large.iso", b"1")
    there.save("d/b", b"2")
    there.run()

    here.run()

    assert (here.tree(), here.remote_tree()["large.iso"]) == ({"d": None, "d/b": b"2"}, b"1")


def test_a_mirror_down_never_writes_to_the_volume() -> None:
    """This disk becomes what the volume holds; what it had goes to the trash."""
    here, there = equal_pairs({"a": b"1"})
    here.settings = Settings(mode=Mode.MIRROR_DOWN, limit=DeleteLimit(count_least=None))
    here.restart()
    here.save("mine", b"2")
    before = here.volume.heads["main"]

    here.run()

    assert (here.tree(), here.volume.heads["main"] is before) == ({"a": b"1"}, True)
    assert b"2" in here.hidden().values()
    assert there.tree() == {"a": b"1"}


def test_many_lost_races_wait_longer_and_never_more_than_five_seconds() -> None:
    """50 ms, and twice as long each time."""
    here, _ = equal_pairs({"a": b"1"})
    here.save("a", b"2")
    here.clock.sleep(3)
    here.faults = lambda moment: Fault.DROP_REQUEST if moment == "commit.swap" else None

    waits = [here.engine.cycle().waiting_s for _ in range(12)]

    assert waits[0] <= 0.1
    assert 2.5 <= waits[-1] <= 5


def test_a_folder_stays_while_the_absence_of_something_in_it_is_not_proven() -> None:
    """A new file in it has vanished a moment ago, and may come back; its row must not outlive the folder's."""
    here, there = equal_pairs({"d/a": b"1"})
    here.save("d/new", b"2")
    here.clock.sleep(3)
    here.fault_once("upload", Fault.QUOTA)
    here.engine.cycle()
    there.user.remove(place("d"))
    there.run()
    here.user.remove(place("d/new"))

    here.engine.cycle()
    assert here.tree() == {"d": None}

    here.run()
    assert (here.tree(), list(here.state.local)) == ({}, [])


def test_a_new_run_tries_what_rested() -> None:
    """What found no room is tried at once by the next run, whose user may just have made some."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.settings = replace(here.settings, free_least_bytes=1 << 60)
    here.restart()
    assert here.run()[-1].plan.stalls
    here.settings = replace(here.settings, free_least_bytes=0)
    here.restart()

    assert here.engine.cycle().downloaded == 1
