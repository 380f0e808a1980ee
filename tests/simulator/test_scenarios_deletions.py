"""Scenarios 12-23: one side deletes, the other changes. A has what is not synced yet, B was first, or it is said."""

from __future__ import annotations

import pytest

from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.situation import Reason
from tests.simulator.compare import difference
from tests.simulator.stage import Stage

both_orders = pytest.mark.parametrize("deleter_is_first", [True, False])
_DAY_S = 86_400.0


@both_orders
def test_12_a_deletion_and_an_edit(*, deleter_is_first: bool) -> None:
    """The edit wins, and the user is told."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old", "y": "other"})
    (b if deleter_is_first else a).remove("x")
    (a if deleter_is_first else b).write("x", "edited")

    stage.sync(b, a, b)

    stage.expect({"x": "edited", "y": "other"})
    assert a.events == [(Event.EDIT_BEATS_DELETE, "x")]


def test_12_an_edit_then_a_deletion_and_an_edit() -> None:
    """Editing before deleting makes no difference: the other's edit lives, the deleted one does not."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old"})
    a.write("x", "mine")
    a.remove("x")
    b.write("x", "theirs")

    stage.sync(b, a, b)

    stage.expect({"x": "theirs"})


def test_13_two_deletions() -> None:
    """Both deleted it: it is gone, and nothing is told."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "old", "d/y": "old y", "z": "other"})
    for device in stage.devices:
        device.remove("x")
        device.remove("d")

    stage.sync(b, a, b)

    stage.expect({"z": "other"})
    assert a.events == b.events == []


@both_orders
def test_14_a_removed_folder_and_a_new_file_in_it(*, deleter_is_first: bool) -> None:
    """The folders down to the new file stay, empty of everything else."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/e/f": "1", "d/g": "2", "h": "3"})
    (b if deleter_is_first else a).remove("d")
    (a if deleter_is_first else b).write("d/e/new", "4")

    stage.sync(b, a, b)

    stage.expect({"d/e/new": "4", "h": "3"})
    assert a.events == [(Event.CHILD_KEEPS_FOLDER, "d")]


@both_orders
def test_15_a_removed_folder_and_an_edit_in_it(*, deleter_is_first: bool) -> None:
    """The edited file lives, in its folders, alone."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/e/f": "1", "d/e/other": "2", "d/g": "3", "h": "4"})
    (b if deleter_is_first else a).remove("d")
    (a if deleter_is_first else b).write("d/e/f", "edited")

    stage.sync(b, a, b)

    stage.expect({"d/e/f": "edited", "h": "4"})


def test_16_a_removed_folder_with_ignored_and_unseen_files_here() -> None:
    """What was known goes to the trash; what was never seen is uploaded; what is ignored stays, with its folder."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/known": "1", "d/deep/known": "2", "h": "3"})
    a.write("d/deep/notes.swp", "ignored")
    b.remove("d")
    b.sync()
    a.at("remove_folder", lambda: a.write("d/unseen", "4"))

    stage.sync(a, b, a)

    stage.check()
    assert b.tree == {"d/unseen": "4", "h": "3"}
    assert {path: text for path, text in a.tree.items() if not path.endswith("/")} == b.tree
    assert a.client.user.read((b"d", b"deep", b"notes.swp")) == b"ignored"


def test_16_a_folder_is_removed_and_made_anew_over_ignored_files_here() -> None:
    """The ignored file keeps its folder, which is the new one from then on: what that holds comes, at every depth."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/known": "1", "d/deep/known": "2", "h": "3"})
    a.write("d/deep/notes.swp", "ignored")
    b.remove("d")
    b.write("d/deep/other", "4")
    b.sync()

    stage.sync(a, b, a)

    assert b.tree == a.tree
    stage.expect({"d/deep/other": "4", "h": "3"})
    assert a.client.user.read((b"d", b"deep", b"notes.swp")) == b"ignored"


def test_16_a_folder_comes_to_the_place_of_one_that_ignored_files_keep() -> None:
    """It waits where it is until the user clears the way, and so does what should come into it: all of them say so."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/known": "1", "e/f": "2"})
    a.write("d/notes.swp", "ignored")
    b.remove("d")
    b.rename("e", "d")
    b.write("d/new", "3")
    b.sync()

    stage.sync(a, b, a)

    assert a.tree == {"e/f": "2"}
    assert a.stalls == dict.fromkeys(("d", "d/new", "e"), Reason.DIR_NOT_EMPTY)
    assert not difference(a.client, stage.world.volume.tree)
    a.remove("d/notes.swp")
    stage.sync(a, b, a)
    stage.expect({"d/f": "2", "d/new": "3"})


