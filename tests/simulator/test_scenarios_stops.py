"""Scenarios 55-59 and T85: what was lost, put back, emptied or refused; nothing is ever deleted because of it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable

import pytest

from mega_cli.errors import IntegrityError, LimitError, RollbackError, SafetyStopError
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.marker import Verdict
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.simulator.stage import Device, Stage, machine

TREE = {"d/x": "1", "d/y": "2", "z": "3"}


def _unmounted(device: Device) -> None:
    device.client.disk.unmount(leaves_folder=True)


def _gone(device: Device) -> None:
    device.client.disk.unmount(leaves_folder=False)


def _emptied(device: Device) -> None:
    device.client.user.empty()


def _replaced(device: Device) -> None:
    other = Stage().devices[0]
    other.client.pair = "another pair"
    other.write("another", "folder")
    other.sync()
    device.client.disk.tree.root = other.client.disk.tree.root


@pytest.mark.parametrize("happens", [_unmounted, _gone, _emptied, _replaced])
@pytest.mark.parametrize("is_stopped", [True, False])
def test_55_the_folder_is_not_the_one_it_was(happens: Callable[[Device], None], *, is_stopped: bool) -> None:
    """Unmounted, gone, emptied or replaced, with mega running or not: it stops, and nothing is deleted anywhere."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    if is_stopped:
        a.client.stop()
    happens(a)

    stage.world.is_fair = False  # a stop is what we want to see
    for _ in range(4):
        stage.world.time.pass_s(10)
        assert a.cycle() is None
        assert isinstance(a.errors[-1], SafetyStopError)

    b.sync()
    assert b.tree == TREE
    assert stage.world.volume.trash == []


@pytest.mark.parametrize("happens", [_unmounted, _gone, _emptied])
def test_55_the_folder_goes_in_the_middle_of_a_cycle(happens: Callable[[Device], None]) -> None:
    """At whatever call of a cycle the folder goes: nothing is deleted anywhere."""
    for at in range(40):
        stage = Stage()
        a, b = stage.devices
        stage.begin(TREE)
        a.write("z", "edited")
        b.write("new", "4")
        b.sync()
        a.at_call(at, lambda device=a: happens(device))  # type: ignore[misc]  # a default binds the device
        stage.world.is_fair = False
        for _ in range(4):
            stage.world.time.pass_s(10)
            a.cycle()

        b.sync()
        assert b.tree in ({**TREE, "new": "4"}, {**TREE, "new": "4", "z": "edited"}), at
        assert stage.world.volume.trash == [], at


def test_55_mounted_again() -> None:
    """Once the disk is back, everything goes on, and what changed meanwhile comes."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.client.disk.unmount(leaves_folder=True)
    stage.world.is_fair = False
    a.cycle()
    a.client.disk.mount()
    stage.world.is_fair = True
    b.write("z", "edited")

    stage.sync(b, a)

    stage.expect({**TREE, "z": "edited"})
    assert a.uploaded == 0


def test_55_the_folder_is_put_back_from_a_snapshot() -> None:
    """An older image of the disk came back: both sides are joined, nothing is deleted, newer versions come."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.client.stop()
    snapshot = a.client.disk_image()
    a.write("z", "edited")
    a.write("new", "4")
    stage.sync(a, b)
    a.client.stop()
    a.client.put_back(snapshot)
    a.forget()

    stage.sync(a, b)

    assert a.client.verdict is None or a.client.verdict in (Verdict.FOLDER_OLD, Verdict.GO_ON)
    assert b.tree == {**TREE, "z": "edited", "new": "4"}
    assert stage.world.volume.trash == []
    stage.expect(b.tree)


