"""Put on real folders: what reaches the volume, what is sent again, what is left out and said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError, UsageError
from mega_cli.formats.page import Entry
from mega_cli.localfs.scan import ScannedEntry
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.state.index import SourceRow
from mega_cli.volume import put_walk
from mega_cli.volume.changes import make_folder
from mega_cli.volume.put_decision import Verdict, decide
from mega_cli.volume.requests import PutOptions, PutStream
from tests.kit.memory_server import MemoryServer
from tests.kit.special_files import make_pipe, make_socket
from tests.unit.volume.conftest import LARGE, MIDDLE, Bytes, Desk

DRY = PutOptions(is_dry_run=True)


def counts(summary: object) -> tuple[int, ...]:
    """Pick what a dry run and a real run must agree on."""
    return tuple(getattr(summary, name) for name in ("new", "changed", "unchanged", "folders", "content_bytes"))


def test_everything_arrives(desk: Desk, src: Path) -> None:
    """Files of every size, empty ones, empty folders and links are there, with mode and nanosecond time."""
    (src / "small").chmod(0o640)
    summary = desk.put()
    listed = desk.ls()

    assert counts(summary) == (5, 0, 0, 3, 5 + len(MIDDLE) + len(LARGE))
    below = ("empty", "hollow", "link", "small", "sub", "sub/large", "sub/middle")
    assert list(listed) == ["src", *("src/" + name for name in below)]
    assert listed["src/small"].mode == 0o640
    assert listed["src/small"].mtime_ns == 1_600_000_000_111_222_333
    assert listed["src/sub/large"].size_bytes == len(LARGE)


def test_a_put_repeated_sends_nothing(desk: Desk, src: Path) -> None:
    """The second run reads no content, uploads nothing and commits nothing."""
    desk.put(src)
    packs, fetched = desk.server.packs, len(desk.server.fetched)
    again = desk.put(src)

    assert (again.new, again.changed, again.unchanged) == (0, 0, 5)
    assert (again.sent_bytes, again.revision) == (0, None)
    assert desk.server.packs == packs
    assert len(desk.server.fetched) == fetched


def test_without_caches_nothing_is_lost_nor_sent(desk: Desk, src: Path) -> None:
    """A device without index and pages reads again, finds everything stored, and commits nothing."""
    desk.put(src)
    desk.session = desk.another()
    again = desk.put(src)

    assert (again.unchanged, again.revision) == (5, None)
    assert again.sent_bytes == 0


def test_a_byte_in_a_large_file_sends_one_chunk(desk: Desk, src: Path) -> None:
    """Even on a device whose index is empty, the chunks under the head are not sent again."""
    desk.put(src)
    desk.session = desk.another()
    with (src / "sub/large").open("r+b") as file:
        file.seek(100)
        file.write(b"changed")
    again = desk.put(src)

    assert again.changed == 1
    assert again.sent_bytes < len(LARGE) * 0.75


def test_a_large_content_in_another_place_is_not_sent_again(desk: Desk, src: Path) -> None:
    """Content of 64 KiB or more is known by its fingerprint."""
    desk.put(src)
    desk.file("copy", LARGE)
    again = desk.put(desk.disk / "copy")

    assert again.new == 1
    assert again.sent_bytes < 100_000


def test_mode_time_and_name_alone_change_the_entry(desk: Desk, src: Path) -> None:
    """A touched file is described anew: its content is neither sent nor lost, for one chunk and for a list."""
    desk.put(src)
    before = desk.ls()
    for name in ("small", "sub/large"):
        os.utime(src / name, ns=(5, 5))
    again = desk.put(src)
    after = desk.ls()

    assert again.changed == 2
    assert again.sent_bytes < 20_000
    assert (after["src/small"].mtime_ns, after["src/sub/large"].mtime_ns) == (5, 5)
    assert after["src/small"].node_id == before["src/small"].node_id


def test_a_name_spelled_otherwise_is_stored_once(desk: Desk) -> None:
    """A decomposed name becomes composed on the disk: one change, and then none for ever."""
    decomposed = desk.file("cafe\u0301", "x")
    desk.put(decomposed, to="/")
    composed = decomposed.rename(desk.disk / "caf\u00e9")
    assert desk.put(composed).changed == 1
    assert desk.put(composed).revision is None
    assert [entry.ext for entry in desk.server.all_entries() if entry.name == "caf\u00e9"] == [{}]


def test_a_file_over_a_folder_is_listed(desk: Desk, src: Path) -> None:
    """And a folder over a file; the rest is stored."""
    desk.put(src)
    (src / "hollow").rmdir()
    desk.file("src/hollow", "now a file")
    (src / "small").unlink()
    (src / "small").mkdir()
    desk.file("src/fresh", "fresh")
    summary = desk.put(src)

    assert sorted(problem.path for problem in summary.problems) == ["/src/hollow", "/src/small"]
    assert "src/fresh" in desk.ls()


def test_what_replaces_a_file_of_another_kind_keeps_the_node(desk: Desk, src: Path) -> None:
    """A file becomes a link and a link a file in the same place."""
    desk.put(src)
    before = desk.ls()
    (src / "small").unlink()
    (src / "small").symlink_to("empty")
    (src / "link").unlink()
    desk.file("src/link", "text")
    desk.put(src)
    after = desk.ls()

    assert (after["src/small"].kind, after["src/link"].kind) == ("l", "f")
    assert after["src/small"].node_id == before["src/small"].node_id


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_special_files_are_listed(desk: Desk, src: Path) -> None:
    """A pipe and a socket are problems; nothing waits on them."""
    make_pipe(src / "pipe")
    make_socket(src / "s")
    summary = desk.put(src)

    assert {problem.path: problem.message for problem in summary.problems} == dict.fromkeys(
        ("/src/pipe", "/src/s"), "it is a device, pipe or socket"
    )
    assert summary.new == 5


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is unreadable here")
def test_an_unreadable_file_is_listed(desk: Desk, src: Path) -> None:
    """The others are stored."""
    (src / "small").chmod(0)
    (src / "hollow").chmod(0)
    summary = desk.put(src)
    (src / "hollow").chmod(0o700)

    assert [problem.path for problem in summary.problems] == ["/src/hollow", "/src/small"]


@pytest.mark.parametrize("name", ["small", "sub/large"])
def test_a_file_that_changes_while_it_is_read_is_listed(
    desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No entry pairs one version's stamps with another's bytes; the file is left out and said."""
    fstat = os.fstat
    victim = (src / name).stat().st_ino

    def touched(fd: int) -> os.stat_result:
        found = fstat(fd)
        if found.st_ino == victim:
            with (src / name).open("ab") as file:
                file.write(b"!")
        return found

    monkeypatch.setattr(os, "fstat", touched)
    summary = desk.put(src)

    assert [(problem.path, "changed while it was read" in problem.message) for problem in summary.problems] == [
        (f"/src/{name}", True)
    ]
    assert f"src/{name}" not in desk.ls()


