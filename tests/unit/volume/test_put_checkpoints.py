"""A put of more ids than one commit should name commits on the way, whatever it does with its items."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mega_cli.model import BlobId
from mega_cli.paths.remote import RemotePath
from mega_cli.volume import put_walk
from mega_cli.volume.changes import make_folder
from mega_cli.volume.requests import PutOptions
from tests.kit.memory_server import MemoryServer
from tests.unit.volume.conftest import LARGE, Desk, age

CHECKPOINT_IDS = 10
ROOM = 25
"""What a commit adds to the ids of a checkpoint here: its own pages."""


class CountingServer(MemoryServer):
    """Keeps how many ids each commit names."""

    def __post_init__(self) -> None:
        """Begin to count."""
        super().__post_init__()
        self.named: list[int] = []

    def commit(self, record: bytes, needs: frozenset[BlobId]) -> None:
        """Count, then swap."""
        self.named.append(len(needs))
        super().commit(record, needs)


@pytest.fixture
def server() -> CountingServer:
    """Give a volume that counts."""
    return CountingServer()


@pytest.fixture
def many(desk: Desk, server: CountingServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put sixty small files, known to the index, then checkpoint after every ten ids."""
    monkeypatch.setattr("mega_cli.volume.put_read.is_racy", lambda _stamps, _now_ns: False)
    for number in range(60):
        desk.file(f"src/f{number:02}", f"content {number}")
    age(desk.disk)
    desk.put()
    monkeypatch.setattr(put_walk, "CHECKPOINT_IDS", CHECKPOINT_IDS)
    monkeypatch.setattr(put_walk, "BATCH_FILES", 1)
    monkeypatch.setattr(put_walk, "BATCHES_AHEAD", 0)
    server.named.clear()
    return desk.disk / "src"


def test_files_that_the_index_knows_are_committed_on_the_way(desk: Desk, many: Path, server: CountingServer) -> None:
    """Refs that are used again count as those of files that are read."""
    make_folder(desk.session, RemotePath.parse("/copy"))
    summary = desk.put(many, to="/copy")

    assert (summary.new, len(desk.ls("/copy"))) == (60, 61)
    assert max(server.named) <= ROOM


def test_files_that_are_only_described_are_committed_on_the_way(desk: Desk, many: Path, server: CountingServer) -> None:
    """Their closures are named, so they count."""
    shutil.copytree(many, many.parent / "other/src", copy_function=shutil.copyfile)  # with other times
    mine, desk.session = desk.session, desk.another()
    desk.put(many.parent / "other/src")
    desk.session = mine
    server.named.clear()
    summary = desk.put(many)

    assert (summary.changed, len({item.mtime_ns for item in desk.ls("/src").values()})) == (60, 1)
    assert max(server.named) <= ROOM


def test_the_pages_of_new_folders_are_committed_on_the_way(desk: Desk, many: Path, server: CountingServer) -> None:
    """Forty folders in folders, without a file."""
    for number in range(40):
        (many.parent / f"folders/{number}/below/it").mkdir(parents=True)
    desk.put(many.parent / "folders")

    assert len(desk.ls("/folders")) == 120
    assert max(server.named) <= ROOM


def test_folders_do_not_wait_behind_a_batch_that_never_fills(
    desk: Desk, many: Path, server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file that is read first must not hold the folders after it in memory until the end."""
    monkeypatch.setattr(put_walk, "STEPS_AHEAD", 5)
    desk.file("folders/0", "read")
    for number in range(1, 41):
        (many.parent / f"folders/{number}").mkdir()
        os.link(many / f"f{number:02}", many.parent / f"folders/{number}/f")
    desk.put(many.parent / "folders")

    assert len(desk.ls("/folders")) == 81
    assert max(server.named) <= ROOM


def test_what_is_pending_is_committed_before_a_large_file(
    desk: Desk, many: Path, server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose ids may not fit any more starts a commit of its own."""
    monkeypatch.setattr(put_walk, "CHECKPOINT_IDS", 20)
    monkeypatch.setattr(put_walk, "NEEDS_PER_COMMIT", 30)
    for number in range(9):
        desk.file(f"mixed/a{number}", f"other {number}")
    desk.file("mixed/large", LARGE)
    desk.put(many.parent / "mixed")

    assert len(server.named) == 2


def test_a_dry_run_makes_no_checkpoint(desk: Desk, many: Path, server: CountingServer) -> None:
    """However many refs it would use again."""
    make_folder(desk.session, RemotePath.parse("/copy"))
    server.named.clear()
    desk.put(many, to="/copy", options=PutOptions(is_dry_run=True))

    assert server.named == []
