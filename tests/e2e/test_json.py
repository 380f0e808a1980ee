"""What `--json` prints, by every command, over a real server, held to the tables of `docs/json.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mega_cli.main import COMMANDS
from tests.house.make_docs import with_subcommands
from tests.kit.device import Device, Ran
from tests.kit.json_shapes import SECTIONS, mistakes
from tests.kit.server import LiveServer

PASSWORD = "a long password of many words 77"
QUERIES = [
    ("whoami", "whoami"),
    ("whoami", "whoami --all"),
    ("state", "state"),
    ("trust", "trust"),
    ("trust show", "trust show"),
    ("sessions", "sessions"),
    ("sessions ls", "sessions ls"),
    ("doctor", "doctor"),
    ("doctor", "doctor --report"),
    ("ls", "ls -r /"),
    ("ls", "ls /src/a.txt"),
    ("tree", "tree /"),
    ("find", "find / --name *.txt"),
    ("du", "du /"),
    ("du", "du -s /src/a.txt"),
    ("df", "df"),
    ("trash", "trash"),
    ("trash ls", "trash ls"),
    ("share", "share --note why --max-downloads 3 /src"),
    ("share", "share --expire never --live /src/a.txt"),
    ("shares", "shares"),
    ("shares ls", "shares ls -l --older-than 1s"),
    ("completion", "completion bash"),
    ("config", "config"),
    ("config show", "config show put"),
    ("config set", "config set get.exclude a b"),
    ("config edit", "config edit"),
    ("config unset", "config unset get.exclude"),
    ("syncs", "syncs"),
    ("syncs ls", "syncs ls"),
    ("conflicts", "conflicts"),
    ("conflicts ls", "conflicts ls"),
    ("held", "held"),
    ("held ls", "held ls"),
    ("why", "why {disk}/synced/a.txt"),
    ("status", "status"),
    ("status", "status {disk}/synced/a.txt"),
    ("daemon", "daemon"),
    ("daemon status", "daemon status"),
    ("autostart", "autostart"),
    ("autostart status", "autostart status"),
    ("trash ls", "trash ls --local"),
    ("bwlimit", "bwlimit"),
    ("bwlimit", "bwlimit 1M:off"),
]
CHANGES = [
    ("mkdir", "mkdir -p /made/below"),
    ("cp", "cp /src/a.txt /made/copy"),
    ("mv", "mv /made/copy /made/moved"),
    ("rm", "rm -r /made"),
    ("rm", "rm -n /src/a.txt"),
    ("trash restore", "trash restore /made"),
    ("trash empty", "trash empty -y"),
    ("put", "put -v {disk}/src /again"),
    ("put", "put -n {disk}/src /other"),
    ("get", "get -v / {disk}/out"),
    ("get", "get --overwrite never --with-trash / {disk}/out"),
    ("sync", "sync --once -n {disk}/out /out"),
    ("sync", "sync --once -v {disk}/out /out"),
    ("syncs plan", "syncs plan {disk}/out"),
    ("syncs rm", "syncs rm {disk}/out"),
]
ELSEWHERE = {
    "signup",
    "login",
    "passwd",
    "recover",
    "sessions kill",
    "delete-account",
    "trust accept",
    "quickstart",
} | {
    "shares edit",
    "shares log",
    "shares revoke",
    "import",
    "conflicts resolve",  # test_sync_decisions.py
    "held approve",
    "held reject",
    "autostart on",  # it would change this machine: tests/unit/daemon/test_autostart.py
    "autostart off",
    "daemon start",  # below
    "daemon stop",
    "daemon logs",
    "syncs pause",
    "syncs resume",
    "syncs now",
    "syncs verify",
}
SILENT = {"logout", "cat", "daemon run"}


class Bench:
    """A server and a device that is signed in, with a folder on its disk."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.disk = folder
        self.device = Device(folder / "home")
        self.password = ("--password-file", str(folder / "password"))
        (folder / "password").write_text(PASSWORD)

    def run(self, words: str) -> Ran:
        """Run a command with `--json`; `{disk}` is the folder."""
        return self.device.mega(*(word.format(disk=self.disk) for word in words.split()), "--json")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Sign up, store three files and a link, and remove one."""
    folder = tmp_path_factory.mktemp("json")
    with LiveServer(folder / "server") as server:
        made = Bench(folder, server.url)
        told = ("--server", made.url, *made.password)
        ran = made.device.mega("signup", *told, "--recovery-kit", str(folder / "kit"), "alice", "--json")
        check("signup", ran, 0)
        (folder / "src/below").mkdir(parents=True)
        for name in ("a.txt", "b.txt", "below/c.txt"):
            (folder / "src" / name).write_text(name)
        (folder / "src/link").symlink_to("a.txt")
        assert made.device.mega("put", str(folder / "src"), "/").code == 0
        assert made.device.mega("rm", "/src/b.txt").code == 0
        assert made.device.mega("sync", "--once", str(folder / "synced"), "/src").code == 0
        yield made


def documents(ran: Ran) -> list[Any]:
    """Read the lines of stdout."""
    return [json.loads(line) for line in ran.out.decode().splitlines()]


def check(words: str, ran: Ran, code: int) -> None:
    """Hold every document to the section of the command; a failure's last words are an `exit_error`."""
    assert ran.code == code, ran.err
    section = SECTIONS[f"mega {words}"]
    found = documents(ran)
    assert [mistake for document in found for mistake in mistakes(document, f"mega {words}")] == []
    assert section.lines or len(found) == 1
    if section.lines:
        assert mistakes(found[-1], section.lines[-1]) == []
    if code and ran.err:
        assert mistakes(json.loads(ran.err.splitlines()[-1]), "exit_error") == []


