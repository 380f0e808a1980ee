"""The daemon as people meet it: real processes that are started, asked, borrowed from, killed and stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.daemon import client
from mega_cli.daemon.presence import is_running, read_address
from mega_cli.errors import LockedError
from mega_cli.sync.pairs import open_pairs
from mega_cli.system.directories import Home
from tests.kit.daemon import until
from tests.kit.device import Device
from tests.kit.synced import MANY, Couple, Side, held_name, hurry, pair_id

if sys.platform == "win32":
    pytest.skip("the daemon does not run on Windows", allow_module_level=True)

_MOST_S = 60


def pid_of(home: Home) -> int:
    """Give the process of the daemon that runs."""
    address = read_address(home)
    assert address is not None
    return address.pid


def end(home: Home) -> None:
    """Have no daemon left, however it stands."""
    if is_running(home):
        os.kill(pid_of(home), signal.SIGKILL)
        until(lambda: not is_running(home))


@pytest.fixture
def device(couple: Couple, tmp_path: Path) -> Iterator[Device]:
    """Give a device of its own with an account, no pairs and no daemon."""
    shutil.copytree(couple.devices[0].home / "accounts", tmp_path / "home" / "accounts")
    made = Device(tmp_path / "home")
    home = made.state
    shutil.rmtree(home.sync_folder, ignore_errors=True)
    yield made
    end(home)


def test_it_starts_once_and_stops_once(device: Device) -> None:
    """Twice is no error either way, and says so."""
    home = device.state
    assert "is up" in device.mega("daemon", "start").err
    pid = pid_of(home)
    again = device.mega("daemon", "start")
    assert (again.code, f"runs already, as process {pid}" in again.err) == (0, True)
    assert f"process {pid}".encode() in device.mega("daemon").out

    stopped = device.mega("daemon", "stop")
    assert (stopped.code, "has ended" in stopped.err) == (0, True)
    assert not is_running(home)
    none = device.mega("daemon", "stop")
    assert (none.code, "did not run" in none.err) == (0, True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows another process's variables")
def test_it_keeps_no_password(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a script exported for other commands does not stay with a process that lives for months."""
    monkeypatch.setenv("MEGA_PASSWORD", "correct horse")
    device.mega("daemon", "start")

    known = Path(f"/proc/{pid_of(device.state)}/environ").read_bytes()
    assert b"MEGA_PROFILE=" in known
    assert b"MEGA_PASSWORD" not in known


def test_of_two_at_once_one_survives(device: Device) -> None:
    """Whoever loses the race says that one runs, with exit code 0."""
    starts = [device.start("daemon", "start") for _ in range(2)]
    said = []
    for start in starts:
        with start:
            _, err = start.communicate(timeout=_MOST_S)
            said.append(err.decode())
            assert start.returncode == 0, err

    assert sorted("is up" in text for text in said) == [False, True]
    assert all("runs already" in text for text in said if "is up" not in text)
    assert all(str(pid_of(device.state)) in text for text in said)


def test_a_killed_one_is_replaced(device: Device) -> None:
    """After `kill -9` no command believes in it, and the next start needs nobody's help."""
    home = device.state
    device.mega("daemon", "start")
    killed = pid_of(home)
    os.kill(killed, signal.SIGKILL)
    until(lambda: not is_running(home))
    left = read_address(home)
    assert left is not None
    assert Path(left.socket).is_socket()

    assert b"does not run" in device.mega("daemon").out
    assert "is up" in device.mega("daemon", "start").err
    assert client.status(home) is not None
    assert pid_of(home) != killed


