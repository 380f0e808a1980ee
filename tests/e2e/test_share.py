"""Journeys of links with real processes over a real server: from one machine to another that has no account."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.model import MIB
from tests.kit.device import Device, Ran
from tests.kit.server import LiveServer

PASSWORD = "a long password of many words 77"
SIZE = 8 * MIB


@dataclass
class Bench:
    """A server, the machine of who shares, and one that has no account."""

    server: LiveServer
    alice: Device
    stranger: Device
    folder: Path

    def ok(self, *words: str) -> str:
        """Run a command of who shares, to a good end."""
        ran = self.alice.run(*words)
        assert ran.code == 0, ran.err
        return ran.out.decode().strip()

    def visit(self, link: str, *words: str) -> Ran:
        """Run a command on the other machine, the link in its variable."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEGA_LINK", link)
            return self.stranger.run(*words)

    def names(self, link: str) -> set[str]:
        """List what a link shows."""
        ran = self.visit(link, "ls", "-r", "link:")
        assert ran.code == 0, ran.err
        return set(ran.out.decode().split())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, Device]]:
    """Start a server and sign up."""
    folder = tmp_path_factory.mktemp("share")
    (folder / "password").write_text(PASSWORD)
    with LiveServer(folder / "server") as server:
        alice = Device(folder / "alice")
        told = ("--server", server.url, "--password-file", str(folder / "password"))
        ran = alice.mega("signup", *told, "--recovery-kit", str(folder / "kit"), "alice")
        assert ran.code == 0, ran.err
        yield server, alice


@pytest.fixture
def bench(running: tuple[LiveServer, Device], tmp_path: Path) -> Iterator[Bench]:
    """Store `/docs` anew: two small files, a large one and a symbolic link."""
    server, alice = running
    made = Bench(server, alice, Device(tmp_path / "stranger"), tmp_path)
    source = tmp_path / "docs"
    (source / "below").mkdir(parents=True)
    (source / "one.txt").write_text("one")
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    (source / "below" / "large.bin").write_bytes(os.urandom(SIZE))
    (source / "link").symlink_to("one.txt")
    made.ok("put", str(source), "/")
    yield made
    alice.mega("shares", "revoke", "--all", "-y")
    alice.mega("rm", "-r", "/docs", "/papers")


def test_a_folder_comes_to_a_machine_without_an_account(bench: Bench) -> None:
    """One line is printed; with it everything comes, byte for byte, with modes and links."""
    link = bench.ok("share", "/docs")
    assert link.startswith(f"{bench.server.url}/s/")
    assert "\n" not in link

    ran = bench.visit(link, "get", "link:", str(bench.folder / "out"))

    assert ran.code == 0, ran.err
    for name in ("one.txt", "run.sh", "below/large.bin"):
        came, was = bench.folder / "out" / name, bench.folder / "docs" / name
        assert (came.read_bytes(), came.stat().st_mode, came.stat().st_mtime_ns) == (
            was.read_bytes(),
            was.stat().st_mode,
            was.stat().st_mtime_ns,
        )
    assert (bench.folder / "out" / "link").readlink() == Path("one.txt")


def test_part_of_a_link_is_fetched_with_the_options_of_get(bench: Bench) -> None:
    """A path below it, filters, a dry run; several links at once need a folder."""
    link, other = bench.ok("share", "/docs"), bench.ok("share", "/docs/one.txt")
    out = bench.folder / "out"
    out.mkdir()

    assert bench.visit(link, "get", "-n", "link:", str(out)).code == 0
    assert list(out.iterdir()) == []
    assert bench.visit(link, "get", "--exclude", "*.bin", "link:/below", str(out)).code == 0
    assert list((out / "below").iterdir()) == []
    assert bench.stranger.run("get", f"{link}:/run.sh", other, str(out)).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["below", "one.txt", "run.sh"]
    assert bench.stranger.run("get", link, other, str(out / "none")).code == 2
    assert bench.visit(link, "cat", "link:/one.txt").out == b"one"


