"""The parts of quickstart: the sample, the port, the account's entrance, the generated password."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mega_cli.account import PreparedSignup
from mega_cli.account.connection import place_of
from mega_cli.api.messages import KdfParameters, SignupRequest
from mega_cli.crypto import randomness
from mega_cli.daemon import first_account
from mega_cli.daemon.embedded_server import EmbeddedServer
from mega_cli.daemon.first_account import (
    Entered,
    check_profile,
    enter_account,
    finish_first_run,
    generated_password,
    unfinished_run,
)
from mega_cli.daemon.sample_folder import sample_folder, sample_place
from mega_cli.errors import NotLoggedInError, PermissionRefusedError, SafetyStopError
from mega_cli.model import Secret
from mega_cli.state.kit_file import KitFile
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


def test_the_sample_lies_where_it_may_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's home, or beside the folder of mega's own files: never in it."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert sample_place({}) == tmp_path / "Mega"
    assert sample_place({"MEGA_HOME": "~/try"}) == tmp_path / "try-files"


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


REQUEST = SignupRequest(
    account="owner",
    kdf=KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=3, memory_bytes=1 << 28),
    login_key=b"l",
    recovery_key=b"r",
    password_slot=b"p",
    recovery_slot=b"q",
    idcert=b"i",
    root_record=b"o",
)


@dataclass
class Signups:
    """The signup service: notes what is posted with which password, and may be cut before or after."""

    posted: list[tuple[SignupRequest, Secret]] = field(default_factory=list)
    prepared: int = 0
    failure: BaseException | None = None

    def prepare(self, url: str, account: str, _password: Secret) -> PreparedSignup:
        """Draw an account."""
        self.prepared += 1
        return PreparedSignup(place_of(account, url), REQUEST, "KIT")

    def complete(self, _home: Home, prepared: PreparedSignup, password: Secret, kit: KitFile) -> None:
        """Post it, unless it fails."""
        kit.keep(prepared.kit_text)
        if self.failure is not None:
            raise self.failure
        self.posted.append((prepared.request, password))


@pytest.fixture
def signups(monkeypatch: pytest.MonkeyPatch) -> Signups:
    service = Signups()
    monkeypatch.setattr(first_account, "prepare_signup", service.prepare)
    monkeypatch.setattr(first_account, "complete_signup", service.complete)
    return service


def nobody(_is_new: bool) -> None:  # noqa: FBT001 -- as it is called
    """Be no person to ask."""


def test_a_first_run_without_a_person_generates_a_password(home: Home, signups: Signups) -> None:
    """It is given back to be shown once, and the kit is written for its owner alone."""
    entered = enter_account(home, URL, "owner", nobody)

    assert signups.posted == [(REQUEST, Secret(entered.password.encode()))]
    assert entered.kit_path is not None
    assert (entered.kit_path.read_text(encoding="utf-8"), entered.kit_path.stat().st_mode & 0o777) == ("KIT", 0o600)
    assert entered.password not in repr(entered) + repr(unfinished_run(home))


def test_a_password_that_was_given_is_neither_shown_nor_stored(home: Home, signups: Signups) -> None:
    """Only a generated one is news to its owner."""
    entered = enter_account(home, URL, "owner", lambda _is_new: Secret(b"given"))

    assert (entered.password, len(signups.posted)) == ("", 1)
    assert b"given" not in (home.directories.data / "first-run.json").read_bytes()


def test_a_first_run_that_was_killed_goes_on_with_the_same_account(home: Home, signups: Signups) -> None:
    """Same request, same kit, same generated password, wherever it was cut; what is stored is private."""
    signups.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        enter_account(home, URL, "owner", nobody)
    stored = unfinished_run(home)
    signups.failure = None

    entered = enter_account(home, URL, "owner", nobody)

    assert stored is not None
    assert signups.posted == [(REQUEST, Secret(stored.password.encode()))]
    assert (entered.password, signups.prepared) == (stored.password, 1)
    assert (home.directories.data / "first-run.json").stat().st_mode & 0o777 == 0o600


def test_a_first_run_cut_before_its_password_was_shown_shows_it_again(
    home: Home, signups: Signups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it was shown; then it is forgotten."""
    shown = enter_account(home, URL, "owner", nobody).password
    monkeypatch.setattr(first_account, "open_session", lambda _home: None)
    later = home.with_profile(PROFILE)

    again = enter_account(later, URL, "owner", nobody)
    finish_first_run(home)

    assert (again.password, again.is_new, len(signups.posted)) == (shown, True, 1)
    assert enter_account(later, URL, "owner", nobody) == Entered(later, is_new=False)


def test_a_cut_first_run_with_a_chosen_password_needs_it_again(home: Home, signups: Signups) -> None:
    """It was not stored, so without a person it is exit 12."""
    signups.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        enter_account(home, URL, "owner", lambda _is_new: Secret(b"chosen"))
    signups.failure = None

    with pytest.raises(NotLoggedInError, match="needed again"):
        enter_account(home, URL, "owner", nobody)
    enter_account(home, URL, "owner", lambda is_new: None if is_new else Secret(b"chosen"))

    assert signups.posted == [(REQUEST, Secret(b"chosen"))]


def test_a_cut_first_run_keeps_its_port(home: Home, signups: Signups) -> None:
    """The account is bound to it from the moment it was drawn."""
    first = EmbeddedServer(home).port
    signups.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        enter_account(home, URL, "owner", nobody)

    assert EmbeddedServer(home).port == first


def test_a_refused_first_run_leaves_nothing(home: Home, signups: Signups, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run draws a new account."""

    def refuse(_home: Home, _prepared: PreparedSignup, _password: Secret, kit: KitFile) -> None:
        kit.forget()
        raise PermissionRefusedError("closed")

    monkeypatch.setattr(first_account, "complete_signup", refuse)
    with pytest.raises(PermissionRefusedError):
        enter_account(home, URL, "owner", nobody)

    assert (unfinished_run(home), signups.posted) == (None, [])


def test_a_damaged_first_run_is_a_safety_stop(home: Home) -> None:
    """It may hold the only kit of an account, so it is not thrown away."""
    (home.directories.data / "first-run.json").write_bytes(b"{")
    with pytest.raises(SafetyStopError):
        enter_account(home, URL, "owner", nobody)


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
