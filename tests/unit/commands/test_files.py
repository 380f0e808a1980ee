"""The commands for files: what they ask of the services, and what they print of the answer."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from mega_cli.paths.remote import RemotePath
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import (
    ChangeSummary,
    GetOptions,
    GetSummary,
    Listed,
    Problem,
    PutOptions,
    PutStream,
    PutSummary,
    VolumeState,
)
from tests.unit.commands.conftest import FakeVolume, Run

PUT = PutSummary(new=1, changed=2, unchanged=3, folders=4, content_bytes=5000, sent_bytes=2048, problems=(), revision=9)
GET = GetSummary(new=1, changed=0, unchanged=3, folders=0, content_bytes=9, received_bytes=100, problems=())
MTIME_NS = 1_700_000_000_123_456_789
ENTRIES = (
    Listed("docs", "d", 0, MTIME_NS, 0o755, "", b"\x01" * 16),
    Listed("a\x1b[2Jb", "f", 1536, MTIME_NS, 0o640, "", b"\x02" * 16),
    Listed("now", "l", 4, MTIME_NS, 0o777, "docs", b"\x03" * 16),
)


@pytest.fixture
def puts(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have `put` note its call and report a little progress."""

    def put(
        session: FakeVolume,
        sources: list[str | PutStream],
        destination: RemotePath,
        options: PutOptions,
        progress: Progress,
    ) -> PutSummary:
        assert session.is_open
        volume.calls.append((sources, str(destination), options))
        progress.skip(4096)
        progress.file_done("a", "new")
        return PUT

    monkeypatch.setattr("mega_cli.commands.put.put", put)
    return volume


