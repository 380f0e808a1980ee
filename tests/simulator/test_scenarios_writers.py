"""Scenarios 42-50: programs that write while mega looks, and replies that never come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.reconcile.situation import DeleteLimit
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.simulator.clocks import SECOND_NS, START_NS
from tests.simulator.stage import Device, Stage, machine

with_and_without_exchange = pytest.mark.parametrize("has_exchange", [True, False])


def test_42_a_slow_writer() -> None:
    """200 bytes every 1.5 s: no version that never was, none while it grows, and all of it within 60 s of the end."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"other": "1"})
    text = ""
    for at in range(60):
        text += f"{at:>199}\n"
        a.append("log", f"{at:>199}\n")
        stage.world.time.pass_s(1.5)
        a.cycle()
    assert a.uploaded == 0
    end_ns = stage.world.time.ns

    stage.sync(a, b)

    assert stage.world.time.ns - end_ns <= 60 * SECOND_NS
    stage.expect({"log": text, "other": "1"})
    assert a.uploaded == 1


@pytest.mark.parametrize("call", ["file.found", "file.readinto"])
def test_43_a_file_that_changes_while_it_is_uploaded(call: str) -> None:
    """The upload is dropped and done again: every version in the volume was on the disk once."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.write("x", "first")
    # the scan opens it first, then the upload
    a.at("open_file", lambda: a.at("open_file", lambda: a.at(call, lambda: a.append("x", " and more"))))

    stage.sync(a, b)

    stage.expect({"x": "first and more"})
    assert sorted(stage.world.volume.blobs.values()) == [b"first and more", b"old"]


def _in_place(device: Device) -> None:
    device.write("x", "mine")


def _by_rename(device: Device) -> None:
    device.save("x", "mine")


def _by_new_file(device: Device) -> None:
    device.remove("x")
    device.write("x", "mine")


@with_and_without_exchange
@pytest.mark.parametrize("saves", [_in_place, _by_rename, _by_new_file])
def test_44_saved_between_check_and_publish(saves: object, *, has_exchange: bool) -> None:
    """The user saves in the very moment that another version takes the name: his bytes live, as a copy."""
    stage = Stage(machine("A", has_exchange=has_exchange), machine("B"))
    a, b = stage.devices
    stage.begin({"x": "old"})
    b.write("x", "theirs")
    b.sync()
    assert callable(saves)
    a.at("exchange", lambda: saves(a) if has_exchange else a.at("rename", lambda: saves(a)))

    stage.sync(a, b, a)

    stage.expect({"x": "theirs", "x (conflict A)": "mine"})


@with_and_without_exchange
def test_44_saved_between_the_renames(*, has_exchange: bool) -> None:
    """At whatever call of the publishing the user saves: his bytes live, under the name or as a copy."""
    for at in range(60):
        stage = Stage(machine("A", has_exchange=has_exchange), machine("B"))
        a, b = stage.devices
        stage.begin({"x": "old"})
        b.write("x", "theirs")
        b.sync()
        a.at_call(at, lambda device=a: device.save("x", "mine"))  # type: ignore[misc]  # a default binds the device

        stage.sync(a, b, a)

        assert "mine" in a.tree.values(), at
        stage.expect(a.tree)


@with_and_without_exchange
def test_45_bytes_that_come_late(*, has_exchange: bool) -> None:
    """A program keeps the replaced file open and writes on: what it wrote comes back as a copy."""
    stage = Stage(machine("A", has_exchange=has_exchange), machine("B"))
    a, b = stage.devices
    stage.begin({"x": "old"})
    file = a.open("x")
    b.write("x", "theirs")
    stage.sync(b, a)
    a.write_late(file, ", late", "old, late")
    file.close()
    for _ in range(4):
        stage.world.time.pass_s(300)
        a.cycle()

    stage.sync(a, b)

    stage.expect({"x": "theirs", "x (conflict A)": "old, late"})


@pytest.mark.parametrize(
    "temporary", [".goutputstream-ABC123", "x.sb-0a1b2c3d-Xy7q2Z", "~$x", ".~lock.x#", "4913", ".x.swp"]
)
def test_46_files_of_editors(temporary: str) -> None:
    """What editors leave for a moment is never uploaded, and saving over the file is one edit of its node."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    (before,) = stage.world.volume.tree
    a.write(temporary, "half")
    stage.sync(a, b)
    assert b.tree == {"x": "old"}
    a.write(temporary, "new")
    a.rename(temporary, "x")

    stage.sync(a, b)

    stage.expect({"x": "new"})
    assert list(stage.world.volume.tree) == [before]


def test_46_a_backup_save() -> None:
    """As vim saves, the old file moved aside and removed in the end: one edit of the same node."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    (before,) = stage.world.volume.tree
    a.save("x", "new", keeps_backup=True)
    a.remove("x~")

    stage.sync(a, b)

    stage.expect({"x": "new"})
    assert list(stage.world.volume.tree) == [before]


@pytest.mark.parametrize("tick_ns", [1, 20_000_000, SECOND_NS, 2 * SECOND_NS])
def test_47_a_rewrite_within_one_tick(tick_ns: int) -> None:
    """Written again with the same size before the disk's clock ticks: it is seen all the same."""
    settings = Settings(limit=DeleteLimit(None), least_age_s=0.0)
    stage = Stage(machine("A", tick_ns=tick_ns, settings=settings), machine("B"))
    a, b = stage.devices
    a.write("x", "one!")
    a.cycle()
    a.write("x", "two!")

    stage.sync(a, b)

    stage.expect({"x": "two!"})