def test_55_the_state_is_put_back_from_a_copy() -> None:
    """An older state came back: nothing is deleted that somebody wants, and nothing is in conflict with itself."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.client.stop()
    copy = a.client.copy_of_state()
    a.write("z", "edited")
    a.write("new", "4")
    b.write("d/x", "theirs")
    stage.sync(a, b, a)
    a.client.take_state(copy)
    a.forget()

    stage.sync(a, b)

    stage.expect({"d/x": "theirs", "d/y": "2", "z": "edited", "new": "4"})
    assert stage.world.volume.trash == []


def test_55_the_state_is_lost() -> None:
    """Both sides are joined: what is equal is adopted without a transfer, nothing is deleted."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.client.take_state(a.client.new_state())
    a.forget()
    a.write("mine", "4")
    b.write("theirs", "5")

    stage.sync(b, a, b)

    stage.expect({**TREE, "mine": "4", "theirs": "5"})
    assert (a.uploaded, a.downloaded) == (1, 1)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_56_a_subtree_that_cannot_be_read(number: int) -> None:
    """Nothing below it is deleted or written, the rest syncs, and it goes on when it can be read again."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.client.disk.refuse(number, (b"d",), is_below=True)
    a.write("z", "edited")
    b.write("d/x", "theirs")
    stage.sync(b)
    for _ in range(4):
        stage.world.time.pass_s(10)
        a.cycle()
    b.sync()
    assert b.tree == {**TREE, "d/x": "theirs", "z": "edited"}
    assert a.client.user.read((b"d", b"x")) == b"1"
    assert Reason.UNREADABLE in a.stalls.values()
    stage.check()

    a.client.disk.relent()
    stage.world.time.pass_s(4_000)
    stage.sync(a, b)

    stage.expect({**TREE, "d/x": "theirs", "z": "edited"})


def test_56_content_that_cannot_be_had() -> None:
    """A damaged content keeps the version that is here, and everything else syncs."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    b.write("z", "theirs")
    b.write("d/x", "theirs too")
    b.sync()
    a.fail("fetch", Fault.BAD_BLOB)
    stage.world.time.pass_s(10)
    a.cycle()
    assert isinstance(a.reports[-1].failures[0].error, IntegrityError)
    assert sorted(a.tree.values()) in (["1", "2", "theirs"], ["2", "3", "theirs too"])

    stage.world.time.pass_s(4_000)
    stage.sync(a)

    stage.expect({"d/x": "theirs too", "d/y": "2", "z": "theirs"})


def test_57_the_disk_is_full() -> None:
    """What does not fit does not come, no part of it is seen, nothing is deleted; with room again it all comes."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    b.write("big", "big" * 5_000)
    b.write("d/x", "theirs")
    b.sync()
    a.client.disk.tree.capacity_bytes = a.client.disk.tree.used_bytes + 5_000
    for _ in range(3):
        stage.world.time.pass_s(10)
        a.cycle()
        assert "big" not in a.tree
    a.write("z", "mine")
    stage.world.time.pass_s(10)
    a.cycle()
    b.sync()
    assert b.tree == {"big": "big" * 5_000, "d/x": "theirs", "d/y": "2", "z": "mine"}

    a.client.disk.tree.capacity_bytes = None
    stage.world.time.pass_s(4_000)
    stage.sync(a)

    stage.expect(b.tree)


@pytest.mark.parametrize("moment", ["state.begin", "state.commit"])
def test_57_the_state_cannot_be_written(moment: str) -> None:
    """At whatever transaction SQLite finds no room: the run stops, nothing is deleted, and a later one finishes."""
    for at in range(6):
        stage = Stage()
        a, b = stage.devices
        stage.begin(TREE)
        a.write("z", "mine")
        b.write("d/x", "theirs")
        b.remove("d/y")
        b.sync()
        stage.world.time.pass_s(10)

        def refuse() -> None:
            raise sqlite3.OperationalError("database or disk is full")

        a.at_nth(moment, at, refuse)
        stage.world.is_fair = False
        a.cycle()
        stage.world.is_fair = True

        stage.sync(a, b)

        stage.expect({"d/x": "theirs", "z": "mine"})


def test_57_the_quota_is_used_up() -> None:
    """Nothing is deleted for want of room in the volume, downloads go on, and uploads resume by themselves."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    a.write("z", "mine")
    b.write("d/x", "theirs")
    b.sync()
    a.fail("upload", Fault.QUOTA)
    stage.world.time.pass_s(10)
    a.cycle()
    assert any(isinstance(failure.error, LimitError) for failure in a.reports[-1].failures)
    assert a.tree == {"d/x": "theirs", "d/y": "2", "z": "mine"}

    stage.world.time.pass_s(4_000)
    stage.sync(a, b)

    stage.expect({"d/x": "theirs", "d/y": "2", "z": "mine"})


