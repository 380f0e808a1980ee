"""The commands of the account's life: what they ask of the services, what they say, and what they will not do alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mega_cli.account import Shown
from mega_cli.account.findings import Finding
from mega_cli.api.messages import SessionInfo
from mega_cli.errors import NotLoggedInError
from mega_cli.model import Pin, Secret
from tests.unit.commands.conftest import Run

SESSION = SimpleNamespace(account="alice", origin="https://h", device_name="desk")
SESSIONS = [
    SessionInfo(session_id="aa", device_name="desk", created_ms=1, used_ms=2, is_current=True),
    SessionInfo(session_id="bb", device_name="lap\x1btop", created_ms=3, used_ms=4, is_current=False),
]
PINNED, SHOWN = Shown(Pin(9, b"p" * 32), None), Shown(Pin(7, b"s" * 32), 1_000)


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[object, ...]]:
    """Have `passwd` note what it was asked, and two files hold passwords."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr("mega_cli.commands.passwd.open_session", lambda _home: SESSION)
    monkeypatch.setattr(
        "mega_cli.commands.passwd.change_password",
        lambda _home, present, new, *, keeps_sessions, on_wait: calls.append((present, new, keeps_sessions, on_wait)),
    )
    (tmp_path / "old").write_text("old one\n")
    (tmp_path / "new").write_text("new one\n")
    monkeypatch.chdir(tmp_path)
    return calls


def test_passwd_takes_two_passwords_from_two_places(changed: list[tuple[object, ...]], run: Run) -> None:
    """And says what became of the other devices; nothing on stdout."""
    ran = run("passwd", "--password-file", "old", "--new-password-file", "new", "--keep-sessions")

    assert changed[0][:3] == (Secret(b"old one"), Secret(b"new one"), True)
    assert (ran.code, ran.out, "stay signed in" in ran.err) == (0, "", True)


def test_passwd_needs_both_where_nobody_can_be_asked(
    changed: list[tuple[object, ...]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MEGA_PASSWORD is the present one alone; the hint names the options of the other."""
    monkeypatch.setenv("MEGA_PASSWORD", "old one")
    ran = run("passwd")

    assert (ran.code, changed) == (2, [])
    assert "--new-password-file" in ran.err


def test_sessions_are_a_table_without_control_characters(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's name is what somebody typed."""
    monkeypatch.setattr("mega_cli.commands.sessions.list_sessions", lambda _home, _progress: SESSIONS)
    lines = run("sessions").out.splitlines()

    assert lines[0].split() == ["id", "device", "signed", "in", "last", "used"]
    assert lines[1].startswith("aa  desk")
    assert lines[1].endswith("this device")
    assert "\x1b" not in lines[2]


def test_sessions_for_programs_carry_milliseconds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One document, names exact."""
    monkeypatch.setattr("mega_cli.commands.sessions.list_sessions", lambda _home, _progress: SESSIONS)

    assert run("sessions", "--json").document["sessions"] == [
        {"id": "aa", "device": "desk", "created_ms": 1, "used_ms": 2, "is_current": True},
        {"id": "bb", "device": "lap\x1btop", "created_ms": 3, "used_ms": 4, "is_current": False},
    ]


def test_a_session_that_is_not_there_is_exit_code_four(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are ended all the same."""
    monkeypatch.setattr("mega_cli.commands.sessions.end_sessions", lambda _home, _ids, _progress: ["cc"])
    ran = run("sessions", "kill", "bb", "cc", "--json")

    assert (ran.code, ran.document) == (4, {"ended": ["bb"]})


@pytest.mark.parametrize("words", [(), ("aa", "--others")])
def test_killing_needs_ids_or_all_others(run: Run, words: tuple[str, ...]) -> None:
    """Neither, or both, is no wish."""
    assert run("sessions", "kill", *words).code == 2


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Shown, Shown]]:
    """Have a server show another history, and note what is accepted."""
    calls: list[tuple[Shown, Shown]] = []
    monkeypatch.setattr("mega_cli.commands.trust.shown_head", lambda _home, _progress: (PINNED, SHOWN))
    monkeypatch.setattr("mega_cli.commands.trust.accept_head", lambda _home, seen, shown: calls.append((seen, shown)))
    return calls


def test_no_history_is_accepted_without_a_person(accepted: list[tuple[Shown, Shown]], run: Run) -> None:
    """Exit 2, and the hint names the revision that would be accepted."""
    ran = run("trust", "accept")

    assert (ran.code, accepted) == (2, [])
    assert "mega trust accept --to 7 --yes" in ran.err


def test_another_revision_than_the_one_named_is_not_accepted(accepted: list[tuple[Shown, Shown]], run: Run) -> None:
    """The server may show something else a moment later: exit 7."""
    assert (run("trust", "accept", "--to", "8", "--yes").code, accepted) == (7, [])


def test_what_a_person_accepts_is_pinned(accepted: list[tuple[Shown, Shown]], run: Run) -> None:
    """Both sides are told to programs."""
    ran = run("trust", "accept", "--to", "7", "--yes", "--json")

    assert (ran.code, accepted) == (0, [(PINNED, SHOWN)])
    assert ran.document["is_accepted"] is True


def test_no_account_is_deleted_without_a_person(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password alone is no wish to delete."""
    monkeypatch.setenv("MEGA_PASSWORD", "open sesame")
    monkeypatch.setattr("mega_cli.commands.delete_account.check_deletion", lambda _home, _account: "https://h")
    ran = run("delete-account", "alice")

    assert ran.code == 2
    assert "--yes" in ran.err


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Have the doctor find what the test puts here."""
    found: list[Finding] = []
    monkeypatch.setattr("mega_cli.commands.doctor.examine", lambda _home, _around: iter(found))
    return found


def test_the_doctor_says_what_mends_it(findings: list[Finding], run: Run) -> None:
    """Exit code and fix are the finding's."""
    findings.append(Finding("quota", is_well=False, summary="nearly full", fix="mega rm", detail="at h", code=8))
    ran = run("doctor")

    assert ran.code == 8
    assert ran.out.splitlines() == [
        "TROUBLE  quota        nearly full (at h)",
        "                      mend it: mega rm",
    ]


@pytest.mark.parametrize("words", [("--report",), ("--report", "--json")])
def test_a_report_holds_neither_detail_nor_fix(findings: list[Finding], run: Run, words: tuple[str, ...]) -> None:
    """They name paths and hosts."""
    findings.append(Finding("quota", is_well=False, summary="nearly full", fix="secret-fix", detail="secret-detail"))
    ran = run("doctor", *words)

    assert ran.code == 1
    assert "nearly full" in ran.out
    assert "secret" not in ran.out + ran.err


def test_a_profile_is_chosen_for_one_command_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By option or variable; the option wins and does not outlive its command line."""
    seen = []

    def look(home: object) -> object:
        seen.append(getattr(home, "wanted", ""))
        raise NotLoggedInError("this device is not logged in")

    monkeypatch.setattr("mega_cli.commands.whoami.open_session", look)
    monkeypatch.setenv("MEGA_PROFILE", "bob")
    for words in (("--profile", "carol", "whoami"), ("whoami",)):
        assert run(*words).code == 12
    assert seen == ["carol", "bob"]


def test_an_unknown_profile_says_where_the_names_are(run: Run) -> None:
    """Exit 10."""
    ran = run("--profile", "nobody", "ls")

    assert ran.code == 10
    assert "mega whoami --all" in ran.err
