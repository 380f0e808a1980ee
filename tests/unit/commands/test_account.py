"""The commands for the account: what they ask of the services, and where secrets go."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from mega_cli.account import AccountSummary
from mega_cli.account.connection import Place
from mega_cli.errors import NotLoggedInError
from mega_cli.model import Network, Secret
from mega_cli.state.kit_file import KitFile
from mega_cli.volume.progress import Progress
from tests.unit.commands.conftest import Run

KIT = "RECOVERY KIT\nXXXX-YYYY\n"
SESSION = SimpleNamespace(account="alice", origin="https://h", device_name="desk")
ALICE = ("alice", "--server", "https://h")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[object, ...]]:
    """Have the account's services note their calls, in a folder of their own."""
    calls: list[tuple[object, ...]] = []

    def prepare(*words: object, on_wait: object, **options: object) -> object:
        assert on_wait
        calls.append((*words, options))
        return SimpleNamespace(kit_text=KIT)

    def complete(_home: object, _prepared: object, _password: Secret, kit: KitFile, **options: object) -> object:
        kit.keep(KIT)
        calls.append((options["device_name"],))
        return SESSION

    def login(_home: object, *words: object, on_wait: object, **options: object) -> object:
        assert on_wait
        calls.append((*words, options))
        return SESSION

    monkeypatch.setattr("mega_cli.commands.signup.prepare_signup", prepare)
    monkeypatch.setattr("mega_cli.commands.signup.complete_signup", complete)
    monkeypatch.setattr("mega_cli.commands.login.login_at", login)
    monkeypatch.setattr("mega_cli.commands.login.account_fingerprint", lambda _session: ("abandon", "zoo"))
    monkeypatch.setenv("MEGA_PASSWORD", "open sesame")
    monkeypatch.chdir(tmp_path)
    return calls


def test_signup_writes_the_kit_for_its_owner_alone(asked: list[tuple[object, ...]], run: Run, tmp_path: Path) -> None:
    """0600, and its path is the result; the kit itself is printed nowhere."""
    ran = run("signup", *ALICE)

    kit = tmp_path / "mega-recovery-kit-alice.txt"
    assert (ran.code, ran.out) == (0, f"recovery kit: {kit}\n")
    assert (kit.read_text(encoding="utf-8"), kit.stat().st_mode & 0o777) == (KIT, 0o600)
    assert "XXXX" not in ran.out + ran.err
    assert asked[0][:3] == ("https://h", "alice", Secret(b"open sesame"))


