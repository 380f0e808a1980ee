"""`mega daemon` and `mega autostart` as command lines: what they print, and how they end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mega_cli.commands import daemon as daemon_command
from mega_cli.daemon.autostart import Service, SystemdUnit
from mega_cli.daemon.detach import start_daemon
from mega_cli.daemon.presence import only_daemon
from mega_cli.errors import MegaError, NotLoggedInError
from tests.kit.daemon import home_with_profile, served
from tests.kit.device import Device

if sys.platform == "win32":
    pytest.skip("the daemon does not run on Windows", allow_module_level=True)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """Give a device with a profile that is nobody's account."""
    home = home_with_profile(tmp_path / "home")
    home.make_current()
    return Device(tmp_path / "home")


@pytest.fixture
def unit(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SystemdUnit:
    """Have the system be one with systemd, which is told nothing."""
    service = Service(device.state.profile, "mega-test", [sys.executable], {})
    made = SystemdUnit(service, tmp_path / "config")
    monkeypatch.setattr("mega_cli.commands.autostart.autostart_of", lambda _home: made)
    monkeypatch.setattr("mega_cli.daemon.autostart.shutil.which", lambda _name: None)
    return made


def test_autostart_goes_on_and_off(device: Device, unit: SystemdUnit) -> None:
    """Each says what holds from now on, twice the same, and the state can be asked for."""
    assert device.mega("autostart").out.startswith(b"off")
    for _ in range(2):
        ran = device.mega("autostart", "on")
        assert (ran.code, str(unit.file) in ran.err) == (0, True)
    assert device.mega("autostart").out.startswith(b"on: ")
    for _ in range(2):
        ran = device.mega("autostart", "off")
        assert (ran.code, "any more" in ran.err) == (0, True)
    assert device.mega("autostart").out.startswith(b"off")


def test_autostart_tells_of_lingering_where_it_is_missing(
    device: Device, unit: SystemdUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server where nobody logs in needs one command more."""
    monkeypatch.setattr("getpass.getuser", lambda: "nobody-we-know")
    assert "loginctl enable-linger nobody-we-know" in device.mega("autostart", "on").err
    document = json.loads(device.mega("autostart", "on", "--json").out)

    assert document["hint"] == "loginctl enable-linger nobody-we-know"
    assert document["file"] == str(unit.file)
    assert json.loads(device.mega("autostart", "--json").out)["autostart"] is True


def test_autostart_of_another_program_is_said(device: Device, unit: SystemdUnit) -> None:
    """After an update that moved mega, the state names the way to mend it."""
    device.mega("autostart", "on")
    unit.file.write_text("[Unit]\n")
    ran = device.mega("autostart")

    assert b"for another program" in ran.out
    assert "mega autostart on" in ran.err


def test_the_status_for_programs(device: Device) -> None:
    """Whether it runs, and where its log is; more when it does."""
    log = str(device.state.daemon_log_file)
    assert json.loads(device.mega("daemon", "--json").out) == {"running": False, "log": log}
    with served(device.state):
        found = json.loads(device.mega("daemon", "--json").out)

    assert found == {"running": True, "log": log, "pid": 1, "version": "0", "started_ms": 0}


def test_a_stop_says_what_it_waits_for(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each folder at work; one that does not end at all is an error with a way out."""
    monkeypatch.setattr(daemon_command, "_STOP_S", 0.2)
    monkeypatch.setattr(daemon_command, "_END_S", 0.0)
    with served(device.state) as daemon:
        daemon.work.change(state="syncing")
        ran = device.mega("daemon", "stop")

    assert (ran.code, "does not end" in ran.err) == (5, True)
    assert ran.err.count("waiting for /home/alice/docs: syncing") == 1


def test_a_start_that_meets_a_running_one_starts_nothing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is made to find out."""
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    with only_daemon(device.state):
        assert not start_daemon(device.state)


def test_a_child_that_dies_without_a_word_is_an_error(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed by the system, for want of memory perhaps: the log is named."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MegaError, match="did not start") as refused:
        start_daemon(device.state)
    assert str(device.state.daemon_log_file) in refused.value.hint


def test_a_childs_reason_keeps_its_class(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is logged in here: the child says so, with its own hint."""
    monkeypatch.setenv("MEGA_HOME", str(device.home))
    with pytest.raises(NotLoggedInError) as refused:
        start_daemon(device.state)
    assert "mega login" in refused.value.hint


def test_the_log_of_no_daemon(device: Device) -> None:
    """Exit code 4, and how to get one; for programs each line is a document."""
    ran = device.mega("daemon", "logs")
    assert (ran.code, "mega daemon start" in ran.err) == (4, True)
    log = device.state.daemon_log_file
    log.parent.mkdir()
    log.write_text("one\ntwo\n")

    assert device.mega("daemon", "logs", "-n", "1").out == b"two\n"
    assert [json.loads(line) for line in device.mega("daemon", "logs", "--json").out.splitlines()] == [
        {"line": "one"},
        {"line": "two"},
    ]


def test_without_an_account_every_command_says_so(tmp_path: Path) -> None:
    """Exit code 10, as everywhere."""
    fresh = Device(tmp_path / "fresh")
    lines = ("daemon", "daemon start", "daemon stop", "daemon logs", "autostart", "autostart on")

    assert {line: fresh.mega(*line.split()).code for line in lines} == dict.fromkeys(lines, 10)
