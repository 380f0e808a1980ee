"""Get beside somebody who writes the same files: what it did not expect in a place is left as it is, and listed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mega_cli.model import MIB
from mega_cli.paths.names import text_from_disk
from mega_cli.volume.get_write import FileWriter, Job
from mega_cli.volume.requests import GetOptions, Overwrite, PutStream
from tests.kit.forge import fixed
from tests.unit.volume.conftest import Bytes, Desk

LARGE = fixed("content 1", 6 * MIB)


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on a disk with hard links, and on one without, such as FAT."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


def write_meanwhile(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let a user write `path` when its content has arrived and its name is still to be given."""
    take = FileWriter.take

    def late(writer: FileWriter, job: Job, plain: bytes) -> bool:
        path.write_text("written meanwhile")
        return take(writer, job, plain)

    monkeypatch.setattr(FileWriter, "take", late)


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("data", [b"remote", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("there", "overwrite"), [(False, "refuse"), (False, "always"), (True, "always"), (True, "if-changed")]
)
def test_a_file_written_meanwhile_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, data: bytes, overwrite: Overwrite, *, there: bool
) -> None:
    """It appeared, or was edited, after the get had looked: a problem of that file, and the user's bytes stay."""
    desk.put(desk.file("f", data))
    place = desk.disk / "out/f"
    desk.file("out/f", "before") if there else place.parent.mkdir()
    write_meanwhile(monkeypatch, place)
    summary = desk.get("/f", options=GetOptions(overwrite=overwrite))

    assert place.read_text() == "written meanwhile"
    assert [problem.path for problem in summary.problems] == ["/f"]
    assert "meanwhile" in summary.problems[0].message
    assert (summary.new, summary.changed) == (0, 0)


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("there", [False, True])
def test_what_nobody_touches_is_written(desk: Desk, *, there: bool) -> None:
    """Files and links, new and in place of others, and no second name of them is left."""
    desk.file("src/f", "remote")
    desk.file("src/large", LARGE)
    (desk.disk / "src/link").symlink_to("remote")
    desk.put()
    for name in ("f", "large", "link") if there else ():
        desk.file(f"out/src/{name}", "before")
    (desk.disk / "out").mkdir(exist_ok=True)
    summary = desk.get("/src", options=GetOptions(overwrite="if-changed"))
    got = desk.disk / "out/src"

    assert summary.problems == ()
    assert sorted(path.name for path in got.iterdir()) == ["f", "large", "link"]
    assert ((got / "f").read_text(), (got / "link").readlink()) == ("remote", Path("remote"))
    assert [(got / name).lstat().st_nlink for name in ("f", "large", "link")] == [1, 1, 1]


@pytest.mark.usefixtures("disk")
def test_two_names_that_this_disk_takes_for_one_are_listed(desk: Desk) -> None:
    """An escaped name and its plain twin meet in a folder that the get makes: the second is a problem, not a victim."""
    plain = "\uf74dfoo"
    escaped = text_from_disk(plain.encode())
    assert escaped != plain
    desk.file("x/other", "other")
    desk.put(desk.disk / "x")
    for name, data in {escaped: b"first", plain: b"second"}.items():
        desk.put(PutStream(Bytes(data)), to=f"/x/{name}")
    summary = desk.get("/x", to=desk.disk / "out")

    assert (summary.new, len(summary.problems)) == (2, 1)
    assert len(list((desk.disk / "out").iterdir())) == 2