@pytest.mark.parametrize("name", ["small", "sub/large"])
def test_a_file_that_vanishes_is_listed(desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Between the scan and the reading it is gone: a problem of that file alone."""

    def vanish(item: ScannedEntry, existing: Entry | None, row: SourceRow | None) -> Verdict:
        if item.kind == "f" and name.endswith(item.name):
            (src / name).unlink()
        return decide(item, existing, row)

    monkeypatch.setattr("mega_cli.volume.put_walk.decide", vanish)
    summary = desk.put(src)

    assert [problem.path for problem in summary.problems] == [f"/src/{name}"]


def test_a_link_that_no_page_can_hold_is_listed(desk: Desk, src: Path) -> None:
    """A target of bytes that are no text triples when it is spelled; too long is a problem, not a crash."""
    (src / "wild").symlink_to(os.fsdecode(b"\xff" * 2_000))
    (src / "tame").symlink_to(os.fsdecode(b"\xff" * 1_000))
    summary = desk.put(src)

    assert [problem.path for problem in summary.problems] == ["/src/wild"]
    assert "src/tame" in desk.ls()


def test_filters_leave_out(desk: Desk, src: Path) -> None:
    """What is excluded is neither stored nor counted."""
    summary = desk.put(src, options=PutOptions(filters=Filters.from_options(["sub/", "*mall"])))

    assert list(desk.ls()) == ["src", "src/empty", "src/hollow", "src/link"]
    assert (summary.new, summary.folders) == (2, 2)


def test_a_cache_folder_is_stored_empty(desk: Desk, src: Path) -> None:
    """--exclude-caches takes the folder and nothing in it."""
    desk.file("src/sub/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
    desk.put(src, options=PutOptions(filters=Filters.from_options(excludes_caches=True)))

    assert [name for name in desk.ls() if name.startswith("src/sub")] == ["src/sub"]


def test_a_dry_run_counts_the_same_and_changes_nothing(desk: Desk, src: Path) -> None:
    """Before the first put, after a change, and when nothing changed."""
    for change in ("first", "second", "none"):
        if change == "second":
            desk.file("src/small", "other")
            desk.file("src/more", "more")
        chain, blobs = list(desk.server.chain), list(desk.server.blobs)
        dry = desk.put(src, options=DRY)
        assert (desk.server.chain, list(desk.server.blobs), dry.sent_bytes) == (chain, blobs, 0)
        assert counts(dry) == counts(desk.put(src))


def test_one_source_takes_a_new_name(desk: Desk, src: Path) -> None:
    """A destination that does not exist becomes the source, file or folder; its parent must exist."""
    desk.put(src / "small", to="/renamed")
    desk.put(src / "sub", to="/folder")

    assert list(desk.ls()) == ["folder", "folder/large", "folder/middle", "renamed"]
    with pytest.raises(MissingItemError, match="no folder /a"):
        desk.put(src / "small", to="/a/b")


def test_several_sources_need_a_folder(desk: Desk, src: Path) -> None:
    """One that exists; a file or nothing in its place is refused before anything is read."""
    desk.put(src / "small")
    with pytest.raises(UsageError, match="is a file"):
        desk.put(src / "empty", src / "link", to="/small")
    with pytest.raises(MissingItemError, match="no folder /x"):
        desk.put(src / "empty", src / "link", to="/x")
    make_folder(desk.session, RemotePath.parse("/x"))
    desk.put(src / "empty", src / "link", to="/x")
    assert list(desk.ls("/x")) == ["empty", "link"]


def test_sources_of_one_name_are_refused(desk: Desk, src: Path) -> None:
    """One would silently take the other's place."""
    desk.file("other/small", "other")
    with pytest.raises(UsageError, match="two sources are called small"):
        desk.put(src / "small", desk.disk / "other/small")


def test_missing_sources_are_refused(desk: Desk) -> None:
    """Before anything is stored; and the whole disk too."""
    with pytest.raises(MissingItemError):
        desk.put(desk.disk / "nothing")
    with pytest.raises(UsageError, match="whole disk"):
        desk.put("/")


def test_standard_input_becomes_a_file(desk: Desk) -> None:
    """It takes the destination's name, in as many chunks as it needs, and private until somebody says otherwise."""
    desk.put(PutStream(Bytes(LARGE)), to="/stream")
    (listed,) = desk.ls().values()
    assert (listed.size_bytes, listed.mode) == (len(LARGE), 0o600)

    with pytest.raises(UsageError, match="needs a file's path"):
        desk.put(PutStream(Bytes(b"x")), to="/")


@pytest.mark.parametrize("most_ids", [1, 3, 7])
def test_checkpoints_lead_to_the_same_tree(
    desk: Desk, src: Path, server: MemoryServer, monkeypatch: pytest.MonkeyPatch, most_ids: int
) -> None:
    """A put that commits on the way, even inside nested folders, gives what one commit gives."""
    for n in range(30):
        desk.file(f"src/a{n % 4}/b{n % 3}/f{n}", f"content {n}")
    desk.put(src, to="/whole")
    monkeypatch.setattr(put_walk, "CHECKPOINT_IDS", most_ids)
    monkeypatch.setattr(put_walk, "BATCH_FILES", 2)
    monkeypatch.setattr(put_walk, "BATCHES_AHEAD", 1)
    desk.session = desk.another()  # which knows none of it
    before = server.revision
    summary = desk.put(src, to="/parts")

    def facts(path: str) -> list[tuple[object, ...]]:
        return [(i.path, i.kind, i.size_bytes, i.mode, i.mtime_ns) for i in desk.ls(path).values()]

    assert server.revision > before + 2
    assert facts("/parts") == facts("/whole")
    assert summary.new == 35
    assert len(set(server.node_ids())) == len(server.node_ids())