@both_orders
def test_17_a_deletion_and_a_rename(*, deleter_is_first: bool) -> None:
    """It lives under its new name."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"x": "1", "z": "2"})
    (b if deleter_is_first else a).remove("x")
    (a if deleter_is_first else b).rename("x", "y")

    stage.sync(b, a, b)

    stage.expect({"y": "1", "z": "2"})
    assert a.events == [(Event.MOVE_BEATS_DELETE, "y")]


@both_orders
def test_18_a_removed_and_a_moved_folder(*, deleter_is_first: bool) -> None:
    """The folder lives at its new place with all it held."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/e/f": "1", "d/g": "2", "h/": ""})
    (b if deleter_is_first else a).remove("d")
    (a if deleter_is_first else b).rename("d", "h/moved")

    stage.sync(b, a, b)

    stage.expect({"h/moved/e/f": "1", "h/moved/g": "2"})


@both_orders
def test_18_a_removed_folder_and_a_rename_inside_it(*, deleter_is_first: bool) -> None:
    """A rename inside what the other one deleted saves nothing."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/e": "1", "d/g": "2", "h": "3"})
    (b if deleter_is_first else a).remove("d")
    (a if deleter_is_first else b).rename("d/e", "d/renamed")

    stage.sync(b, a, b)

    stage.expect({"h": "3"})


def test_19_a_file_moved_out_of_a_removed_folder() -> None:
    """B moved x out of d, A deleted d: x lives, the rest is gone."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/x": "1", "d/y": "2", "h": "3"})
    a.remove("d")
    b.rename("d/x", "x")

    stage.sync(b, a, b)

    stage.expect({"x": "1", "h": "3"})


def test_19_a_file_moved_into_a_removed_folder() -> None:
    """A moved x into d, B deleted d: d stays for x, empty of everything else."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({"d/y": "1", "x": "2"})
    a.rename("x", "d/x")
    b.remove("d")

    stage.sync(b, a, b)

    stage.expect({"d/x": "2"})


def test_20_ninety_days_offline() -> None:
    """What others deleted meanwhile is deleted here, and none of it comes back."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({f"d{at % 7}/{at}": f"content {at}" for at in range(700)} | {"kept": "1"})
    for at in range(7):
        b.remove(f"d{at}")
    b.sync()
    stage.world.time.pass_s(90 * _DAY_S)

    stage.sync(a, b)

    stage.expect({"kept": "1"})


def test_21_ninety_days_offline_and_the_state_lost() -> None:
    """Nothing is deleted, and what the volume once held and deleted is listed, not uploaded."""
    stage = Stage()
    a, b = stage.devices
    stage.begin({f"d/{at}": f"content {at}" for at in range(30)} | {"kept": "1"})
    b.remove("d")
    b.sync()
    stage.world.time.pass_s(90 * _DAY_S)
    a.client.take_state(a.client.new_state())

    stage.sync(a, b)

    stage.check()
    assert b.tree == {"kept": "1"}
    assert a.tree == {f"d/{at}": f"content {at}" for at in range(30)} | {"kept": "1"}
    assert {reason for path, reason in a.stalls.items() if path.startswith("d/")} == {Reason.GHOST}
    assert len(a.stalls) >= 30


def test_22_deleted_and_made_again() -> None:
    """Deleting a file and making another of its name between two cycles is one edit of the same node."""
    stage = Stage()
    a, _ = stage.devices
    stage.begin({"x": "old"})
    (before,) = stage.world.volume.tree
    a.remove("x")
    a.write("x", "new")

    stage.sync()

    stage.expect({"x": "new"})
    assert list(stage.world.volume.tree) == [before]


def test_23_deleted_while_it_is_uploaded() -> None:
    """No zombie and no stub is left anywhere."""
    stage = Stage()
    a, b = stage.devices
    a.write("x", "short-lived")
    a.at("remote.upload", lambda: a.remove("x"))

    stage.sync(a, b, a)

    stage.expect({})
