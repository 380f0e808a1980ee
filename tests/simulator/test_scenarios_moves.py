"""Scenarios 24-36: moves, alone and against other changes. A has what is not synced yet, B was first."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.actions import Event
from tests.simulator.stage import Stage, machine


def test_24_a_moved_folder_and_an_edit_in_it() -> None:
    """The edit lands at the new place, nothing is uploaded for the move, and a second sync does nothing."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "1", "d/y": "2"})
    a.rename("d", "e")
    b.write("d/x", "edited")

    stage.sync(b, a, b)

    stage.expect({"e/x": "edited", "e/y": "2"})
    assert (a.uploaded, a.downloaded, b.downloaded) == (0, 1, 0)


def test_25_a_hundred_files_for_a_renamed_folder() -> None:
    """All of them are under the new name, and the old name is gone."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "x"})
    for at in range(100):
        a.write(f"d/{at}", f"content {at}")
    b.rename("d", "e")

    stage.sync(b, a, b)

    stage.expect({"e/x": "x"} | {f"e/{at}": f"content {at}" for at in range(100)})


def test_26_one_file_moved_to_two_places() -> None:
    """It is in exactly one place, where B moved it; A is told."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1", "mine/": "", "theirs/": ""})
    a.rename("x", "mine/x")
    b.rename("x", "theirs/x")

    stage.sync(b, a, b)

    stage.expect({"mine/": "", "theirs/x": "1"})
    assert a.events == [(Event.MOVE_UNDONE, "theirs/x")]


def test_27_renamed_here_and_moved_there() -> None:
    """A gave it a name, B gave it a folder: it gets both."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1", "d/": ""})
    a.rename("x", "y")
    b.rename("x", "d/x")

    stage.sync(b, a, b)

    stage.expect({"d/y": "1"})
    assert a.events == []


def test_28_a_circle() -> None:
    """A moved p into q, B moved q into p: B's move stands, A's is undone, and what was made meanwhile is there."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"p/x": "1", "q/y": "2"})
    a.rename("p", "q/p")
    a.write("q/p/mine", "3")
    b.rename("q", "p/q")
    b.write("p/q/theirs", "4")

    stage.sync(b, a, b)

    stage.expect({"p/x": "1", "p/mine": "3", "p/q/y": "2", "p/q/theirs": "4"})
    assert a.events == [(Event.MOVE_UNDONE, "p")]


def test_29_seven_levels_renamed_from_both_sides() -> None:
    """Each level has the name that somebody gave it, and no content travels."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"1/2/3/4/5/6/7/x": "deep"})
    for depth, device in ((7, a), (6, b), (5, a), (4, b), (3, a), (2, b), (1, a)):
        source = "/".join(map(str, range(1, depth + 1)))
        device.rename(source, f"{source}{device.client.name}")

    stage.sync(b, a, b)

    stage.expect({"1A/2B/3A/4B/5A/6B/7A/x": "deep"})
    assert a.uploaded + a.downloaded + b.uploaded + b.downloaded == 0


def test_30_folders_change_places() -> None:
    """Rotations and swaps of folders are moves, and no content travels."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"p/x": "1", "q/y": "2", "r/z": "3", "s/in/v": "4", "t/w": "5"})
    a.rename("r", "aside")
    a.rename("q", "r")
    a.rename("p", "q")
    a.rename("aside", "p")
    a.do("swap", lambda user: user.swap((b"s", b"in"), (b"t",)))

    stage.sync(a, b)

    stage.expect({"p/z": "3", "q/x": "1", "r/y": "2", "s/in/w": "5", "t/v": "4"})
    assert a.uploaded + b.downloaded == 0