def test_it_needs_nothing_but_a_home(device: Device, tmp_path: Path) -> None:
    """Demand 6: no display, no keyring, no run-time folder, no language; whoever has more finds it all the same."""
    bare = tmp_path / "user"
    shutil.copytree(device.home, bare / ".local" / "share" / "mega")
    least = {"HOME": str(bare), "PATH": "/usr/bin:/bin"}
    login = least | {"XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "DISPLAY": ":0"}

    def mega(environment: dict[str, str], *words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "mega_cli", *words],
            env=environment,
            capture_output=True,
            timeout=_MOST_S,
            check=True,
        )
        return (ran.stdout + ran.stderr).decode()

    assert "is up" in mega(least, "daemon", "start")
    try:
        assert "runs as process" in mega(login, "daemon")
    finally:
        assert "has ended" in mega(login, "daemon", "stop")


@pytest.mark.parametrize(("lost", "code", "words"), [("accounts", 10, "no account"), ("session", 12, "not logged in")])
def test_why_it_does_not_start_is_said(device: Device, lost: str, code: int, words: str) -> None:
    """The reason, with its own exit code, and nothing runs."""
    if lost == "accounts":
        shutil.rmtree(device.home / "accounts")
    else:
        device.state.session_file.unlink()

    for command in ("start", "run"):
        ran = device.mega("daemon", command)
        assert (ran.code, words in ran.err) == (code, True), ran.err


def test_a_reason_that_only_the_child_meets_is_said(device: Device) -> None:
    """What goes wrong after the fork reaches the terminal with its sentence, hint and exit code."""
    device.state.sync_folder.mkdir()
    (device.state.sync_folder / "pairs.json").write_text("{")

    ran = device.mega("daemon", "start")

    assert (ran.code, "the list of synced folders is damaged" in ran.err) == (7, True), ran.err
    assert not is_running(device.state)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_ends_at_a_signal(device: Device, number: signal.Signals) -> None:
    """It says when it is up, and a service manager gets exit code 0."""
    with device.start("daemon", "run") as process:
        assert process.stderr is not None
        assert b"is up" in process.stderr.readline()
        beside = device.mega("daemon", "run")
        assert (beside.code, "runs already" in beside.err) == (11, True)
        process.send_signal(number)
        process.communicate(timeout=_MOST_S)

    assert process.returncode == 0
    assert not is_running(device.state)


def test_the_log_is_shown_and_followed(device: Device) -> None:
    """Its last lines, then each new one; Ctrl-C is how following ends."""
    assert device.mega("daemon", "logs").code == 4
    device.mega("daemon", "start")
    assert b"the daemon is up" in device.mega("daemon", "logs", "-n", "1").out
    with device.start("daemon", "logs", "-f") as process:
        assert process.stdout is not None
        assert b"the daemon is up" in process.stdout.readline()
        device.mega("daemon", "stop")
        assert b"the daemon ends: it was asked to" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=_MOST_S)

    assert (process.returncode, err) == (0, b"")


# --- beside a daemon that holds the pairs


@pytest.fixture(scope="module")
def beside(couple: Couple) -> Iterator[dict[str, Side]]:
    """Give folders that a running daemon holds: with held deletions, a conflict, something in the trash, and more."""
    names = ("approve", "reject", "both", "once", "rm")
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        couples = {name: couple.sides() for name in names}
        sides = {name: a for name, (a, _) in couples.items()}
        for name, side in sides.items():
            for number in range(MANY if name in ("approve", "reject") else 2):
                side.write(f"secret-{number:02}", "first")
            side.write("secret-other", "other")
            side.sync()
            if name in ("approve", "reject"):
                for number in range(MANY):
                    (side.folder / f"secret-{number:02}").unlink()
                side.sync(code=6)
        a, b = couples["both"]
        b.sync()
        b.write("secret-00", "theirs")
        (b.folder / "secret-01").unlink()
        b.sync()
        a.write("secret-00", "ours")
        a.sync(code=6)
    device = couple.devices[0]
    home, pairs = device.state, open_pairs(device.state)
    for side in sides.values():
        pairs.set_background(pairs.find(pair_id(side)), is_background=True)
    try:
        assert "is up" in device.mega("daemon", "start").err
        yield sides
    finally:
        end(home)
        for side in sides.values():
            if (found := pairs.at(side.folder)) is not None:
                pairs.set_background(found, is_background=False)


