"""What tells a system to start the daemon: read back by the system's own programs where they are installed."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mega_cli.daemon.autostart import Autostart, LaunchAgent, Service, SystemdUnit, autostart_of
from mega_cli.errors import MegaError, NotInitialisedError
from mega_cli.system.directories import Home
from tests.kit.daemon import home_with_profile

ODD = "a b%h \"c\" 'd' $HOME \\n ü"
"""A name that holds all that means something to systemd: spaces, specifiers, quotes, variables, escapes."""


def service(program: Path, profile: str = "alice@localhost", **variables: str) -> Service:
    """Describe a service that runs a program."""
    words = [str(program), "-m", "mega_cli", "a b", "100%", "$HOME"]
    return Service(profile, "mega-test", words, {"MEGA_PROFILE": profile, **variables})


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Make a program whose path is odd."""
    folder = tmp_path / ODD
    folder.mkdir()
    made = folder / "python"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


@pytest.fixture(params=["systemd", "launchd"])
def system(request: pytest.FixtureRequest, tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> Autostart:
    """Give each system's way; nobody is told of it."""
    monkeypatch.setattr("mega_cli.daemon.autostart.shutil.which", lambda _name: None)
    if request.param == "systemd":
        return SystemdUnit(service(program), tmp_path / "config")
    return LaunchAgent(service(program), tmp_path / "home")


def test_on_and_off_and_again(system: Autostart) -> None:
    """Each may be said twice, and each undoes the other without a trace."""
    assert not system.is_on
    system.turn_off()
    system.turn_on()
    system.turn_on()
    assert system.is_on
    assert system.is_current
    system.turn_off()
    assert not system.is_on
    assert not [path for path in system.file.parent.rglob("*") if not path.is_dir()]


def test_a_unit_of_another_place_is_not_current(system: Autostart) -> None:
    """An update that moved mega is seen, and `on` mends it."""
    system.turn_on()
    system.file.write_bytes(system.file.read_bytes().replace(b"python", b"python2"))

    assert system.is_on
    assert not system.is_current
    system.turn_on()
    assert system.is_current


def test_a_link_that_somebody_broke_is_off(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`systemctl --user disable` takes away the link and leaves the file: that is off."""
    monkeypatch.setattr("mega_cli.daemon.autostart.shutil.which", lambda _name: None)
    unit = SystemdUnit(service(program), tmp_path)
    unit.turn_on()
    (link,) = (tmp_path / "systemd" / "user" / "default.target.wants").iterdir()
    assert link.samefile(unit.file)

    link.unlink()

    assert not unit.is_on


def analysed_text(text: str, folder: Path) -> str:
    """Give what systemd complains of in a unit. Skips without systemd."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    file = folder / "mega-test.service"
    file.write_text(text)
    words = ["systemd-analyze", "--user", "--man=no", "verify", str(file)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=environment)
    return run.stderr + ("" if run.returncode == 0 else f"exit code {run.returncode}")


def test_systemd_accepts_the_unit(tmp_path: Path, program: Path) -> None:
    """`systemd-analyze verify` has nothing to say, however odd the paths are."""
    unit = SystemdUnit(service(program, f"alice@{ODD}", MEGA_HOME=f"/home/{ODD}"), tmp_path)

    assert analysed_text(unit.text, tmp_path) == ""


def test_systemd_would_complain(tmp_path: Path, program: Path) -> None:
    """The test above could fail: a quote that is not escaped is refused."""
    unit = SystemdUnit(service(program), tmp_path)
    broken = unit.text.replace('\\"c', '"c')

    assert "bad unit file setting" in analysed_text(broken, tmp_path)


def test_a_unit_cannot_be_smuggled_into(tmp_path: Path, program: Path) -> None:
    """An end of line in a path begins no setting of its own."""
    unit = SystemdUnit(service(program, MEGA_HOME="/x\nExecStartPre=/bin/false"), tmp_path)

    assert not [line for line in unit.text.splitlines() if line.startswith("ExecStartPre")]


def test_the_daemon_is_a_notifying_service_that_is_not_tried_in_vain(tmp_path: Path, program: Path) -> None:
    """It says when it is up, and a device without an account does not start it every 30 seconds."""
    lines = SystemdUnit(service(program), tmp_path).text.splitlines()

    assert "Type=notify" in lines
    assert "RestartPreventExitStatus=2 10 11 12" in lines
    assert 'Environment="MEGA_PROFILE=alice@localhost"' in lines
    assert next(line for line in lines if line.startswith("ExecStart=")).endswith(' "a b" "100%%" "$$HOME"')


def test_launchd_reads_back_what_was_meant(tmp_path: Path, program: Path) -> None:
    """Apple's format keeps every path as it is; launchd itself never ran it here."""
    agent = LaunchAgent(service(program, MEGA_HOME=f"/home/{ODD}"), tmp_path)
    agent.turn_on()

    found = plistlib.loads(agent.file.read_bytes())
    assert found["Label"] == agent.file.stem == "mega-test"
    assert found["ProgramArguments"] == agent.service.words
    assert found["EnvironmentVariables"] == {"MEGA_PROFILE": "alice@localhost", "MEGA_HOME": f"/home/{ODD}"}
    assert found["KeepAlive"] == {"SuccessfulExit": False}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with a profile."""
    return home_with_profile(tmp_path)


def test_profiles_and_homes_have_services_of_their_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No two share a file, and the name can be typed."""
    monkeypatch.setattr(sys, "platform", "darwin")
    others = [home, home.with_profile("alice@local-host"), home_with_profile(tmp_path / "other")]

    names = [autostart_of(one).file.stem for one in others]

    assert len(set(names)) == 3
    assert names[0].startswith("mega-alice-localhost-")


def test_it_starts_this_program_for_this_profile(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter that runs now, and the folders that are in use now, made absolute."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("MEGA_HOME", "here")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    found = autostart_of(home)
    assert isinstance(found, LaunchAgent)

    assert found.service.words == [sys.executable, "-P", "-m", "mega_cli", "daemon", "run"]
    expected = {"MEGA_PROFILE": "alice@localhost", "MEGA_HOME": str(Path("here").absolute()), "XDG_DATA_HOME": "/data"}
    assert expected.items() <= found.service.variables.items()


def test_another_system_is_told_what_to_do(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence and a command for its own way of starting things."""
    monkeypatch.setattr(sys, "platform", "freebsd14")
    with pytest.raises(MegaError, match="neither systemd nor launchd") as refused:
        autostart_of(home)
    assert "mega daemon start" in refused.value.hint


def test_without_an_account_there_is_nothing_to_start(home: Home) -> None:
    """The error is that of every command."""
    with pytest.raises(NotInitialisedError):
        autostart_of(Home(home.directories))


def test_systemd_is_told_and_need_not_be_there(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager that runs reads the units anew; a failure to reach it is no failure."""
    told = tmp_path / "told"
    fake = tmp_path / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$@" > "{told}"\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    SystemdUnit(service(program), tmp_path / "config").turn_on()

    assert told.read_text() == "--user --no-ask-password daemon-reload\n"