@pytest.mark.parametrize(("words", "called"), QUERIES, ids=[called for _, called in QUERIES])
def test_a_query_prints_one_documented_document(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, words: str, called: str
) -> None:
    """Every field that is documented and no other."""
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    check(words, bench.run(called), 0)


def test_changes_print_documented_lines(bench: Bench) -> None:
    """One after the other, on one tree: each line is a documented message and the last one the summary."""
    for words, called in CHANGES:
        check(words, bench.run(called), 0)


def test_what_fails_is_a_documented_line(bench: Bench) -> None:
    """An `error` line for the item, and an `exit_error` on stderr."""
    (bench.disk / "differs").mkdir()
    (bench.disk / "differs/a.txt").write_text("other")
    ran = bench.run("get /src/a.txt {disk}/differs")
    check("get", ran, 3)

    assert [line["message_type"] for line in documents(ran)] == ["error", "summary"]


def test_a_missing_path_is_a_documented_error(bench: Bench) -> None:
    """On stderr alone."""
    ran = bench.run("ls /nothing")

    assert (ran.code, ran.out) == (4, b"")
    assert mistakes(json.loads(ran.err), "exit_error") == []


def test_the_life_of_an_account_prints_documented_documents(bench: Bench, tmp_path: Path) -> None:
    """Another account from beginning to end, on two devices."""
    told = ("--server", bench.url, *bench.password)
    first, second = Device(tmp_path / "first"), Device(tmp_path / "second")
    new = tmp_path / "new"
    new.write_text(PASSWORD + " new")
    kit = tmp_path / "kit"
    assert first.mega("signup", *told, "--recovery-kit", str(kit), "bob", "--json").code == 0
    check("login", second.mega("login", *told, "bob", "--json"), 0)
    sessions = documents(first.mega("sessions", "--json"))[0]["sessions"]
    (other,) = [session["id"] for session in sessions if not session["is_current"]]
    check("sessions kill", first.mega("sessions", "kill", other, "--json"), 0)
    check("passwd", first.mega("passwd", *bench.password, "--new-password-file", str(new), "--json"), 0)
    newer = ("--new-password-file", str(tmp_path / "newer"), "--recovery-kit", str(tmp_path / "kit2"))
    (tmp_path / "newer").write_text(PASSWORD + " newer")
    check("recover", second.mega("recover", "bob", *told[:2], "--kit-file", str(kit), *newer, "--json"), 0)
    check("trust accept", second.mega("trust", "accept", "-y", "--json"), 0)
    check("delete-account", second.mega("delete-account", "bob", "--password-file", newer[1], "-y", "--json"), 0)


def test_the_life_of_a_link_prints_documented_documents(bench: Bench) -> None:
    """Made, listed and fetched by a visitor, imported, changed, logged and ended."""
    (made,) = documents(bench.run("share /src/a.txt"))
    link = made["url"]
    check("ls", bench.run(f"ls {link}"), 0)
    check("get", bench.run(f"get {link} {{disk}}/linked"), 0)
    check("import", bench.run(f"import {link} /imported.txt"), 0)
    check("shares log", bench.run(f"shares log {made['id']}"), 0)
    check("shares edit", bench.run(f"shares edit {made['id']} --note new --expire 2d"), 0)
    check("shares edit", bench.run(f"shares edit {made['id']} --password-file {{disk}}/password"), 0)
    check("shares revoke", bench.run("shares revoke --path /src"), 0)


def test_the_life_of_a_daemon_prints_documented_documents(bench: Bench) -> None:
    """It is started for a pair, is asked and steered, and stops."""
    begun = bench.run("sync {disk}/kept /kept")
    try:
        assert [mistakes(document, "begun") for document in documents(begun)] == [[]], begun.err
        check("daemon start", bench.run("daemon start"), 0)
        for words in (
            "syncs pause",
            "syncs resume",
            "syncs now",
            "syncs verify",
            "syncs ls",
            "status",
            "daemon status",
        ):
            check(words, bench.run(words), 0)
        check("daemon logs", bench.run("daemon logs"), 0)
    finally:
        check("daemon stop", bench.run("daemon stop"), 0)
    check("status", bench.run("status"), 1)
    check("syncs rm", bench.run("syncs rm {disk}/kept"), 0)


def test_a_quickstart_prints_documented_steps(bench: Bench, tmp_path: Path) -> None:
    """A server, an account, a folder stored and compared."""
    ran = Device(tmp_path / "home").run("quickstart", "--json", str(bench.disk / "src"))
    check("quickstart", ran, 0)

    steps = [line["action"] for line in documents(ran) if line["message_type"] == "verbose"]
    assert steps == ["entered", "stored", "listed", "compared", "mirrored", "suggested"]


def test_every_command_is_documented_and_run() -> None:
    """A new command needs a section, and a line in one of the lists above."""
    every = set(with_subcommands(name for section in COMMANDS.values() for name in section))
    run = {words for words, _ in (*QUERIES, *CHANGES)}

    assert {name.removeprefix("mega ") for name in SECTIONS if name.startswith("mega ")} == every
    assert run | ELSEWHERE | SILENT == every


@pytest.mark.parametrize(
    ("document", "mistake"),
    [
        ({}, "lacks ended"),
        ({"ended": ["a"], "more": 1}, "has more"),
        ({"ended": [1]}, "is not list of text"),
        ({"ended": "a"}, "is not list of text"),
    ],
)
def test_a_document_that_differs_is_found(document: dict[str, object], mistake: str) -> None:
    """The check itself can fail."""
    assert mistake in mistakes(document, "mega sessions kill")[0]
