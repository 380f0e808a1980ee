"""What a get does to the mode and time of folders: those it makes, those that were there, those of a cut run."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.model import BlobId
from mega_cli.volume.requests import GetOptions, Overwrite
from tests.unit.volume.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders have no modes there")


def stored(desk: Desk) -> Path:
    """Put a folder of mode 0555 and time 5,000 ns with one file in it; give where it will be fetched to."""
    desk.file("src/keys/new", "new")
    (desk.disk / "src/keys").chmod(0o555)
    os.utime(desk.disk / "src/keys", ns=(5_000, 5_000))
    desk.put(desk.disk / "src/keys")
    (desk.disk / "src/keys").chmod(0o755)
    return desk.disk / "out/keys"


def facts(folder: Path) -> tuple[int, int]:
    """Give mode and time."""
    info = folder.stat()
    return stat.S_IMODE(info.st_mode), info.st_mtime_ns


@pytest.mark.parametrize(
    ("overwrite", "time_ns", "is_described"),
    [
        ("refuse", 1, False),
        ("never", 1, False),
        ("always", 9_000, True),
        ("if-changed", 9_000, True),
        ("if-newer", 1, True),
        ("if-newer", 9_000, False),
    ],
)
def test_a_folder_that_was_there(desk: Desk, overwrite: Overwrite, time_ns: int, *, is_described: bool) -> None:
    """It takes mode and time only where a file would be replaced; what is fetched goes into it all the same."""
    place = stored(desk)
    place.mkdir(parents=True, mode=0o700)
    os.utime(place, ns=(time_ns, time_ns))
    desk.get("/keys", to=place.parent, options=GetOptions(overwrite=overwrite))

    assert (place / "new").read_text() == "new"
    assert (facts(place) == (0o555, 5_000)) == is_described
    assert is_described or facts(place)[0] == 0o700


def test_a_folder_that_the_run_makes_is_described(desk: Desk) -> None:
    """Even with --overwrite never."""
    place = stored(desk)
    place.parent.mkdir()
    desk.get("/keys", to=place.parent, options=GetOptions(overwrite="never"))

    assert facts(place) == (0o555, 5_000)


def test_a_cut_run_leaves_folders_that_the_next_one_can_enter(desk: Desk) -> None:
    """They have their mode, and the owner may write, because the next run finds them there and leaves them alone."""
    place = stored(desk)
    place.parent.mkdir()

    def cut(_id: BlobId) -> None:
        raise TemporaryError("cut")

    desk.server.before_blob = cut
    with pytest.raises(TemporaryError, match="cut"):
        desk.get("/keys", to=place.parent)
    assert facts(place)[0] == 0o755
    desk.server.before_blob = None
    desk.get("/keys", to=place.parent)

    assert (place / "new").read_text() == "new"
