"""Scenarios 37-41: names and kinds that not every disk can hold, and links that lead outside."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.situation import DiskRules, Reason
from tests.simulator.stage import Stage, machine

NFC = "caf\u00e9"
NFD = "cafe\u0301"


@pytest.mark.parametrize("call", ["make_file", "file.sync", "rename", "exchange", "sync_folder"])
def test_37_a_folder_replaced_by_a_link_while_something_comes(call: str) -> None:
    """The user replaced d by a link to / while files came for it: nothing goes through the link, nothing is lost."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "old"})
    b.write("d/x", "edited")
    b.write("d/new", "new")
    b.sync()

    came: dict[str, str] = {}

    def replace() -> None:
        came.update(a.tree)
        a.remove("d")
        a.link("d", "/")

    a.at(call, replace)
    stage.sync(a, b, a)

    new = {} if "d/new" in came else {"d/new": "new"}  # what he saw he removed
    stage.expect({"d/x": "edited", "d 2": "-> /", **new})


def test_37_a_folder_replaced_by_a_link_on_another_device() -> None:
    """B replaced d by a link to /; A's new file in d keeps the folder, and the link gets a number."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "old", "z": "other"})
    a.write("d/mine", "1")
    b.remove("d")
    b.link("d", "/")

    stage.sync(b, a, b)

    stage.expect({"d/mine": "1", "d 2": "-> /", "z": "other"})


def test_38_two_forms_of_one_name() -> None:
    """A disk that decomposes names and one that does not hold the same node, and nothing goes back and forth."""
    stage = Stage(machine("A", stores_nfd=True), machine("B"))
    a, b = stage.devices
    b.write(f"{NFC}/{NFC}.txt", "1")
    a.write(NFD + "2", "2")
    stage.sync()

    stage.expect({f"{NFC}/{NFC}.txt": "1", f"{NFC}2": "2"})
    assert len(stage.world.volume.tree) == 3


def test_38_a_rename_in_form_only() -> None:
    """Giving a name another form changes nothing on either side."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({NFC: "1"})
    revision = stage.world.volume.heads["main"].revision
    a.rename(NFC, NFD)

    stage.sync(a, b, a)

    stage.expect({NFC: "1"})
    assert stage.world.volume.heads["main"].revision == revision
    assert b.client.user.names() == sorted([b".mega", NFC.encode()])


def test_39_two_names_that_one_disk_holds_for_one() -> None:
    """One of foo and FOO is on the disk that folds cases, the other stands still; edits reach the right one."""
    stage = Stage(machine("A", folds_case=True), machine("B"))
    a, b = stage.devices
    b.write("foo", "1")
    b.write("FOO", "2")
    stage.sync(b, a)
    assert (a.tree, a.absent) == ({"FOO": "2"}, {"foo": Reason.NAME_CLASH})

    a.write("FOO", "3")
    b.write("foo", "4")
    stage.sync(b, a, b)

    assert (a.tree, b.tree) == ({"FOO": "3"}, {"FOO": "3", "foo": "4"})
    stage.expect({"FOO": "3"}, a)

    b.remove("FOO")
    stage.sync(b, a)

    stage.expect({"foo": "4"})


def test_40_names_that_a_disk_refuses() -> None:
    """What A's disk cannot hold stands still there and only there; deleting it elsewhere ends that."""
    rules = DiskRules(is_windows=True, name_most_bytes=100, path_most_bytes=1_000, depth_most=8)
    stage = Stage(machine("A", rules=rules), machine("B"))
    a, b = stage.devices
    long, deep, far = "n" * 101, "/".join("deeper!!!"), "/".join(["w" * 99] * 11)
    illegal = ["CON", "con.txt", "a:b", "x.", "x ", "bell\x07"]
    for at, name in enumerate([*illegal, long, deep, far, "good"]):
        b.write(name, f"content {at}")
    stage.sync(b, a)

    assert a.tree["good"] == "content 9"
    assert {path for path, reason in a.absent.items() if reason is Reason.NAME_ILLEGAL} == set(illegal)
    assert a.absent[long] is Reason.NAME_TOO_LONG
    assert set(a.absent.values()) == {Reason.NAME_ILLEGAL, Reason.NAME_TOO_LONG, Reason.TOO_DEEP}
    assert not set(a.tree) & {*illegal, long, deep, far}

    for name in (*illegal, long, "d", "w" * 99):
        b.remove(name)
    stage.sync(b, a)

    stage.expect({"good": "content 9"})
    assert a.absent == {}


def test_41_a_name_that_is_no_text() -> None:
    """It is never deleted, and what stands beside it syncs."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "1"})
    a.do("write", lambda user: user.write((b"d", b"\xff\xfe"), b"bytes"))
    a.write("d/y", "2")

    stage.sync(a, b, a)

    assert a.client.user.read((b"d", b"\xff\xfe")) == b"bytes"
    assert b.tree["d/y"] == "2"
    stage.check()
