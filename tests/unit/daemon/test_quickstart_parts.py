"""The parts of quickstart: the sample, the port, the account's entrance, the generated password."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from mega_cli.crypto import randomness
from mega_cli.daemon import first_account
from mega_cli.daemon.embedded_server import EmbeddedServer
from mega_cli.daemon.first_account import check_profile, enter_account, generated_password
from mega_cli.daemon.sample_folder import sample_folder
from mega_cli.errors import NotLoggedInError, SafetyStopError
from mega_cli.model import Secret
from mega_cli.system.directories import Home, open_home

URL = "http://127.0.0.1:4711"
PROFILE = "owner@127.0.0.1_4711"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MEGA_HOME", str(tmp_path))
    return open_home()


def test_the_sample_holds_a_little_of_everything(tmp_path: Path) -> None:
    """Text, bytes, a space, letters beyond ASCII, a mode, an empty folder, a link."""
    folder = sample_folder(tmp_path)

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "Grüße.txt",
        "README.txt",
        "bin",
        "bin/hello.sh",
        "empty",
        "latest",
        "picture.png",
        "shopping list.txt",
    ]
    assert (folder / "latest").is_symlink()
    assert (folder / "bin" / "hello.sh").stat().st_mode & stat.S_IXUSR
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 50_000


def test_the_sample_is_made_once(tmp_path: Path) -> None:
    """What a person changed there stays, and nothing is uploaded twice."""
    (sample_folder(tmp_path) / "README.txt").write_text("mine", encoding="utf-8")

    assert (sample_folder(tmp_path) / "README.txt").read_text(encoding="utf-8") == "mine"


def test_the_port_is_kept_with_the_account(home: Home) -> None:
    """The account is bound to the port, so it must not move; without an account any free port will do."""
    first = EmbeddedServer(home).port

    assert EmbeddedServer(home.with_profile(PROFILE)).port == first


def test_the_command_line_starts_the_same_server(home: Home) -> None:
    """What is printed for people names the data folder and the port."""
    server = EmbeddedServer(home)

    assert server.command_line[-5:] == ["serve", "--data", str(server.data_dir), "--port", str(server.port)]
    assert server.url == f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("profile", ["", PROFILE])
def test_an_empty_home_and_its_own_account_are_welcome(profile: str, home: Home) -> None:
    """A first run, and every later one."""
    check_profile(home.with_profile(profile), URL, "owner")


def test_another_account_is_not_displaced(home: Home) -> None:
    """Somebody who uses mega for real must not find it switched to a toy."""
    with pytest.raises(SafetyStopError, match="alice@cloud") as refusal:
        check_profile(home.with_profile("alice@cloud.example.org"), URL, "owner")

    assert refusal.value.hint.startswith("MEGA_HOME=")


def test_a_first_run_without_a_person_generates_a_password(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given back to be shown once, and the kit is written for its owner alone."""
    used: list[Secret] = []

    def signup(_home: Home, _url: str, _account: str, password: Secret) -> object:
        used.append(password)
        return SimpleNamespace(kit_text="KIT")

    monkeypatch.setattr(first_account, "signup", signup)

    entered = enter_account(home, URL, "owner", lambda _is_new: None)

    assert used == [Secret(entered.password.encode())]
    assert entered.kit_path is not None
    assert (entered.kit_path.read_text(encoding="utf-8"), entered.kit_path.stat().st_mode & 0o777) == ("KIT", 0o600)
    assert entered.password not in repr(entered)


def test_a_password_that_was_given_is_not_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a generated one is news to its owner."""
    monkeypatch.setattr(first_account, "signup", lambda *_: SimpleNamespace(kit_text="KIT"))

    assert enter_account(home, URL, "owner", lambda _is_new: Secret(b"given")).password == ""


def test_a_signed_out_account_asks_for_its_password(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The present one, not a new one."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(first_account, "login", lambda *words: calls.append(words[1:]))

    enter_account(home.with_profile(PROFILE), URL, "owner", lambda is_new: Secret(b"new" if is_new else b"old"))

    assert calls == [(URL, "owner", Secret(b"old"))]


def test_a_signed_out_account_without_a_person_says_so(home: Home) -> None:
    """Exit 12: nothing is generated for an account that exists."""
    with pytest.raises(NotLoggedInError):
        enter_account(home.with_profile(PROFILE), URL, "owner", lambda _is_new: None)


def test_a_generated_password_has_120_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen random bytes, spelled so that people can copy them."""
    monkeypatch.setattr(randomness, "random_bytes", lambda n: bytes(range(n)))

    assert generated_password() == "aaaq-eaye-auda-ocaj-bifq-ydio"
