"""What surrounds granian: the word to systemd, and the hold on the data folder."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from mega_server.cli import main
from mega_server.storage.hold import HeldError, held
from tests.kit.administered import Running, query
from tests.kit.server import LiveServer, backend_of

if sys.platform == "win32":
    pytest.skip("Windows has neither systemd nor flock", allow_module_level=True)


def test_systemd_is_told_once_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY=1 arrives where NOTIFY_SOCKET says."""
    place = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(place))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(30)
        with LiveServer(tmp_path / "data"):
            assert systemd.recv(100) == b"READY=1"


def test_a_served_folder_is_held(tmp_path: Path) -> None:
    """While it is served others may share it, and nobody has it alone; afterwards somebody may."""
    with LiveServer(tmp_path / "data"):
        with held(tmp_path / "data", is_shared=True):
            pass
        with pytest.raises(HeldError), held(tmp_path / "data", is_shared=False):
            pass
    with held(tmp_path / "data", is_shared=False):
        pass


@pytest.mark.parametrize("option", ["--metrics-token-file", "--log-file"])
def test_a_file_that_no_worker_could_open(tmp_path: Path, option: str) -> None:
    """It is named in one sentence before anything is served: exit 1."""
    words = ["serve", "--data", str(tmp_path / "data"), "--port", "0", option, str(tmp_path / "none" / "file")]
    result = CliRunner().invoke(main, words, prog_name="mega-server")

    assert result.exit_code == 1
    assert f"mega-server: error: No such file or directory: {tmp_path}/none/file" in result.stderr


def test_a_reload_without_a_file_of_the_workers_changes_nothing(tmp_path: Path) -> None:
    """A token that was removed is said, and the server goes on with the one it has."""
    token = tmp_path / "token"
    token.write_text("secret")
    with LiveServer(tmp_path / "data", "--metrics-token-file", str(token)) as server:
        token.unlink()
        os.kill(server.pid, signal.SIGHUP)

        deadline_s = time.monotonic() + 30
        while "not reloaded" not in server.log:
            assert time.monotonic() < deadline_s, server.log
            time.sleep(0.05)  # watching another process
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=10) as answer:
            assert answer.read() == b"ok\n"


@pytest.mark.parametrize("host", ["203.0.113.1", "no such name"])
def test_an_address_of_another_machine(tmp_path: Path, host: str) -> None:
    """It is said what --host takes: exit 1."""
    words = ["serve", "--data", str(tmp_path / "data"), "--port", "0", "--host", host]
    result = CliRunner().invoke(main, words, prog_name="mega-server")

    assert result.exit_code == 1
    assert f"mega-server: error: cannot listen on {host}: " in result.stderr
    assert "mega-server: hint: --host takes an address of this machine" in result.stderr


def test_rubbish_that_stays_keeps_nobody_from_being_served(tmp_path: Path) -> None:
    """A pack of a deleted account that cannot be removed is a warning, not an end."""
    running = Running(tmp_path / "data")
    backend_of(running.app).close()
    query(running.folder, "INSERT INTO doomed_packs VALUES (?, ?)", b"v" * 16, b"n" * 32)
    stuck = running.folder / "store" / "v" / (b"v" * 16).hex() / (b"n" * 32).hex()
    stuck.mkdir(parents=True)

    with LiveServer(running.folder) as server:
        assert f"mega-server: warning: the sweep stopped: Is a directory: {stuck}" in server.log


def test_a_name_of_this_machine_is_an_address(tmp_path: Path) -> None:
    """`--host localhost` listens, though the web server below takes numbers alone."""
    with LiveServer(tmp_path / "data", "--host", "localhost") as server:
        assert server.url.startswith("http://127.0.0.1:")
