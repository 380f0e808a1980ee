"""Scenarios 1-11 and 31: both sides change the same thing. A has what is not synced yet, B was first."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.actions import Event
from tests.simulator.clocks import SECOND_NS, START_NS
from tests.simulator.stage import Stage


def test_01_two_edits_of_one_file() -> None:
    """The bytes that were committed first keep the name, the others are in one copy, on every device."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x.txt": "old"})
    a.write("x.txt", "mine")
    b.write("x.txt", "theirs")

    stage.sync(b, a, b)

    stage.expect({"x.txt": "theirs", "x (conflict A).txt": "mine"})
    assert a.events == [(Event.CONFLICT_COPY, "x (conflict A).txt")]
    assert a.path_of("x (conflict A).txt").startswith("x (conflict A 2026-03-01 120")


def test_02_two_edits_to_the_same_bytes() -> None:
    """Both devices wrote the same: no copy, and no content travels."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.write("x", "same")
    b.write("x", "same")

    stage.sync(b, a, b)

    stage.expect({"x": "same"})
    assert (a.uploaded, a.downloaded, b.uploaded) == (0, 0, 1)


def test_03_two_files_of_one_name() -> None:
    """Two devices make a file of one name with different bytes: as two edits."""
    stage = Stage()
    a, b = stage.devices
    a.write("d/x", "mine")
    b.write("d/x", "theirs")

    stage.sync(b, a, b)

    stage.expect({"d/x": "theirs", "d/x (conflict A)": "mine"})


def test_04_two_folders_of_one_name() -> None:
    """Two devices make a folder of one name: it is one, and holds what both put there."""
    stage = Stage()
    a, b = stage.devices
    a.write("d/e/mine", "1")
    b.write("d/e/theirs", "2")

    stage.sync(b, a, b)

    stage.expect({"d/e/mine": "1", "d/e/theirs": "2"})
    assert a.events == []


@pytest.mark.parametrize("folder_is_first", [True, False])
def test_05_a_folder_and_a_file_of_one_name(*, folder_is_first: bool) -> None:
    """The folder keeps the name, whoever was first; the file gets a number."""
    stage = Stage()
    a, b = stage.devices
    (b if folder_is_first else a).write("d/x", "in the folder")
    (a if folder_is_first else b).write("d", "the file")

    stage.sync(b, a, b)

    stage.expect({"d/x": "in the folder", "d 2": "the file"})
    assert a.events == [(Event.RENAMED_APART, "d 2")]


def test_06_links_of_one_name() -> None:
    """Links that lead elsewhere are a conflict as files are; links that lead to the same place are one."""
    stage = Stage()
    a, b = stage.devices
    a.link("l", "mine")
    b.link("l", "theirs")
    a.link("same", "there")
    b.link("same", "there")

    stage.sync(b, a, b)

    stage.expect({"l": "-> theirs", "l (conflict A)": "-> mine", "same": "-> there"})


def test_07_two_conflicts_of_one_file_and_the_name_is_taken() -> None:
    """A copy never takes a name that is in use, not even by a file that is not synced yet."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.write("x", "mine")
    b.write("x", "theirs")
    b.sync()
    for second in range(120):  # every name that the copy could get in the next two minutes
        moment = (stage.world.time.ns - START_NS) // SECOND_NS + second
        a.write(f"x (conflict A 2026-03-01 12{moment // 60:02}{moment % 60:02})", f"was there {second}")
    stage.sync(a, b)
    first = a.path_of("x (conflict A) 2")
    a.write("x", "mine again")
    b.write("x", "theirs again")

    stage.sync(b, a, b)

    assert a.read(first) == "mine"
    assert a.read("x") == "theirs again"
    contents = sorted(seen.content.decode() for seen in a.client.view().values())
    assert contents == sorted(["theirs again", "mine", "mine again", *(f"was there {second}" for second in range(120))])
    stage.expect(a.tree)


def test_08_a_conflict_on_a_conflict_copy() -> None:
    """A copy is an ordinary file: it can be in conflict itself, and nothing of it is removed."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.write("x", "mine")
    b.write("x", "theirs")
    stage.sync(b, a, b)
    a.write(a.path_of("x (conflict A)"), "mine, edited")
    b.write(b.path_of("x (conflict A)"), "mine, edited by B")

    stage.sync(b, a, b)

    assert sorted(a.tree.values()) == ["mine, edited", "mine, edited by B", "theirs"]
    assert a.tree["x (conflict A)"] == "mine, edited by B"
    stage.expect(a.tree)


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("foo.tar.gz", "foo (conflict A).tar.gz"),
        (".bashrc", ".bashrc (conflict A)"),
        ("n" * 251 + ".txt", "n" * 220 + " (conflict A).txt"),
        ("🦜🦜.jpg", "🦜🦜 (conflict A).jpg"),
        ("🦜" * 63, "🦜" * 56 + " (conflict A)"),
    ],
)
def test_09_names_of_copies(name: str, copy: str) -> None:
    """A copy's name is valid, has at most 255 bytes and keeps its extension."""
    stage = Stage()
    a, b = stage.devices
    a.write(name, "mine")
    b.write(name, "theirs")

    stage.sync(b, a, b)

    stage.expect({name: "theirs", copy: "mine"})
    assert len(a.path_of(copy).encode()) <= 255


def test_10_a_touch_and_an_edit() -> None:
    """A new time is no edit: the other device's bytes come, and there is no copy."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.touch("x", START_NS - 1_000 * SECOND_NS)
    b.write("x", "theirs")

    stage.sync(b, a, b)

    stage.expect({"x": "theirs"})
    assert a.uploaded == 0


@pytest.mark.parametrize("edit_is_first", [True, False])
def test_11_a_mode_and_an_edit(*, edit_is_first: bool) -> None:
    """One made it executable, the other edited it: it is executable and edited, and there is no copy."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    (a if edit_is_first else b).chmod("x", 0o755)
    (b if edit_is_first else a).write("x", "edited")

    stage.sync(b, a, b)

    stage.expect({"x": "edited"})
    assert [device.client.view()[b"x",].mode for device in stage.devices] == [0o755, 0o755]


def test_31_a_move_over_an_edited_file() -> None:
    """A moved c over b while B edited b: B's b keeps its name, and what was in c is a copy of b."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"b": "old b", "c": "old c"})
    a.rename("c", "b")
    b.write("b", "theirs")

    stage.sync(b, a, b)

    stage.expect({"b": "theirs", "b (conflict A)": "old c"})
