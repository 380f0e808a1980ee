"""Two real daemons, one real server, real folders: what people and machines do to them, and what comes of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import open_pairs
from tests.kit.daemons import RunningDaemon
from tests.kit.server import LiveServer
from tests.kit.signals import GO_ON, STOP
from tests.kit.small_disks import mounted_over
from tests.kit.synced import Couple, Side


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server of our own: it is stopped and started here."""
    with LiveServer(tmp_path_factory.mktemp("daemon-server")) as server:
        yield server


@pytest.fixture(scope="module")
def couple(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Couple:
    """Sign up and log in."""
    return Couple(tmp_path_factory.mktemp("daemon-couple"), server.url)


@pytest.fixture(scope="module")
def sides(couple: Couple) -> tuple[Side, Side]:
    """Give two empty folders of one remote folder, each its daemon's."""
    made = couple.sides()
    for side in made:
        side.folder.mkdir(exist_ok=True)
        pairs = open_pairs(side.device.state)
        pairs.set_background(pairs.add(side.folder, RemotePath.parse(side.remote), None, 0), is_background=True)
    return made


@pytest.fixture(scope="module")
def both(sides: tuple[Side, Side]) -> Iterator[tuple[RunningDaemon, RunningDaemon]]:
    """Run both daemons."""
    with (
        RunningDaemon(sides[0].device, sides[0].folder) as one,
        RunningDaemon(sides[1].device, sides[1].folder) as other,
    ):
        yield one, other


_names = count()


@pytest.fixture
def ends(both: tuple[RunningDaemon, RunningDaemon]) -> tuple[End, End]:
    """Give both ends, up to date, with a fresh folder in which nothing lies yet."""
    name = f"test-{next(_names)}"
    for daemon in both:
        daemon.settle()
    (both[0].folder / name).mkdir()
    one, other = End(both[0], name), End(both[1], name)
    hold(one, other, {})
    return one, other


class End(NamedTuple):
    """A daemon, and the folder in its synced folder that one test works in."""

    daemon: RunningDaemon
    name: str

    @property
    def folder(self) -> Path:
        """Give the folder."""
        return self.daemon.folder / self.name

    def tree(self) -> dict[str, str]:
        """Read it."""
        try:
            return Side(self.daemon.device, self.folder, "").tree()
        except FileNotFoundError:  # what was listed is gone by now
            return {}

    def has(self, tree: dict[str, str]) -> bool:
        """Tell whether it holds this."""
        return self.folder.is_dir() and self.tree() == tree


def hold(one: End, other: End, tree: dict[str, str]) -> None:
    """Wait until both folders hold this, and both daemons say so."""
    for end in (one, other):
        end.daemon.until(partial(end.has, tree))
        end.daemon.settle()


def test_what_people_do_reaches_the_other_folder(ends: tuple[End, End]) -> None:
    """Making, editing, renaming, and deleting, in both directions."""
    one, other = ends
    (one.folder / "notes.txt").write_text("first")
    (one.folder / "docs").mkdir()
    (one.folder / "docs" / "plan.txt").write_text("plan")
    hold(one, other, {"docs": "/", "docs/plan.txt": "plan", "notes.txt": "first"})

    (other.folder / "notes.txt").write_text("second, from elsewhere")
    (other.folder / "docs").rename(other.folder / "papers")
    hold(one, other, {"papers": "/", "papers/plan.txt": "plan", "notes.txt": "second, from elsewhere"})

    (one.folder / "notes.txt").unlink()
    shutil.rmtree(other.folder / "papers")
    hold(one, other, {})


def test_edits_of_both_sides_are_both_kept(ends: tuple[End, End]) -> None:
    """While one daemon does not run: afterwards both versions are on both sides, and the user is told."""
    one, other = ends
    (one.folder / "notes.txt").write_text("first")
    hold(one, other, {"notes.txt": "first"})
    other.daemon.stop()
    (one.folder / "notes.txt").write_text("of the one")
    one.daemon.settle()
    (other.folder / "notes.txt").write_text("of the other")

    other.daemon.start()
    told = other.daemon.wait_for(lambda pair: pair.conflicts == 1 and pair.state == "attention")

    assert told.hint == "mega conflicts"
    tree = other.tree()
    assert tree.pop("notes.txt") == "of the one"
    assert list(tree.values()) == ["of the other"]
    one.daemon.until(lambda: sorted(one.tree().values()) == ["of the one", "of the other"])
    (other.folder / next(name for name in other.tree() if name != "notes.txt")).unlink()
    hold(one, other, {"notes.txt": "of the one"})


def test_a_killed_daemon_goes_on_where_it_was(ends: tuple[End, End]) -> None:
    """Whatever it was at: the next one finishes it, and nothing is doubled."""
    one, other = ends
    for number in range(30):
        (one.folder / f"{number:02}").write_text("x" * 50_000 + str(number))
    one.daemon.wait_for(lambda pair: pair.state != "up-to-date")
    one.daemon.kill()
    (one.folder / "30").write_text("afterwards")

    one.daemon.start()

    tree = {f"{number:02}": "x" * 50_000 + str(number) for number in range(30)} | {"30": "afterwards"}
    hold(one, other, tree)


def test_a_server_that_restarts_is_waited_for(ends: tuple[End, End], server: LiveServer) -> None:
    """What is done meanwhile is told as pending, and goes up by itself."""
    one, other = ends
    server.stop()
    (one.folder / "notes.txt").write_text("meanwhile")
    told = one.daemon.wait_for(lambda pair: pair.state == "offline")
    assert "cannot be reached" in told.message

    server.start()

    hold(one, other, {"notes.txt": "meanwhile"})


def test_without_a_server_a_daemon_starts_and_waits(ends: tuple[End, End], server: LiveServer) -> None:
    """Nobody has to start it again once the network is there. Before, a service manager ended it, in order."""
    one, other = ends
    one.daemon.stop()
    assert "the daemon has ended" in one.daemon.log
    server.stop()
    (one.folder / "notes.txt").write_text("meanwhile")

    one.daemon.start()
    told = one.daemon.wait_for(lambda pair: pair.state == "offline")
    assert "cannot be reached" in told.message
    server.start()

    hold(one, other, {"notes.txt": "meanwhile"})


def test_a_session_that_was_ended_elsewhere_freezes_until_the_login(ends: tuple[End, End], couple: Couple) -> None:
    """The daemon says what to do, and goes on by itself afterwards."""
    one, other = ends
    id_ = other.daemon.device.session.session_id
    assert one.daemon.device.mega("sessions", "kill", id_).code == 0
    (one.folder / "notes.txt").write_text("news")
    told = other.daemon.wait_for(lambda pair: pair.state == "frozen")
    assert (told.error, "mega login" in told.hint) == ("not_logged_in", True)

    words = ("--server", one.daemon.device.session.origin, "--password-file", str(couple.folder / "password"))
    ran = other.daemon.device.mega("login", *words, "--device-name", "desk", "alice")
    assert ran.code == 0, ran.err

    hold(one, other, {"notes.txt": "news"})


def test_a_folder_that_is_away_freezes_and_heals(ends: tuple[End, End]) -> None:
    """As a disk that is not mounted: nothing is deleted, and when it is back it is synced on."""
    one, other = ends
    (one.folder / "notes.txt").write_text("first")
    hold(one, other, {"notes.txt": "first"})
    folder = one.daemon.folder
    away = folder.with_name("away")
    folder.rename(away)
    told = one.daemon.wait_for(lambda pair: pair.state == "frozen")
    assert "is gone" in told.message
    (other.folder / "more.txt").write_text("meanwhile")
    other.daemon.settle()

    folder.mkdir()  # a mount point without its disk
    assert one.daemon.device.mega("syncs", "now").code == 0
    told = one.daemon.wait_for(lambda pair: "does not carry its mark" in pair.message)
    assert told.state == "frozen"
    folder.rmdir()
    away.rename(folder)
    assert one.daemon.device.mega("syncs", "now").code == 0

    hold(one, other, {"more.txt": "meanwhile", "notes.txt": "first"})


def test_a_daemon_that_was_suspended_catches_up(ends: tuple[End, End]) -> None:
    """Stopped as by Ctrl-Z: what happened meanwhile on both sides is there afterwards."""
    one, other = ends
    one.daemon.send(STOP)
    (one.folder / "here.txt").write_text("here")
    (other.folder / "there.txt").write_text("there")
    other.daemon.settle()
    one.daemon.send(GO_ON)

    hold(one, other, {"here.txt": "here", "there.txt": "there"})


def test_a_command_takes_the_pair_beside_the_daemon(ends: tuple[End, End]) -> None:
    """`mega sync --once` runs as without a daemon, which takes the pair back afterwards."""
    one, other = ends
    path = one.folder / "notes.txt"
    path.write_text("by hand")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    remote = open_pairs(one.daemon.device.state).all()[0].remote
    ran = one.daemon.device.mega("sync", "--once", str(one.daemon.folder), str(remote))

    assert ran.code == 0, ran.err
    hold(one, other, {"notes.txt": "by hand"})


def test_a_paused_pair_rests_until_it_is_resumed(ends: tuple[End, End]) -> None:
    """Nothing is done meanwhile, and everything afterwards."""
    one, other = ends
    assert one.daemon.device.mega("syncs", "pause").code == 0
    one.daemon.wait_for(lambda pair: pair.state == "paused")
    (other.folder / "notes.txt").write_text("meanwhile")
    other.daemon.settle()
    assert not (one.folder / "notes.txt").exists()

    assert one.daemon.device.mega("syncs", "resume").code == 0

    hold(one, other, {"notes.txt": "meanwhile"})


def test_another_disk_over_the_folder_is_not_synced(ends: tuple[End, End]) -> None:
    """A real mount hides the folder: what lies below it is still open, and must not be written to, nor be missed."""
    one, other = ends
    (one.folder / "notes.txt").write_text("first")
    hold(one, other, {"notes.txt": "first"})
    with mounted_over(one.daemon.folder):
        (other.folder / "more.txt").write_text("meanwhile")
        told = one.daemon.wait_for(lambda pair: pair.state == "frozen")
        assert "not mounted" in told.message
        assert list(one.daemon.folder.iterdir()) == []
    assert one.daemon.device.mega("syncs", "now").code == 0

    hold(one, other, {"more.txt": "meanwhile", "notes.txt": "first"})


def test_a_server_that_went_back_freezes_until_it_is_accepted(ends: tuple[End, End], server: LiveServer) -> None:
    """Restored from a backup: nothing is written, here or there, until the user says that this is how it is."""
    one, other = ends
    backup = server.data_dir.with_name("backup")
    server.stop()
    shutil.copytree(server.data_dir, backup)
    server.start()
    (one.folder / "notes.txt").write_text("since the backup")
    hold(one, other, {"notes.txt": "since the backup"})
    server.stop()
    shutil.rmtree(server.data_dir)
    backup.rename(server.data_dir)
    server.start()

    for end in ends:
        told = end.daemon.wait_for(lambda pair: pair.state == "frozen")
        assert (told.error, "mega trust accept" in told.hint) == ("rollback_or_fork", True)
        assert end.has({"notes.txt": "since the backup"})
    for end in ends:
        assert end.daemon.device.mega("trust", "accept", "--yes").code == 0

    hold(one, other, {"notes.txt": "since the backup"})


def test_who_signs_out_takes_the_keys_from_the_daemon(ends: tuple[End, End], couple: Couple) -> None:
    """At once: its pair is frozen, and nothing is decrypted any more. A login heals it."""
    one, other = ends
    device = other.daemon.device
    origin = device.session.origin
    assert device.mega("logout").code == 0
    told = other.daemon.wait_for(lambda pair: pair.state == "frozen")
    assert told.error == "not_logged_in"
    (one.folder / "notes.txt").write_text("news")

    words = ("--server", origin, "--password-file", str(couple.folder / "password"), "--device-name", "desk")
    assert device.mega("login", *words, "alice").code == 0

    hold(one, other, {"notes.txt": "news"})


def test_an_emptied_folder_deletes_nothing_elsewhere(ends: tuple[End, End]) -> None:
    """Marker and all gone, as by a script that went wrong: that is no deletion of the user. The last test."""
    one, other = ends
    (one.folder / "notes.txt").write_text("first")
    hold(one, other, {"notes.txt": "first"})

    for entry in one.daemon.folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    told = one.daemon.wait_for(lambda pair: pair.state == "frozen")
    assert "mount or restore it" in told.hint
    assert other.tree() == {"notes.txt": "first"}
