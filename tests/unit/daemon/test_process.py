"""The daemon as a process: when it is up, how it ends, and what it tells a service manager."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from mega_cli.daemon import client
from mega_cli.daemon.presence import is_running, read_address
from mega_cli.daemon.process import Daemon, log_thread_failures, notify
from mega_cli.errors import LockedError
from mega_cli.system.directories import Home
from tests.kit.daemon import FakeWork, home_with_profile

if sys.platform == "win32":
    pytest.skip("Python has no such sockets on Windows", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with a profile."""
    return home_with_profile(tmp_path)


def nothing() -> None:
    """Do nothing."""


def test_it_lives_from_the_lock_to_the_end_of_its_work(home: Home) -> None:
    """It is reached when it says so, and nothing is left of it when it has ended."""
    work = FakeWork()
    daemon = Daemon(home, work)

    def ready() -> None:
        assert is_running(home)
        assert client.status(home) is not None
        daemon.stop()

    daemon.run(nothing, ready)

    assert work.told == ["start", "stop True"]
    assert not is_running(home)
    assert read_address(home) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(home: Home, number: signal.Signals) -> None:
    """A service manager, Ctrl-C and a terminal that goes away mean the same; the handlers are given back."""
    work, before = FakeWork(), signal.getsignal(number)

    Daemon(home, work).run(nothing, lambda: os.kill(os.getpid(), number))

    assert work.told == ["start", "stop True"]
    assert signal.getsignal(number) == before


def test_it_ends_when_it_is_asked_over_its_socket(home: Home) -> None:
    """`mega daemon stop` needs no signal."""
    work = FakeWork()
    asked = threading.Thread(target=lambda: next(client.stop(home, 60)))

    Daemon(home, work).run(nothing, asked.start)
    asked.join(10)

    assert work.told == ["start", "stop True"]


def test_work_that_does_not_end_is_left(home: Home) -> None:
    """The process goes while it still holds the lock: a second daemon must not begin beside what still runs."""
    work, left = FakeWork(ends=False), list[tuple[int, bool]]()
    daemon = Daemon(home, work, lambda code: left.append((code, is_running(home))))

    daemon.run(nothing, daemon.stop)

    assert left == [(0, True)]


def test_a_second_one_begins_nothing(home: Home) -> None:
    """It writes no log and starts no work."""
    first, second, begun = Daemon(home, FakeWork()), FakeWork(), list[str]()

    def ready() -> None:
        with pytest.raises(LockedError, match="runs already"):
            Daemon(home, second).run(lambda: begun.append("log"), nothing)
        first.stop()

    first.run(nothing, ready)

    assert (second.told, begun) == ([], [])


def test_systemd_is_told(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY=1 when it can be reached, STOPPING=1 when it ends: Type=notify."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("n")
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", "n")
        daemon = Daemon(home, FakeWork())
        daemon.run(nothing, daemon.stop)

        assert [manager.recv(100), manager.recv(100)] == [b"READY=1", b"STOPPING=1"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
def test_a_manager_at_an_abstract_socket_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd writes those with an @."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0mega-test-{os.getpid()}")
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@mega-test-{os.getpid()}")
        notify("READY=1")

        assert manager.recv(100) == b"READY=1"


def test_a_manager_that_is_gone_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not hear is its loss."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    daemon = Daemon(home_with_profile(tmp_path / "home"), FakeWork())
    daemon.run(nothing, daemon.stop)


def test_a_thread_that_ends_by_a_bug_says_where(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The line and the class are logged, and not the message: it may hold names."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_thread_failures()

    def fail() -> None:
        raise ValueError("secret plans.txt")

    with caplog.at_level(logging.ERROR):
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()

    assert "the thread worker ended: ValueError" in caplog.text
    assert "test_process.py" in caplog.text
    assert "secret" not in caplog.text.replace('raise ValueError("secret plans.txt")', "")