def test_signup_passes_its_options_on(
    asked: list[tuple[object, ...]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The invitation is a secret, so it comes from a file or a variable."""
    monkeypatch.setenv("MEGA_INVITE", "one-two")

    run("signup", *ALICE, "--device-name", "desk", "--insecure-http")

    assert asked[0][3] == {"invite": "one-two", "has_account_key": False, "network": Network(insecure_http=True)}
    assert asked[1] == ("desk",)


def test_an_invitation_may_come_from_standard_input(asked: list[tuple[object, ...]], run: Run) -> None:
    """`-` for scripts."""
    run("signup", *ALICE, "--invite-file", "-", stdin=b"three-four\n")

    options = asked[0][3]
    assert isinstance(options, dict)
    assert options["invite"] == "three-four"


def test_a_kit_never_replaces_a_file(asked: list[tuple[object, ...]], run: Run, tmp_path: Path) -> None:
    """It may be the only copy of another kit; no account is made either."""
    kit = tmp_path / "mega-recovery-kit-alice.txt"
    kit.write_text("precious", encoding="utf-8")

    ran = run("signup", *ALICE)

    assert (ran.code, kit.read_text(encoding="utf-8"), asked) == (2, "precious", [])
    assert "its account may exist: mega login alice --server https://h;" in ran.err


@pytest.mark.usefixtures("asked")
def test_an_interrupted_signup_says_how_to_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after the kit was written: the account may have been made."""

    def interrupt(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("mega_cli.commands.signup.complete_signup", interrupt)

    ran = run("signup", *ALICE)

    assert ran.code == 130
    assert "see: mega login alice --server https://h" in ran.err


def test_login_passes_its_options_on(
    asked: list[tuple[object, ...]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server and account may come from variables."""
    monkeypatch.setenv("MEGA_SERVER", "https://h")
    monkeypatch.setenv("MEGA_ACCOUNT", "alice")

    ran = run("login", "--connect-to", "http://127.0.0.1:1")

    place = Place("alice", "https://h", "alice@h", "http://127.0.0.1:1", Network())
    assert asked == [(place, Secret(b"open sesame"), {"account_key": None, "device_name": ""})]
    assert (ran.code, ran.out) == (0, "")


def test_login_without_words_is_for_the_last_account(
    asked: list[tuple[object, ...]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the hint `mega login` works as printed."""
    place = Place("alice", "https://h", "alice@h", "https://h")
    monkeypatch.setattr("mega_cli.commands.login.known_place", lambda _home, _connect_to, _network: place)

    assert run("login").code == 0
    assert asked[0][0] == place


@pytest.mark.parametrize("words", [("alice",), ("--server", "https://h")])
def test_half_of_an_account_is_no_account(asked: list[tuple[object, ...]], run: Run, words: tuple[str, ...]) -> None:
    """Name and server are never mixed with those of before."""
    assert (run("login", *words).code, asked) == (2, [])


def test_login_without_words_on_a_new_device_says_so(run: Run) -> None:
    """Exit 10."""
    assert run("login").code == 10


@pytest.mark.usefixtures("asked")
def test_login_for_programs_says_who_is_in(run: Run) -> None:
    """One document."""
    assert run("login", *ALICE, "--json").document == {
        "account": "alice",
        "server": "https://h",
        "device": "desk",
        "fingerprint": "abandon zoo",
    }


@pytest.mark.usefixtures("asked")
def test_login_shows_what_the_recovery_kit_must_show(run: Run) -> None:
    """A server that swapped the account's keys cannot swap the paper."""
    assert "recovery kit must show as well: abandon zoo" in run("login", *ALICE).err


def test_logout_signs_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call, one note; and what it waits for is said."""

    def logout(_home: object, progress: Progress) -> None:
        progress.waiting("the server is slow")

    monkeypatch.setattr("mega_cli.commands.logout.logout", logout)

    ran = run("logout")

    assert (ran.code, ran.out) == (0, "")
    assert "the server is slow" in ran.err
    assert "signed out" in ran.err


@pytest.fixture
def _summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the account be known."""
    words = tuple(f"w{n}" for n in range(12))
    info = AccountSummary("alice", "https://h", "http://127.0.0.1:1", "desk", 2**30, 2**20, words)
    monkeypatch.setattr("mega_cli.commands.whoami.open_session", lambda _home: SESSION)
    monkeypatch.setattr(
        "mega_cli.commands.whoami.account_info", lambda _session, progress: [progress.waiting("slow"), info][1]
    )


@pytest.mark.usefixtures("_summary")
def test_whoami_shows_the_account(run: Run) -> None:
    """Account, server and how it is reached, device, use, fingerprint; what it waits for goes to stderr."""
    ran = run("whoami")

    assert "slow" in ran.err
    assert ran.out.splitlines() == [
        "account      alice",
        "server       https://h (reached at http://127.0.0.1:1)",
        "profile      ",
        "device       desk",
        "used         1.0 MiB of 1.0 GiB",
        "fingerprint  w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11",
    ]


@pytest.mark.usefixtures("_summary")
def test_whoami_for_programs_has_bytes(run: Run) -> None:
    """One document."""
    document = run("whoami", "--json").document

    assert (document["account"], document["quota_bytes"], document["used_bytes"]) == ("alice", 2**30, 2**20)


def test_a_session_that_ended_is_exit_code_twelve(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the hint says how to come back."""

    def ended(_home: object) -> object:
        raise NotLoggedInError("this device is not logged in", "log in: mega login")

    monkeypatch.setattr("mega_cli.commands.whoami.open_session", ended)

    ran = run("--json", "whoami")

    assert (ran.code, json.loads(ran.err)["hint"]) == (12, "log in: mega login")
