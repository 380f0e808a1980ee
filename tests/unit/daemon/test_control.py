"""The control socket: what it answers, and that no caller, however hostile, disturbs it."""

from __future__ import annotations

import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from mega_cli.daemon import client, control
from mega_cli.daemon.messages import LINE_MAX_BYTES
from mega_cli.errors import LockedError, MissingItemError
from tests.kit.daemon import PAIR, Served, home_with_profile, served, until

if sys.platform == "win32":
    pytest.skip("Python has no such sockets on Windows", allow_module_level=True)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    """Serve a profile's control socket."""
    with served(home_with_profile(tmp_path)) as found:
        yield found


def call(daemon: Served) -> socket.socket:
    """Connect, as a stranger to the protocol does."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(daemon.path)
    return line


def everything(line: socket.socket) -> bytes:
    """Read until the other end hangs up; a reset says that it did not read all we said."""
    found = b""
    with suppress(ConnectionResetError):
        while more := line.recv(1 << 16):
            found += more
    return found


def assert_serves(daemon: Served) -> None:
    """Fail unless the daemon answers as if nothing had been."""
    found = client.status(daemon.home)
    assert found is not None
    assert found.pairs == [daemon.work.pair]


def test_the_status_is_told(daemon: Served) -> None:
    """What the work says of itself arrives whole."""
    found = client.status(daemon.home)

    assert found is not None
    assert found.daemon.profile == "alice@localhost"
    assert found.pairs == [PAIR]
    assert not found.is_stopping


def test_orders_reach_the_work(daemon: Served) -> None:
    """Each request calls what it is named for, with its pair."""
    assert client.wake(daemon.home)
    assert client.wake(daemon.home, PAIR.id)
    assert client.verify(daemon.home, PAIR.id)
    assert client.reload(daemon.home)

    assert daemon.work.told == ["wake ", f"wake {PAIR.id}", f"verify {PAIR.id}", "reload"]


def test_a_refusal_keeps_its_class(daemon: Served) -> None:
    """What the work refuses, the caller raises: sentence, hint and exit code."""
    with pytest.raises(MissingItemError, match="no synced folder is 'nothing'") as refused:
        client.wake(daemon.home, "nothing")

    assert refused.value.hint == "mega syncs"


def test_a_follower_hears_of_changes(daemon: Served) -> None:
    """The first line comes at once, the next with the next change."""
    heard = client.follow(daemon.home)

    assert next(heard).pairs[0].state == "starting"
    daemon.work.change(state="syncing")
    assert next(heard).pairs[0].state == "syncing"


def test_stop_is_passed_on_and_followed(daemon: Served) -> None:
    """Who stops the daemon sees what it waits for."""
    heard = client.stop(daemon.home, 60)

    next(heard)
    until(lambda: daemon.stops == ["stop"])
    daemon.control.stopping()
    daemon.work.change(state="syncing")
    now = next(heard)
    assert (now.is_stopping, now.pairs[0].state) == (True, "syncing")


def test_a_pair_is_lent_while_the_borrower_lives(daemon: Served) -> None:
    """It is away exactly as long as the block lasts."""
    with client.borrowed(daemon.home, PAIR.id) as is_lent:
        assert is_lent
        assert daemon.work.lent == [PAIR.id]
    daemon.work.wait_until_nothing_is_lent()


def test_a_killed_borrower_gives_back(daemon: Served) -> None:
    """The system closes what a killed process held; nobody has to say anything."""
    line = call(daemon)
    line.sendall(b'{"do": "lend", "pair": "4f1c09a7"}\n')
    assert line.recv(100) == b'{"answer":"lent"}\n'

    line.close()

    daemon.work.wait_until_nothing_is_lent()


def test_nothing_is_lent_by_a_daemon_that_ends(daemon: Served) -> None:
    """A borrower would hold it up; a moment later there is nothing to borrow from."""
    daemon.control.stopping()

    with pytest.raises(LockedError, match="about to end"), client.borrowed(daemon.home, PAIR.id):
        pytest.fail("it was lent")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (b"hello\n", b"does not understand"),
        (b"\xff\xfe\x00\n", b"does not understand"),
        (b"[" * 50_000 + b"\n", b"does not understand"),
        (b'{"do": "explode"}\n', b"does not understand"),
        (b'{"do": "lend"}\n', b"does not understand"),
        (b'{"do": "wake", "pair": 7}\n', b"does not understand"),
        (b"\n", b"does not understand"),
        (b"x" * (LINE_MAX_BYTES + 1), b"too long"),
    ],
)
def test_what_is_no_request_is_refused(daemon: Served, words: bytes, answer: bytes) -> None:
    """Garbage gets one sentence and the end of the connection."""
    with call(daemon) as line:
        line.sendall(words)
        found = everything(line)

    assert b'"code":2' in found
    assert answer in found
    assert_serves(daemon)


def test_half_a_line_is_refused(daemon: Served) -> None:
    """A caller that ends in the middle did not ask anything."""
    with call(daemon) as line:
        line.sendall(b'{"do": "stop"}')
        line.shutdown(socket.SHUT_WR)
        assert b"not whole" in everything(line)

    assert daemon.stops == []


def test_what_follows_a_request_is_passed_over(daemon: Served) -> None:
    """One connection carries one request."""
    with call(daemon) as line:
        line.sendall(b'{"do": "reload"}\n{"do": "stop"}\n')
        assert everything(line) == b'{"answer":"done"}\n'

    assert (daemon.work.told, daemon.stops) == (["reload"], [])


def test_unknown_fields_are_passed_over(daemon: Served) -> None:
    """A newer mega may say more than this daemon knows."""
    with call(daemon) as line:
        line.sendall(b'{"do": "reload", "how": "soon"}\n')
        assert everything(line) == b'{"answer":"done"}\n'


def test_a_silent_caller_is_hung_up_on(tmp_path: Path) -> None:
    """Who says nothing, or drips, keeps no thread for long."""
    with served(home_with_profile(tmp_path), patience_s=0.05) as daemon, call(daemon) as line:
        line.sendall(b"{")
        assert everything(line) == b""
        assert_serves(daemon)


def test_a_caller_that_does_not_read_is_hung_up_on(tmp_path: Path) -> None:
    """A follower whose buffer is full costs its own connection only."""
    with served(home_with_profile(tmp_path), patience_s=0.05) as daemon, call(daemon) as line:
        daemon.work.change(message="x" * 10_000_000)
        line.sendall(b'{"do": "follow"}\n')
        daemon.work.change(message="")
        assert_serves(daemon)


def test_many_callers_hinder_nobody_for_long(daemon: Served) -> None:
    """Those over the limit are told so; when the others have gone, there is room again."""
    with ExitStack() as stack:
        lines = [stack.enter_context(call(daemon)) for _ in range(control.CALLERS_MOST)]
        for line in lines:
            line.sendall(b'{"do": "follow"}\n')
            assert line.recv(10)
        with pytest.raises(LockedError, match="too many callers"):
            client.status(daemon.home)
        for line in lines:
            line.close()
        daemon.work.change(state="syncing")
        freed = [daemon.control._callers.acquire(timeout=10) for _ in lines]
        assert all(freed)
        daemon.control._callers.release(len(lines))
    assert_serves(daemon)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who is at the other end")
def test_another_user_is_not_heard(daemon: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the folder would let somebody in."""
    monkeypatch.setattr("mega_cli.daemon.control.os.geteuid", lambda: 4_000_000)
    monkeypatch.setattr("mega_cli.daemon.control.struct.unpack", lambda _format, _raw: (1, 4_000_001, 1))
    with call(daemon) as line:
        with suppress(BrokenPipeError):  # it may have hung up already
            line.sendall(b'{"do": "stop"}\n')
        assert everything(line) == b""
    assert daemon.stops == []


def test_the_socket_lets_nobody_else_in(daemon: Served) -> None:
    """0600 in a folder that is 0700."""
    path = Path(daemon.path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_bug_in_the_work_ends_one_connection(daemon: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller hears nothing more; the next one is served."""
    monkeypatch.setattr("threading.excepthook", lambda _failure: None)
    with monkeypatch.context() as patch:
        patch.setattr(daemon.work, "reload", [].pop)
        with call(daemon) as line:
            line.sendall(b'{"do": "reload"}\n')
            assert everything(line) == b""
    assert_serves(daemon)
