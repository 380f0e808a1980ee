"""What is settled late: notes of a crash that a disk hides for a while, files too young when both sides were joined."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from mega_cli.reconcile.situation import Reason
from mega_cli.sync.local_end import TMP, TRASH
from mega_cli.sync.sim_folder import Fault
from tests.simulator.amnesia import forget
from tests.simulator.stage import Device, Stage, machine


def _publish_and_die(device: Device, call: str) -> None:
    """Let a device die just after it published `x`, and its disk not tell it so for now."""
    device.at(call, lambda: device.die_at("look"))
    assert device.cycle() is None
    device.client.disk.refuse(errno.EACCES, (b"x",), calls=frozenset({"look"}))


def test_a_newer_version_comes_before_the_note_is_settled() -> None:
    """What was published was the volume's, whatever the volume has by now: no conflict."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1"})
    b.write("x", "2")
    b.sync()
    _publish_and_die(a, "exchange")
    a.cycle()
    b.write("x", "3")
    b.sync()
    a.cycle()
    a.client.disk.relent()

    stage.sync(a, b)

    stage.expect({"x": "3"})


def test_it_is_written_again_with_its_old_time_before_the_note_is_settled() -> None:
    """Only the ctime shows it, and the rename of the publish has changed that too: it is read."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"y": "1"})
    b.write("x", "2")
    b.sync()
    a.at("rename", lambda: a.die_at("look"))
    assert a.cycle() is None
    stage.world.time.pass_s(60)
    mtime_ns = a.client.view()[b"x",].mtime_ns
    a.write("x", "3")
    a.touch("x", mtime_ns)

    stage.sync(a, b)

    stage.expect({"y": "1", "x": "3"})


def test_it_is_deleted_before_the_note_is_settled() -> None:
    """A new file that came from the volume goes when the volume removes it."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"y": "1"})
    b.write("x", "2")
    b.sync()
    _publish_and_die(a, "rename")
    a.cycle()
    b.remove("x")
    b.sync()
    a.cycle()
    a.client.disk.relent()

    stage.sync(a, b)

    stage.expect({"y": "1"})


def test_the_user_renames_it_before_the_note_is_settled() -> None:
    """Where the disk finds it by the old name too, it is one node in one row, under its new name."""
    stage = Stage(machine("A", folds_case=True), machine("B"))
    a, b = stage.devices
    stage.begin({"y": "1"})
    b.write("x", "2")
    b.sync()
    _publish_and_die(a, "rename")
    a.rename("x", "X")
    a.fail("upload", Fault.DROP_REQUEST)
    a.cycle()
    a.client.disk.relent()

    stage.sync(a, b)

    stage.expect({"y": "1", "X": "2"})


def test_a_file_that_was_too_young_when_the_sides_were_joined() -> None:
    """It is joined when it can be read: what the volume once deleted is a ghost, however late it is seen."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1", "y": "2"})
    b.remove("x")
    b.sync()
    forget(stage.world, a.client)
    a.touch("x", stage.world.time.ns)
    for _ in range(3):
        a.cycle()

    stage.sync(a, b)

    assert a.stalls == {"x": Reason.GHOST}
    assert b.tree == {"y": "2"}


@pytest.mark.parametrize("act", [lambda b: b.remove("x"), lambda b: b.write("x", "2")], ids=["removed", "replaced"])
def test_a_file_that_nobody_may_read_goes_into_the_trash(act: Callable[[Device], None]) -> None:
    """Its stamps say that it is what it was: it makes room, and nothing stands still."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1", "y": "2"})
    act(b)
    b.sync()
    for folder in (TMP, TRASH):
        a.client.disk.refuse(errno.EACCES, folder, calls=frozenset({"open_file"}), is_below=True)

    a.sync()

    assert a.tree == b.tree
    assert a.stalls == {}
