"""One daemon a profile, and where it is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from mega_cli.daemon.presence import Address, is_running, listening, only_daemon, read_address
from mega_cli.errors import LockedError, MegaError
from mega_cli.system.directories import Directories, Home
from tests.kit.daemon import home_with_profile

if sys.platform == "win32":
    pytest.skip("Python has no such sockets on Windows", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with a profile."""
    return home_with_profile(tmp_path / "home")


def short_home(home: Home, runtime: Path) -> Home:
    """Give the same home with another run-time folder."""
    places = home.directories
    return Home(Directories(places.config, places.data, places.cache, places.logs, runtime), home.profile)


def test_a_second_daemon_is_refused(home: Home) -> None:
    """One holds the lock, the next is told so, and after the end there is room again."""
    assert not is_running(home)
    with only_daemon(home):
        assert is_running(home)
        with pytest.raises(LockedError, match="runs already"), only_daemon(home):
            pytest.fail("two live")
    assert not is_running(home)
    with only_daemon(home):
        pass


def test_profiles_have_a_daemon_each(home: Home) -> None:
    """Another account's daemon is no hindrance."""
    with only_daemon(home), only_daemon(home.with_profile("bob@localhost")):
        pass


def test_the_address_is_there_while_it_listens(home: Home) -> None:
    """It names this process, and is gone afterwards with the socket."""
    with only_daemon(home), listening(home):
        found = read_address(home)
        assert found is not None
        assert found.pid == os.getpid()
        assert Path(found.socket).is_socket()
    assert read_address(home) is None
    assert not Path(found.socket).exists()


def test_a_long_path_finds_a_place(home: Home, tmp_path: Path) -> None:
    """The systems' limit of about a hundred bytes is not the user's business."""
    far = short_home(home, tmp_path / ("x" * 120))
    with only_daemon(far), listening(far):
        found = read_address(far)
        assert found is not None
        assert len(found.socket) < 100
        assert Path(found.socket).parent.stat().st_mode & 0o077 == 0
    assert not Path(found.socket).parent.exists()


def test_a_stale_socket_heals(home: Home, tmp_path: Path) -> None:
    """After a `kill -9` the socket's file is there; the next daemon listens all the same, and sweeps the old place."""
    old = short_home(home, tmp_path / "x" / ("y" * 120))
    with only_daemon(old), listening(old):
        left = read_address(old)
        assert left is not None
        kept = (home.folder / "daemon.json").read_bytes()
        os.link(left.socket, tmp_path / "s")
    Path(left.socket).parent.mkdir(mode=0o700)
    (tmp_path / "s").rename(left.socket)
    (home.folder / "daemon.json").write_bytes(kept)

    with only_daemon(home), listening(home):
        assert read_address(home) != left
    assert not Path(left.socket).parent.exists()


def test_a_name_that_is_no_socket_is_left_alone(home: Home, tmp_path: Path) -> None:
    """Whatever the address says, only a socket is taken away."""
    (tmp_path / "precious").write_text("x")
    (home.folder / "daemon.json").write_bytes(msgspec.json.encode(Address(1, str(tmp_path / "precious"))))
    with only_daemon(home), listening(home):
        pass

    assert (tmp_path / "precious").read_text() == "x"


def test_a_run_time_folder_of_somebody_else_is_left_alone(home: Home, tmp_path: Path) -> None:
    """After `su`, XDG_RUNTIME_DIR names a folder that is not ours: the socket gets one of its own."""
    (tmp_path / "file").touch()
    far = short_home(home, tmp_path / "file" / "mega")
    with only_daemon(far), listening(far):
        found = read_address(far)
        assert found is not None
        assert Path(found.socket).parent.stat().st_mode & 0o077 == 0


def test_a_socket_that_cannot_be_made_is_said() -> None:
    """One sentence, and what to do. The path is short: a longer one than a socket may have gets another place."""
    with TemporaryDirectory(prefix="mega-") as short:
        home = home_with_profile(Path(short))
        home.directories.runtime.mkdir()
        (home.directories.runtime / f"{home.profile}.sock").mkdir()
        with only_daemon(home), pytest.raises(MegaError, match="cannot be made"), listening(home):
            pytest.fail("it listens at a folder")


def test_nothing_listens_where_python_has_no_such_sockets(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear sentence instead of a missing attribute."""
    monkeypatch.setattr("mega_cli.daemon.presence.FAMILY", None)
    with pytest.raises(MegaError, match="this system"), listening(home):
        pytest.fail("it listens")