@pytest.fixture
def gets(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have `get` and `cat` note their calls."""

    def get(
        _session: FakeVolume, paths: list[RemotePath], destination: str, options: GetOptions, _progress: Progress
    ) -> GetSummary:
        volume.calls.append(([str(path) for path in paths], destination, options))
        return GET

    def cat(_session: FakeVolume, path: RemotePath, sink: BinaryIO, _progress: Progress) -> None:
        sink.write(f"<{path}>".encode())

    monkeypatch.setattr("mega_cli.commands.get.get", get)
    monkeypatch.setattr("mega_cli.commands.get.cat", cat)
    monkeypatch.setattr("mega_cli.commands.cat.cat", cat)
    return volume


@pytest.mark.parametrize(
    ("words", "sources", "destination"),
    [
        (("a",), ["a"], "/"),
        (("a", "docs"), ["a"], "/docs"),
        (("a", "b", "/docs/"), ["a", "b"], "/docs"),
        (("--", "-n", "/docs"), ["-n"], "/docs"),
    ],
)
def test_put_takes_sources_and_a_destination(
    words: tuple[str, ...], sources: list[str], destination: str, puts: FakeVolume, run: Run
) -> None:
    """The last word is the destination when there are several; alone it goes to the root; `--` ends options."""
    assert run("put", *words).code == 0

    assert puts.calls[0][:2] == (sources, destination)


def test_put_reads_standard_input(puts: FakeVolume, run: Run) -> None:
    """`-` is a stream, read by the service."""
    run("put", "-", "/notes.txt", stdin=b"milk")

    sources = puts.calls[0][0]
    assert isinstance(sources, list)
    stream = sources[0]
    assert isinstance(stream, PutStream)
    content = bytearray(9)
    assert stream.stream.readinto(memoryview(content)) == 4
    assert content[:4] == b"milk"


def test_put_passes_its_options_on(puts: FakeVolume, run: Run, tmp_path: Path) -> None:
    """Filters, file systems, compression and dry run reach the service."""
    (tmp_path / "patterns").write_text("*.log\n", encoding="utf-8")
    filters = ("--exclude", "*.tmp", "--include", "b.log", "--exclude-file", str(tmp_path / "patterns"))

    run("put", "a", *filters, "--exclude-caches", "-x", "-n", "--compression", "off")

    options = puts.calls[0][2]
    assert isinstance(options, PutOptions)
    assert (options.is_dry_run, options.compress, options.stays_on_one_filesystem) == (True, False, True)
    assert options.filters.excludes_caches
    assert [options.filters.excludes(name, False) for name in ("a.log", "b.log", "c.tmp", "d")] == [
        True,
        False,
        True,
        False,
    ]


def test_put_options_come_from_the_environment(puts: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option is MEGA_<COMMAND>_<OPTION> too."""
    monkeypatch.setenv("MEGA_PUT_DRY_RUN", "1")
    monkeypatch.setenv("MEGA_PUT_COMPRESSION", "off")

    run("put", "a")

    options = puts.calls[0][2]
    assert isinstance(options, PutOptions)
    assert (options.is_dry_run, options.compress) == (True, False)


@pytest.mark.usefixtures("puts")
def test_put_says_what_was_sent_and_skipped(run: Run) -> None:
    """The result is one line on stdout."""
    ran = run("put", "a")

    assert ran.out == "1 new, 2 changed, 3 unchanged (4.0 KiB skipped); 2.0 KiB sent\n"
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.usefixtures("puts")
def test_quiet_put_says_nothing(run: Run) -> None:
    """`-q`: success is silent."""
    assert (run("put", "-q", "a").out, run("put", "-q", "a").err) == ("", "")


@pytest.mark.usefixtures("puts")
def test_a_dry_put_lists_the_plan(run: Run) -> None:
    """The plan is the result, and its last line says that nothing was sent."""
    lines = run("put", "-n", "a").out.splitlines()

    assert lines[0] == "new       a"
    assert lines[-1].startswith("dry run: 1 new")
    assert lines[-1].endswith("nothing was sent")


@pytest.mark.usefixtures("puts")
def test_put_for_programs_ends_with_a_summary(run: Run) -> None:
    """JSON lines: an item with `-v`, then the summary with bytes."""
    item, summary = run("put", "--json", "-v", "a").documents

    assert item == {"message_type": "verbose", "action": "new", "item": "a"}
    assert summary == {
        "message_type": "summary",
        "new": 1,
        "changed": 2,
        "unchanged": 3,
        "folders": 4,
        "content_bytes": 5000,
        "sent_bytes": 2048,
        "problems": 0,
        "revision": 9,
        "deleted": 0,
        "safety_stop": "",
        "skipped_bytes": 4096,
        "dry_run": False,
    }


def test_problems_are_listed_once_and_end_with_three(
    volume: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was reported while it ran is not listed again; what was not is listed at the end."""

    def put(*arguments: object) -> PutSummary:
        progress = arguments[4]
        progress.problem("early", "gone")  # type: ignore[attr-defined]  # the fifth argument is the progress
        found = (Problem("early", "gone"), Problem("late", "a device"))
        return PutSummary(0, 0, 0, 0, 0, 0, found, None)

    monkeypatch.setattr("mega_cli.commands.put.put", put)

    ran = run("put", "a")

    assert ran.code == 3
    assert ran.err.splitlines() == [
        "mega: problem: early: gone",
        "mega: problem: late: a device",
        "mega: error: 2 items failed, listed above",
        "mega: hint: everything else is stored; mend what is listed and run the same command again",
    ]
    assert not volume.is_open


@pytest.mark.parametrize(
    ("words", "paths", "destination"),
    [(("/a",), ["/a"], "."), (("a", "here"), ["/a"], "here"), (("/a", "/b/../c", "."), ["/a", "/c"], ".")],
)
def test_get_takes_paths_and_a_destination(
    words: tuple[str, ...], paths: list[str], destination: str, gets: FakeVolume, run: Run
) -> None:
    """The last word is the destination when there are several; alone it comes to the present folder."""
    assert run("get", *words).code == 0

    assert gets.calls[0][:2] == (paths, destination)


@pytest.mark.parametrize(("words", "expected"), [((), "refuse"), (("--overwrite", "if-newer"), "if-newer")])
def test_get_refuses_to_overwrite_unless_told(
    words: tuple[str, ...], expected: str, gets: FakeVolume, run: Run
) -> None:
    """Without `--overwrite` a file that differs is left alone."""
    run("get", "/a", *words)

    options = gets.calls[0][2]
    assert isinstance(options, GetOptions)
    assert options.overwrite == expected


@pytest.mark.usefixtures("gets")
@pytest.mark.parametrize("words", [("cat", "/a", "b"), ("get", "/a", "/b", "-")])
def test_contents_go_to_stdout_and_nothing_else(words: tuple[str, ...], run: Run) -> None:
    """`cat` and `get … -` write the files' bytes one after another."""
    ran = run(*words)

    assert (ran.code, ran.out, ran.err) == (0, "</a></b>", "")


@pytest.fixture
def listings(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have `list_path` give three entries."""

    def list_path(session: FakeVolume, path: RemotePath, *, is_recursive: bool) -> Iterator[Listed]:
        assert session.is_open
        volume.calls.append((str(path), is_recursive))
        yield from ENTRIES

    monkeypatch.setattr("mega_cli.commands.ls.list_path", list_path)
    monkeypatch.setenv("TZ", "UTC")
    if sys.platform != "win32":
        time.tzset()
    return volume


def test_ls_lists_names_escaped(listings: FakeVolume, run: Run) -> None:
    """One line each; a folder ends with a slash; no control character comes through (T73)."""
    assert run("ls").out == "docs/\na\\x1b[2Jb\nnow\n"
    assert listings.calls == [("/", False)]


@pytest.mark.usefixtures("listings")
@pytest.mark.parametrize(("words", "size"), [(("-l",), "1536"), (("-lh",), "1.5K")])
def test_ls_long_shows_mode_size_time_and_target(words: tuple[str, ...], size: str, run: Run) -> None:
    """As people know it; `-h` for people's sizes."""
    folder, file, link = run("ls", *words).out.splitlines()

    assert folder == "drwxr-xr-x            - 2023-11-14 22:13 docs/"
    assert file.split() == ["-rw-r-----", size, "2023-11-14", "22:13", "a\\x1b[2Jb"]
    assert link.endswith("now -> docs")


def test_ls_for_programs_is_one_document(listings: FakeVolume, run: Run) -> None:
    """Names are exact, sizes are bytes, times have nanoseconds."""
    document = run("ls", "--json", "-r", "docs").document

    assert listings.calls == [("/docs", True)]
    assert document["path"] == "/docs"
    entries = document["entries"]
    assert isinstance(entries, list)
    assert entries[1] == {
        "path": "a\x1b[2Jb",
        "kind": "file",
        "size_bytes": 1536,
        "mtime": "2023-11-14T22:13:20Z",
        "mtime_ns": MTIME_NS,
        "mode": 0o640,
        "target": "",
        "node_id": "02" * 16,
    }


@pytest.mark.parametrize(
    ("words", "service", "expected"),
    [
        (("mkdir", "-p", "a/b"), "mkdir.make_folder", ("/a/b", {"with_parents": True})),
        (("mv", "a", "b", "c"), "mv.move", (["/a", "/b"], "/c", {})),
        (("cp", "a", "c"), "cp.copy", (["/a"], "/c", {})),
        (("rm", "-r", "a", "b"), "rm.remove", (["/a", "/b"], {"is_recursive": True})),
    ],
)
@pytest.mark.parametrize("is_dry_run", [False, True])
def test_changes_ask_one_service(
    words: tuple[str, ...],
    service: str,
    expected: tuple[object, ...],
    is_dry_run: bool,  # noqa: FBT001 -- a case
    volume: FakeVolume,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Paths are parsed at the door; a dry run says what would be done and that nothing was."""

    def change(_session: FakeVolume, *paths: object, **options: object) -> ChangeSummary:
        shown = [str(part) if isinstance(part, RemotePath) else [str(path) for path in part] for part in paths]  # type: ignore[attr-defined]  # a sequence of paths
        volume.calls.append((*shown, options))
        return ChangeSummary(items=2, revision=None if options["is_dry_run"] else 5)

    monkeypatch.setattr(f"mega_cli.commands.{service}", change)

    ran = run(*words, *(["-n"] if is_dry_run else []))

    *paths, options = expected
    assert isinstance(options, dict)
    assert volume.calls == [(*paths, options | {"is_dry_run": is_dry_run})]
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("dry run: 2 items would be " if is_dry_run else "")
    assert bool(ran.out) is is_dry_run


def test_a_verbose_change_says_what_was_done(volume: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-v` on stderr; without it success is silent."""
    monkeypatch.setattr("mega_cli.commands.rm.remove", lambda *_, **__: ChangeSummary(items=1, revision=5))

    ran = run("rm", "-v", "/a")

    assert (ran.out, ran.err) == ("", "mega: 1 item moved to the trash\n")
    assert not volume.is_open


def test_state_shows_the_words(volume: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revision, age, six words, digest."""
    words = ("apple", "bell", "cat", "dog", "egg", "fox")
    state = VolumeState(revision=7, words=words, time_ms=0, is_pinned=True, digest=b"\xab" * 32)
    monkeypatch.setattr("mega_cli.commands.state.volume_state", lambda _session: state)

    lines = run("state").out.splitlines()
    document = run("state", "--json").document

    assert lines[0] == "revision  7"
    assert "days ago" in lines[1]
    assert lines[2:] == ["words     apple bell cat dog egg fox", f"digest    {'ab' * 32}"]
    assert (document["revision"], document["words"], document["digest"]) == (7, list(words), "ab" * 32)
    assert not volume.is_open


@pytest.mark.parametrize("words", [("put", "", "/"), ("put", ""), ("get", "/a", "")])
def test_no_name_is_not_the_present_folder(run: Run, words: tuple[str, ...]) -> None:
    """An unset variable in a script must not store all that lies here, or drop everything into it."""
    ran = run(*words)
    assert (ran.code, "is empty" in ran.err) == (2, True)


def test_a_command_without_an_account_says_how_to_get_one(run: Run) -> None:
    """Exit 10 and a hint, before anything else."""
    ran = run("ls", "--json")

    failure = json.loads(ran.err)
    assert (ran.code, failure["name"]) == (10, "not_initialised")
    assert "mega signup" in failure["hint"]
