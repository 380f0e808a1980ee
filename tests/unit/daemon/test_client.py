"""What commands do without a daemon, with a killed one, and with one that does not behave."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from mega_cli.daemon import client
from mega_cli.daemon.messages import Refused
from mega_cli.daemon.presence import Address, listening, only_daemon
from mega_cli.errors import IntegrityError, LockedError
from mega_cli.system.directories import Home
from tests.kit.daemon import PAIR, home_with_profile

if sys.platform == "win32":
    pytest.skip("Python has no such sockets on Windows", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with a profile."""
    return home_with_profile(tmp_path)


@contextmanager
def answering(home: Home, words: bytes) -> Iterator[None]:
    """Be a daemon that gives every caller the same words and hangs up."""

    def serve(listener: socket.socket) -> None:
        caller, _ = listener.accept()
        with caller:
            caller.recv(1000)
            caller.sendall(words)

    with only_daemon(home), listening(home) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield
        thread.join(10)


def test_without_a_daemon_nothing_is_asked(home: Home) -> None:
    """Every question has its answer for a device that has no daemon."""
    assert client.status(home) is None
    assert list(client.follow(home)) == []
    assert list(client.stop(home, 60)) == []
    assert not client.wake(home)
    assert not client.verify(home)
    assert not client.reload(home)
    with client.borrowed(home, PAIR.id) as is_lent:
        assert not is_lent


def test_without_a_profile_there_is_none(home: Home) -> None:
    """A device without an account asks nobody."""
    assert client.status(Home(home.directories)) is None


def test_what_a_killed_daemon_leaves_is_no_daemon(home: Home) -> None:
    """Its socket is there and nobody listens, and nobody holds the lock."""
    path = home.directories.runtime
    path.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path / "s"))
    (home.folder / "daemon.json").write_bytes(msgspec.json.encode(Address(1, str(path / "s"))))

    assert client.status(home) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff"])
def test_a_damaged_address_is_none(home: Home, content: bytes) -> None:
    """The next daemon writes it anew."""
    (home.folder / "daemon.json").write_bytes(content)

    assert client.connect(home) is None


def test_a_daemon_that_lives_and_does_not_listen_is_an_error(home: Home) -> None:
    """A command must not go on as if there were none: it would meet the lock of the pair."""
    (home.folder / "daemon.json").write_bytes(msgspec.json.encode(Address(1, str(home.folder / "gone"))))
    with only_daemon(home), pytest.raises(LockedError, match="does not answer") as refused:
        client.status(home)
    assert refused.value.hint.endswith("kill -9 1")


def test_a_daemon_that_hangs_is_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process still takes connections; no command waits for it for ever."""
    monkeypatch.setattr(client, "_ANSWER_S", 0.05)
    monkeypatch.setattr(client.Connection.ask, "__defaults__", (0.05,))
    with only_daemon(home), listening(home), pytest.raises(LockedError, match="does not answer"):
        client.status(home)


@pytest.mark.parametrize(
    "words", [b"", b"hello\n", b"{}\n", b'{"answer": "done"}\n', b'{"answer": "status"}\n', b"\xff\n"]
)
def test_an_answer_that_is_none_is_an_error(home: Home, words: bytes) -> None:
    """Half an answer, no JSON, or the answer to another question."""
    with answering(home, words), pytest.raises(LockedError, match="does not answer"):
        client.status(home)


def test_a_class_with_its_own_sentence_keeps_the_daemons(home: Home) -> None:
    """What the daemon met is what the user reads."""
    refused = msgspec.json.encode(Refused(14, "the daemon's words", "its hint")) + b"\n"
    with answering(home, refused), pytest.raises(IntegrityError) as raised:
        client.reload(home)

    assert (raised.value.message, raised.value.hint) == ("the daemon's words", "its hint")


def test_a_daemon_that_cannot_be_told_hinders_nothing(home: Home) -> None:
    """The command's own work is done; a note says what is missing."""
    noted: list[str] = []
    with answering(home, b""):
        client.tell_reload(home, noted.append)

    assert "was not told" in noted[0]