MANY = {f"d/{at}": f"content {at}" for at in range(40)} | {f"e/{at}": f"other {at}" for at in range(40)}


def test_58_many_deletions_here() -> None:
    """More than a quarter of all files deleted here: the deletions wait, everything else goes on, until approved."""
    stage = Stage(machine("A", settings=Settings()), machine("B"))
    a, b = stage.devices
    stage.begin(MANY)
    for at in range(30):
        a.remove(f"d/{at}")
    a.write("new", "1")
    for _ in range(3):
        stage.world.time.pass_s(10)
        a.cycle()
    b.sync()
    assert b.tree == {**MANY, "new": "1"}
    (hold,) = a.reports[-1].plan.holds
    assert hold.files == 30

    a.client.approve_all()
    stage.sync(a, b)

    stage.expect(b.tree)
    assert len(b.tree) == 51


def test_58_many_deletions_elsewhere() -> None:
    """The same from the volume: what is here stays until it is approved."""
    stage = Stage(machine("A", settings=Settings()), machine("B"))
    a, b = stage.devices
    stage.begin(MANY)
    b.remove("d")
    b.sync()
    for _ in range(3):
        stage.world.time.pass_s(10)
        a.cycle()
    assert a.tree == MANY
    assert a.reports[-1].plan.holds[0].files == 40

    a.client.approve_all()
    stage.sync(a)

    stage.expect({path: text for path, text in MANY.items() if path.startswith("e/")})


def test_58_many_renames() -> None:
    """The same files merely renamed are no deletions."""
    stage = Stage(machine("A", settings=Settings()), machine("B", settings=Settings()))
    a, b = stage.devices
    stage.begin(MANY)
    for at in range(40):
        a.rename(f"d/{at}", f"e/moved {at}")

    stage.sync(a, b)

    assert len(b.tree) == 81  # the empty folder d among them
    stage.expect(a.tree)


def test_58_the_volume_is_emptied() -> None:
    """T85: a valid root with an empty tree deletes nothing here until it is approved."""
    stage = Stage(machine("A", settings=Settings()), machine("B", settings=Settings()))
    a, b = stage.devices
    stage.begin(MANY)
    stage.world.volume.put_tree([])
    for device in (a, b):
        for _ in range(3):
            stage.world.time.pass_s(10)
            device.cycle()
        assert device.tree == MANY
        assert device.reports[-1].plan.holds
    stage.check()


@pytest.mark.parametrize("happens", ["rolled back", "forked"])
def test_59_the_server_shows_an_older_or_another_history(happens: str) -> None:
    """The device stops, nothing is deleted or overwritten, and when the true history is back it goes on."""
    stage = Stage()
    a, b = stage.devices
    stage.begin(TREE)
    volume = stage.world.volume
    volume.fork("other")
    a.write("z", "edited")
    stage.sync(a, b)
    truth = volume.heads["main"]
    if happens == "rolled back":
        volume.roll_back(1)
    else:
        a.client.folder.branch = "other"
        volume.put_tree([], "other")
    stage.world.is_fair = False
    for _ in range(3):
        stage.world.time.pass_s(10)
        assert a.cycle() is None
        assert isinstance(a.errors[-1], RollbackError)
    assert a.tree == {**TREE, "z": "edited"}

    volume.heads["main"] = truth
    a.client.folder.branch = "main"
    stage.world.is_fair = True
    stage.sync()

    stage.expect({**TREE, "z": "edited"})


def test_59_a_cloned_device() -> None:
    """Disk and state of A copied to another machine: both go on, nothing is deleted, nothing is in conflict."""
    stage = Stage(devices=3)
    a, b, c = stage.devices
    stage.sync(a, b)
    a.write("x", "1")
    stage.sync(a, b, a)
    a.client.stop()
    c.client.become_clone_of(a.client)
    c.write("from the clone", "2")
    a.write("from the first", "3")

    stage.sync(a, c, b, a, c)

    stage.expect({"x": "1", "from the clone": "2", "from the first": "3"})
    assert stage.world.volume.trash == []
