"""A get that was cut goes on inside the file, whatever became of the part on the disk."""

from __future__ import annotations

import os

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.model import MIB, BlobId
from mega_cli.volume import download
from mega_cli.volume.requests import GetOptions
from tests.kit.forge import fixed
from tests.kit.memory_server import MemoryServer
from tests.unit.volume.conftest import Desk, partials

LARGE = fixed("content 1", 12 * MIB)


class _CutError(TemporaryError):
    """The connection ended for good."""


def cut_after(server: MemoryServer, blobs: int) -> None:
    """Let the server fail after so many more blobs of content."""
    left = [blobs]

    def fail(id_: BlobId) -> None:
        if len(server.blobs[id_]) > 100_000:
            left[0] -= 1
            if left[0] < 0:
                raise _CutError("cut")

    server.before_blob = fail


@pytest.fixture
def half(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Fetch a large file into `out/src` until about half of it lies in the partial file, then fail."""
    monkeypatch.setattr(download, "BATCH_REFS", 1)
    desk.file("src/large", LARGE)
    desk.put()
    (desk.disk / "out").mkdir()
    cut_after(desk.server, len(desk.server.data_ids()) // 2)
    with pytest.raises(_CutError):
        desk.get("/src", options=GetOptions(transfers=1))
    desk.server.before_blob = None
    desk.server.fetched.clear()
    return desk


def test_a_cut_get_goes_on_inside_the_file(half: Desk) -> None:
    """The partial file stays, the final name does not exist; the next run fetches the rest only."""
    (partial,) = partials(half.disk / "out/src")
    kept = partial.stat().st_size
    assert kept > 2 * MIB
    assert not (half.disk / "out/src/large").exists()
    summary = half.get("/src")

    assert summary.received_bytes < len(LARGE) - kept + MIB
    assert (half.disk / "out/src/large").read_bytes() == LARGE
    assert partials(half.disk / "out/src") == []


@pytest.mark.parametrize("damage", ["flip", "grow", "cut"])
def test_a_damaged_partial_file_is_mended_by_the_same_run(half: Desk, damage: str) -> None:
    """Whatever became of the part on the disk, the run fetches what it needs and the result is whole."""
    (partial,) = partials(half.disk / "out/src")
    with partial.open("r+b") as file:
        if damage == "flip":
            file.write(b"?")
        elif damage == "grow":
            file.seek(0, os.SEEK_END)
            file.write(b"?" * len(LARGE))
        else:
            file.truncate(1_000)
    summary = half.get("/src")

    assert (summary.new, summary.problems) == (1, ())
    assert (half.disk / "out/src/large").read_bytes() == LARGE
    assert partials(half.disk / "out/src") == []


def test_a_partial_file_that_is_whole_already_gets_its_name(half: Desk) -> None:
    """A run that was cut between the last byte and the name needs no content."""
    (partial,) = partials(half.disk / "out/src")
    partial.write_bytes(LARGE)
    summary = half.get("/src")

    assert (half.disk / "out/src/large").read_bytes() == LARGE
    assert summary.received_bytes == 0


def test_other_content_does_not_go_on_from_the_partial_file(half: Desk) -> None:
    """The file changed in the volume meanwhile: the new content arrives whole."""
    half.file("src/large", LARGE[::-1])
    half.put()
    half.get("/src")

    assert (half.disk / "out/src/large").read_bytes() == LARGE[::-1]