def test_30_files_change_places() -> None:
    """Rotated and swapped files hold on every device what they hold on the first."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"log": "1", "log.1": "2", "p": "3", "q": "4"})
    a.rename("log.1", "log.2")
    a.rename("log", "log.1")
    a.write("log", "5")
    a.do("swap", lambda user: user.swap((b"p",), (b"q",)))

    stage.sync(a, b)

    stage.expect({"log": "5", "log.1": "1", "log.2": "2", "p": "4", "q": "3"})


def test_32_a_renamed_folder_whose_name_is_used_again() -> None:
    """Renamed while mega was stopped, a new folder of the old name made, a file moved back: nothing is uploaded."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"p/x": "1", "p/y": "2"})
    a.client.stop()
    a.rename("p", "q")
    a.rename("q/x", "p/x")

    stage.sync(a, b)

    stage.expect({"p/x": "1", "q/y": "2"})
    assert a.uploaded + b.downloaded == 0


def test_33_an_inode_that_is_used_again() -> None:
    """A new folder or file with the inode, size and time of a deleted one is new: no node moves."""
    stage = Stage()
    a, _ = stage.devices
    stage.begin({"pics/x": "1", "a.cnf": "secret", "z": "2"})
    before = {node.name: node for node in stage.world.volume.tree.values()}
    mtime_ns = a.client.view()[b"a.cnf",].mtime_ns
    inodes = [a.client.user.look(place).ino for place in ((b"pics",), (b"a.cnf",))]
    a.remove("a.cnf")
    a.write("b.gpg", "hidden")
    a.touch("b.gpg", mtime_ns)
    a.remove("pics")
    a.mkdir("pics2")

    stage.sync()

    stage.expect({"b.gpg": "hidden", "pics2/": "", "z": "2"})
    after = {node.name: node for node in stage.world.volume.tree.values()}
    assert after["b.gpg"].id != before["a.cnf"].id
    assert after["pics2"].id != before["pics"].id
    assert a.client.user.look((b"b.gpg",)).ino in inodes


@pytest.mark.parametrize("is_stopped", [True, False])
def test_34_a_rename_in_case_only(*, is_stopped: bool) -> None:
    """On a disk that does not tell cases apart it is one rename, and nothing is deleted."""
    stage = Stage(machine("A", folds_case=True), machine("B"))
    a, b = stage.devices
    stage.begin({"photo.jpg": "1", "trip/x": "2"})
    if is_stopped:
        a.client.stop()
    a.rename("photo.jpg", "Photo.JPG")
    a.rename("trip", "Trip")

    stage.sync(a, b)

    stage.expect({"Photo.JPG": "1", "Trip/x": "2"})
    assert a.uploaded + b.downloaded == 0
    assert stage.world.volume.trash == []


def test_34_a_rename_in_case_only_that_comes_from_elsewhere() -> None:
    """It is carried out on a disk that does not tell cases apart."""
    stage = Stage(machine("A", folds_case=True), machine("B"))
    a, b = stage.devices
    stage.begin({"photo.jpg": "1", "trip/x": "2"})
    b.rename("photo.jpg", "Photo.JPG")
    b.rename("trip", "Trip")

    stage.sync(b, a)

    stage.expect({"Photo.JPG": "1", "Trip/x": "2"})
    assert a.downloaded == 0


def test_35_a_file_that_became_a_folder_and_an_edit() -> None:
    """A put a folder in the file's place, B edited the file: the folder keeps the name, B's edit gets a number."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old", "z": "other"})
    a.remove("x")
    a.write("x/inside", "mine")
    b.write("x", "theirs")

    stage.sync(b, a, b)

    stage.expect({"x/inside": "mine", "x 2": "theirs", "z": "other"})


def test_36_a_folder_that_became_a_file_and_a_new_child() -> None:
    """B put a file in the folder's place, A a child into it: the child lives in the folder, the file is numbered."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x/known": "old", "z": "other"})
    a.write("x/child", "mine")
    b.remove("x")
    b.write("x", "theirs")

    stage.sync(b, a, b)

    stage.expect({"x/child": "mine", "x 2": "theirs", "z": "other"})