def test_47_a_rewrite_with_its_old_time() -> None:
    """Written again with the same size, and its time set back: it is seen all the same."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "one!"})
    a.write("x", "two!")
    a.touch("x", b.client.view()[b"x",].mtime_ns)

    stage.sync(a, b)

    stage.expect({"x": "two!"})


def test_47_a_rewrite_with_its_old_time_just_before_a_move() -> None:
    """The move itself changes the ctime, which alone would show it: what was moved is read again."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "first"})
    mtime_ns = a.client.view()[b"x",].mtime_ns
    b.rename("x", "y")
    b.sync()

    def rewrite() -> None:
        a.write("x", "other")
        a.touch("x", mtime_ns)

    a.at("rename", rewrite)
    stage.sync(a, b)

    stage.expect({"y": "other"})


def test_47_a_rewrite_with_its_old_time_just_before_a_deletion() -> None:
    """What goes into the trash is not what was deleted elsewhere: it lives."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "first", "z": "stays"})
    mtime_ns = a.client.view()[b"x",].mtime_ns
    b.remove("x")
    b.sync()

    def rewrite() -> None:
        a.write("x", "other")
        a.touch("x", mtime_ns)

    a.at("rename", rewrite)
    stage.sync(a, b)

    stage.expect({"x": "other", "z": "stays"})


def test_48_a_replacement_with_an_older_time() -> None:
    """While mega was stopped a file was replaced by one with an older time, as `tar x` does: it is uploaded."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "new"})
    a.client.stop()
    a.save("x", "from an old archive")
    a.touch("x", START_NS - 1_000_000 * SECOND_NS)

    stage.sync(a, b)

    stage.expect({"x": "from an old archive"})
    assert b.client.view()[b"x",].mtime_ns == START_NS - 1_000_000 * SECOND_NS


@pytest.mark.parametrize("crashes", [True, False])
def test_49_the_reply_to_a_commit_is_lost(*, crashes: bool) -> None:
    """It is committed exactly once, and the device is in no conflict with itself."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    revision = stage.world.volume.heads["main"].revision
    a.write("x", "new")
    a.write("d/y", "1")
    stage.world.time.pass_s(5)
    a.fail("commit.swap", Fault.DROP_REPLY)
    a.cycle()
    assert isinstance(a.reports[-1].failures[0].error, TemporaryError)
    if crashes:
        a.client.stop()
    a.write("x", "newer")

    stage.sync(a, b)

    stage.expect({"x": "newer", "d/y": "1"})
    assert stage.world.volume.heads["main"].revision == revision + 2


def test_49_a_commit_that_arrives_late() -> None:
    """Asked too early, the server has not got it; when it comes after all, the device is in no conflict with itself."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"other": "1"})
    a.write("x", "new")
    stage.world.time.pass_s(5)
    a.fail("commit.swap", Fault.LATE)
    a.cycle()
    a.write("x", "newer")
    a.cycle()  # the file is too young
    stage.world.volume.deliver_late()

    stage.sync(a, b)

    stage.expect({"x": "newer", "other": "1"})


def test_49_a_commit_that_arrives_late_and_is_overtaken() -> None:
    """The same change is offered again meanwhile: one of the two is refused, and no copy is made."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"other": "1"})
    a.write("x", "new")
    stage.world.time.pass_s(5)
    a.fail("commit.swap", Fault.LATE)
    a.cycle()
    a.fail("commit.swap", Fault.LATE)
    a.cycle()
    assert len(a.client.state.pending()) == 2
    a.write("x", "newer")
    stage.world.volume.deliver_late()

    stage.sync(a, b)

    stage.expect({"x": "newer", "other": "1"})
    assert not a.client.state.pending()


def test_49_a_commit_that_is_overtaken_by_another() -> None:
    """The server never got it, and another device's came: it is made again."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"other": "1"})
    a.write("x", "new")
    stage.world.time.pass_s(5)
    a.fail("commit.swap", Fault.DROP_REQUEST)
    a.cycle()
    b.write("y", "2")
    b.sync()

    stage.sync(a, b)

    stage.expect({"x": "new", "y": "2", "other": "1"})


def test_50_a_storm() -> None:
    """Ten devices write at once while ten read: every writer commits within a few cycles, and all hold everything."""
    stage = Stage(devices=20)
    writers = stage.devices[:10]
    for at, device in enumerate(writers):
        for count in range(5):
            device.write(f"{device.client.name}{count}", f"content {at} {count}")
            device.write(f"shared/{device.client.name}{count}", f"more {at} {count}")
    stage.world.time.pass_s(5)
    for device, next_one in pairwise(writers):
        device.at("remote.commit.swap", next_one.cycle)  # each is overtaken by all that come after it
    cycles = 0
    while len(stage.world.volume.tree) < 101 and cycles < 5:
        cycles += 1
        for device in stage.devices:
            stage.world.time.pass_s(1)
            device.cycle()

    stage.sync()

    assert len(stage.devices[-1].tree) == 100
    stage.expect(stage.devices[0].tree)
