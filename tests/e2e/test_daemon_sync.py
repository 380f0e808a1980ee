"""Two real daemons, one real server, real folders: what people and machines do to them, and what comes of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import open_pairs
from tests.kit.daemons import RunningDaemon
from tests.kit.server import LiveServer
from tests.kit.synced import Couple, Side

Daemons = tuple[RunningDaemon, RunningDaemon]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server of our own: it is stopped and started here."""
    with LiveServer(tmp_path_factory.mktemp("daemon-server")) as server:
        yield server


@pytest.fixture(scope="module")
def couple(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Couple:
    """Sign up and log in."""
    return Couple(tmp_path_factory.mktemp("daemon-couple"), server.url)


@pytest.fixture
def sides(couple: Couple) -> Iterator[tuple[Side, Side]]:
    """Give two empty folders of one remote folder, each its daemon's."""
    made = couple.sides()
    for side in made:
        side.folder.mkdir(exist_ok=True)
        pairs = open_pairs(side.device.state)
        pairs.set_background(pairs.add(side.folder, RemotePath.parse(side.remote), None, 0), is_background=True)
    yield made
    for side in made:
        pairs = open_pairs(side.device.state)
        for pair in pairs.all():
            pairs.remove(pair)


@pytest.fixture
def daemons(sides: tuple[Side, Side]) -> Iterator[Daemons]:
    """Run both daemons until both folders are up to date."""
    with (
        RunningDaemon(sides[0].device, sides[0].folder) as one,
        RunningDaemon(sides[1].device, sides[1].folder) as other,
    ):
        one.settle()
        other.settle()
        yield one, other


def both_hold(daemons: Daemons, tree: dict[str, str]) -> None:
    """Wait until both folders hold this, and both daemons say so."""
    for daemon in daemons:
        daemon.until(partial(_holds, Side(daemon.device, daemon.folder, ""), tree))
        daemon.settle()


def _holds(side: Side, tree: dict[str, str]) -> bool:
    return _tree(side) == tree


def _tree(side: Side) -> dict[str, str]:
    try:
        return side.tree()
    except FileNotFoundError:  # what was listed is gone by now
        return {}


def test_what_people_do_reaches_the_other_folder(daemons: Daemons) -> None:
    """Making, editing, renaming, and deleting, in both directions."""
    one, other = daemons
    (one.folder / "notes.txt").write_text("first")
    (one.folder / "docs").mkdir()
    (one.folder / "docs" / "plan.txt").write_text("plan")
    both_hold(daemons, {"docs": "/", "docs/plan.txt": "plan", "notes.txt": "first"})

    (other.folder / "notes.txt").write_text("second, from elsewhere")
    (other.folder / "docs").rename(other.folder / "papers")
    both_hold(daemons, {"papers": "/", "papers/plan.txt": "plan", "notes.txt": "second, from elsewhere"})

    (one.folder / "notes.txt").unlink()
    shutil.rmtree(other.folder / "papers")
    both_hold(daemons, {})


def test_edits_of_both_sides_are_both_kept(daemons: Daemons) -> None:
    """While one daemon does not run: afterwards both versions are on both sides, and the user is told."""
    one, other = daemons
    (one.folder / "notes.txt").write_text("first")
    both_hold(daemons, {"notes.txt": "first"})
    other.stop()
    (one.folder / "notes.txt").write_text("of the one")
    one.settle()
    (other.folder / "notes.txt").write_text("of the other")

    other.start()
    told = other.wait_for(lambda pair: pair.conflicts == 1 and pair.state == "attention")

    assert told.hint == "mega conflicts"
    tree = Side(other.device, other.folder, "").tree()
    assert tree.pop("notes.txt") == "of the one"
    assert list(tree.values()) == ["of the other"]
    one.until(lambda: sorted(_tree(Side(one.device, one.folder, "")).values()) == ["of the one", "of the other"])


def test_a_killed_daemon_goes_on_where_it_was(daemons: Daemons) -> None:
    """Whatever it was at: the next one finishes it, and nothing is doubled."""
    one, _ = daemons
    for number in range(30):
        (one.folder / f"{number:02}").write_text("x" * 50_000 + str(number))
    one.wait_for(lambda pair: pair.state == "syncing")
    one.kill()
    (one.folder / "30").write_text("afterwards")

    one.start()

    tree = {f"{number:02}": "x" * 50_000 + str(number) for number in range(30)} | {"30": "afterwards"}
    both_hold(daemons, tree)


def test_a_server_that_restarts_is_waited_for(daemons: Daemons, server: LiveServer) -> None:
    """What is done meanwhile is told as pending, and goes up by itself."""
    one, _ = daemons
    server.stop()
    (one.folder / "notes.txt").write_text("meanwhile")
    told = one.wait_for(lambda pair: pair.state == "offline")
    assert "cannot be reached" in told.message

    server.start()

    both_hold(daemons, {"notes.txt": "meanwhile"})


def test_without_a_server_a_daemon_starts_and_waits(sides: tuple[Side, Side], server: LiveServer) -> None:
    """Nobody has to start it again once the network is there."""
    server.stop()
    with RunningDaemon(sides[0].device, sides[0].folder) as daemon:
        told = daemon.wait_for(lambda pair: pair.state == "offline")
        assert "cannot be reached" in told.message
        server.start()
        daemon.settle()


def test_a_session_that_was_ended_elsewhere_freezes_until_the_login(daemons: Daemons, couple: Couple) -> None:
    """The daemon says what to do, and goes on by itself afterwards."""
    one, other = daemons
    id_ = other.device.session.session_id
    assert one.device.mega("sessions", "kill", id_).code == 0
    (one.folder / "notes.txt").write_text("news")
    told = other.wait_for(lambda pair: pair.state == "frozen")
    assert (told.error, "mega login" in told.hint) == ("not_logged_in", True)

    words = ("--server", one.device.session.origin, "--password-file", str(couple.folder / "password"))
    ran = other.device.mega("login", *words, "--device-name", "desk", "alice")
    assert ran.code == 0, ran.err

    both_hold(daemons, {"notes.txt": "news"})


def test_a_folder_that_is_away_freezes_and_heals(daemons: Daemons) -> None:
    """As a disk that is not mounted: nothing is deleted, and when it is back it is synced on."""
    one, other = daemons
    (one.folder / "notes.txt").write_text("first")
    both_hold(daemons, {"notes.txt": "first"})
    away = one.folder.with_name("away")
    one.folder.rename(away)
    told = one.wait_for(lambda pair: pair.state == "frozen")
    assert "is gone" in told.message
    (other.folder / "more.txt").write_text("meanwhile")
    other.settle()

    one.folder.mkdir()  # a mount point without its disk
    assert one.device.mega("syncs", "now").code == 0
    told = one.wait_for(lambda pair: "does not carry its mark" in pair.message)
    assert told.state == "frozen"
    one.folder.rmdir()
    away.rename(one.folder)
    assert one.device.mega("syncs", "now").code == 0

    both_hold(daemons, {"more.txt": "meanwhile", "notes.txt": "first"})


def test_an_emptied_folder_deletes_nothing_elsewhere(daemons: Daemons) -> None:
    """Marker and all gone, as by a script that went wrong: that is no deletion of the user."""
    one, other = daemons
    (one.folder / "notes.txt").write_text("first")
    both_hold(daemons, {"notes.txt": "first"})

    for entry in one.folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    told = one.wait_for(lambda pair: pair.state == "frozen")
    assert "mount or restore it" in told.hint
    assert Side(other.device, other.folder, "").tree() == {"notes.txt": "first"}


def test_a_daemon_that_was_suspended_catches_up(daemons: Daemons) -> None:
    """Stopped as by Ctrl-Z: what happened meanwhile on both sides is there afterwards."""
    one, other = daemons
    one.send(signal.SIGSTOP)
    (one.folder / "here.txt").write_text("here")
    (other.folder / "there.txt").write_text("there")
    other.settle()
    one.send(signal.SIGCONT)

    both_hold(daemons, {"here.txt": "here", "there.txt": "there"})


def test_a_command_takes_the_pair_beside_the_daemon(daemons: Daemons) -> None:
    """`mega sync --once` runs as without a daemon, which takes the pair back afterwards."""
    one, _ = daemons
    path = one.folder / "notes.txt"
    path.write_text("by hand")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    remote = open_pairs(one.device.state).all()[0].remote
    ran = one.device.mega("sync", "--once", str(one.folder), str(remote))

    assert ran.code == 0, ran.err
    both_hold(daemons, {"notes.txt": "by hand"})


def test_a_paused_pair_rests_until_it_is_resumed(daemons: Daemons) -> None:
    """Nothing is done meanwhile, and everything afterwards."""
    one, other = daemons
    assert one.device.mega("syncs", "pause").code == 0
    one.wait_for(lambda pair: pair.state == "paused")
    (other.folder / "notes.txt").write_text("meanwhile")
    other.settle()
    assert not (one.folder / "notes.txt").exists()

    assert one.device.mega("syncs", "resume").code == 0

    both_hold(daemons, {"notes.txt": "meanwhile"})


def test_a_daemon_ends_in_order(daemons: Daemons) -> None:
    """A service manager's SIGTERM: exit code 0, and the marker says that the session ended."""
    for daemon in daemons:
        daemon.stop()
        assert "has ended" in daemon.log