@pytest.fixture
def held(beside: dict[str, Side]) -> Iterator[dict[str, Side]]:
    """See that the daemon holds each pair before the test, and has it back after it."""
    wait_until_held(beside)
    yield beside
    wait_until_held(beside)


def wait_until_held(sides: dict[str, Side]) -> None:
    """Return when nobody but the daemon could take any of the pairs."""
    pairs = open_pairs(next(iter(sides.values())).device.state)

    def is_held(side: Side) -> bool:
        pair = pairs.at(side.folder)
        if pair is None or not pair.is_background:
            return True
        try:
            with pairs.lock(pair):
                return False
        except LockedError:
            return True

    until(lambda: all(is_held(side) for side in sides.values()))


def test_a_held_deletion_is_approved_beside_it(held: dict[str, Side]) -> None:
    """The decision is taken, and the daemon carries it out."""
    side = held["approve"]

    ran = side.run("held", "approve", held_name(side))

    assert ran.code == 0, ran.err
    until(lambda: not [one for one in side.json("held")["held"] if one["pair"] == pair_id(side)])


def test_a_held_deletion_is_rejected_beside_it(held: dict[str, Side]) -> None:
    """The files come back by the daemon."""
    side = held["reject"]

    ran = side.run("held", "reject", held_name(side))

    assert ran.code == 0, ran.err
    until(lambda: len(side.tree()) == MANY + 1)


def test_a_conflict_is_resolved_beside_it(held: dict[str, Side]) -> None:
    """The version that was chosen takes the name at once."""
    side = held["both"]

    ran = side.run("conflicts", "resolve", "--keep", "this", str(side.folder / "secret-00"))

    assert ran.code == 0, ran.err
    assert side.tree()["secret-00"] == "ours"


def test_the_local_trash_is_restored_beside_it(held: dict[str, Side]) -> None:
    """What sync took away is back at once."""
    side = held["both"]

    ran = side.run("trash", "restore", "--local", str(side.folder / "secret-01"))

    assert ran.code == 0, ran.err
    assert side.tree()["secret-01"] == "first"


def test_a_plan_is_shown_beside_it(held: dict[str, Side]) -> None:
    """A dry run of a live daemon."""
    ran = held["once"].run("syncs", "plan", pair_id(held["once"]))

    assert ran.code == 0, ran.err
    assert b"dry run" in ran.out


def test_a_folder_is_synced_once_beside_it(held: dict[str, Side]) -> None:
    """A cron job that is older than the daemon goes on working."""
    held["once"].sync()


def test_a_folder_is_synced_no_more_beside_it(held: dict[str, Side]) -> None:
    """The daemon drops the pair and holds nothing of it."""
    side, home = held["rm"], held["rm"].device.state
    pair = open_pairs(home).find(pair_id(side))

    ran = side.run("syncs", "rm", pair.id)

    assert ran.code == 0, ran.err

    def has_let_go() -> bool:
        reply = client.status(home)
        return reply is not None and pair.id not in [one.id for one in reply.pairs]

    until(has_let_go)


def test_the_log_names_nothing(held: dict[str, Side]) -> None:
    """After all that, no name of a file or folder and no content is in it."""
    device = held["once"].device
    log = device.state.daemon_log_file.read_text()

    assert "the daemon is up" in log
    assert "secret" not in log
    assert not [side for side in held.values() if str(side.folder) in log or side.remote in log]


def test_a_stop_waits_for_what_is_at_hand(held: dict[str, Side]) -> None:
    """Asked for JSON, it ends with one document; then nobody holds a pair."""
    side = held["once"]

    ran = side.run("daemon", "stop", "--json")

    assert json.loads(ran.out) == {"message_type": "summary", "stopped": True}
    assert not is_running(side.device.state)
    assert side.device.mega("daemon", "start").code == 0  # as the next test found it