def test_a_live_link_follows_and_a_frozen_one_stays(bench: Bench) -> None:
    """An edit, a rename, a removal, an empty trash, and a way back from it."""
    live, frozen = bench.ok("share", "/docs"), bench.ok("share", "--frozen", "/docs")
    before = bench.names(frozen)
    (bench.folder / "new.txt").write_text("new")
    bench.ok("put", str(bench.folder / "new.txt"), "/docs")
    bench.ok("mv", "/docs", "/papers")
    assert bench.names(live) == before | {"new.txt"}
    bench.ok("rm", "-r", "/papers")
    assert bench.visit(live, "ls", "link:").code == 4
    bench.ok("trash", "restore", "/papers")
    assert bench.names(live) == before | {"new.txt"}
    bench.ok("rm", "-r", "/papers")
    bench.ok("trash", "empty", "-y")

    assert bench.names(frozen) == before
    assert bench.visit(live, "ls", "link:").code == 4


def test_a_link_with_a_password(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Needed by the visitor; given later it makes another link; the account's own password is not taken for it."""
    (bench.folder / "secret").write_text("open sesame\n")
    monkeypatch.setenv("MEGA_PASSWORD_FILE", str(bench.folder / "none"))
    open_link = bench.ok("share", "/docs/one.txt")
    link = bench.ok("shares", "edit", open_link, "--password-file", str(bench.folder / "secret"))

    assert bench.visit(open_link, "cat", "link:").code == 4
    assert bench.visit(link, "cat", "link:").code == 2
    assert bench.visit(link, "cat", "link:", "--link-password-file", str(bench.folder / "secret")).out == b"one"
    (bench.folder / "secret").write_text("another\n")
    assert bench.visit(link, "cat", "link:", "--link-password-file", str(bench.folder / "secret")).code == 12


def test_what_was_shared_is_listed_limited_and_ended(bench: Bench) -> None:
    """Counts, a limit, the log; revoked it is gone, with exit 4 and 410."""
    link = bench.ok("share", "--max-downloads", "1", "--note", "for Bob", "/docs/one.txt")
    assert bench.visit(link, "cat", "link:").code == 0
    assert Device(bench.folder / "late").run("cat", link).code == 4
    assert "used-up" in (listed := bench.ok("shares"))
    assert "1 of 1" in listed
    assert "for Bob" in listed
    assert link in bench.ok("shares", "-l")
    assert len(bench.ok("shares", "log", link).splitlines()) == 1
    bench.ok("shares", "edit", link, "--max-downloads", "2")
    assert Device(bench.folder / "late").run("cat", link).code == 0

    bench.ok("shares", "revoke", "--path", "/docs")

    assert bench.visit(link, "cat", "link:").code == 4
    assert bench.ok("shares") == ""


def test_a_download_that_was_cut_goes_on_without_being_counted_again(bench: Bench) -> None:
    """Killed in the middle, run again: a limit of one opening is enough."""
    link = bench.ok("share", "--max-downloads", "1", "/docs/below/large.bin")
    out = bench.folder / "out.bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEGA_LINK", link)
        process = bench.stranger.start("get", "--bwlimit", "off:512K", "link:", str(out))
        while process.poll() is None and not list(bench.folder.glob(".*")):
            time.sleep(0.005)  # watching another process
        process.kill()
        process.communicate()
    assert not out.exists()

    assert bench.visit(link, "get", "link:", str(out)).code == 0
    assert out.read_bytes() == (bench.folder / "docs/below/large.bin").read_bytes()


def test_an_import_is_ones_own(bench: Bench) -> None:
    """Copied, it stays when the link has ended, and is never written over."""
    link = bench.ok("share", "/docs")
    bench.ok("import", link, "/mine")
    bench.ok("shares", "revoke", link)
    bench.ok("get", "/mine", str(bench.folder / "mine"))

    assert (bench.folder / "mine/below/large.bin").read_bytes() == (bench.folder / "docs/below/large.bin").read_bytes()
    assert bench.alice.run("import", link, "/mine/docs").code == 4
    bench.ok("rm", "-r", "/mine")


def test_a_server_that_is_away_when_links_are_healed_fails_no_command(bench: Bench) -> None:
    """The change stands, a note says so, and the next `mega shares` brings the link in step."""
    link = bench.ok("share", "/docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mega_cli.share.healing.heal", _away)
        ran = bench.alice.mega("mv", "/docs", "/papers")
    assert ran.code == 0
    assert "mega shares" in ran.err
    bench.ok("shares")

    assert bench.visit(link, "ls", "link:").code == 0
    assert "/papers" in bench.ok("shares")


def _away(*_arguments: object, **_named: object) -> None:
    raise TemporaryError("the server is away")
