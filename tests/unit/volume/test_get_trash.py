"""The full export: everything the volume shows, and the trash beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import UsageError
from mega_cli.formats.page import EXT_RAW_NAME
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import remove
from mega_cli.volume.requests import GetOptions
from mega_cli.volume.trash import list_trash
from tests.kit.forge import entry
from tests.unit.volume.conftest import Desk
from tests.unit.volume.test_trash import plant

WITH_TRASH = GetOptions(with_trash=True)


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Store /kept/file and /.hidden; remove /gone/deep/file with its folder, and /lost twice."""
    desk.file("kept/file", "kept")
    desk.file(".hidden", "hidden")
    desk.file("gone/deep/file", "gone")
    desk.put(desk.disk / "kept", desk.disk / ".hidden", desk.disk / "gone")
    remove(desk.session, [RemotePath.parse("/gone")], is_recursive=True)
    for content in ("first", "second"):
        desk.put(desk.file("lost", content))
        remove(desk.session, [RemotePath.parse("/lost")])
    return desk


def files_below(folder: Path) -> dict[str, str]:
    """Read every file below a folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_left_out(full: Desk, *, exists: bool) -> None:
    """Into a folder that exists and as one that does not: what is shown, and each entry of the trash apart."""
    out = full.disk / "out"
    if exists:
        out.mkdir()
    ends = {"gone": "/deep/file", "lost": ""}
    names = [found.entry.name for found in list_trash(full.session)]
    in_trash = {f".trash/{name}{ends[name[-4:]]}" for name in names}
    summary = full.get("/", options=WITH_TRASH)

    found = files_below(out)
    assert (summary.new, summary.problems) == (5, ())
    assert found.keys() == {"kept/file", ".hidden", *in_trash}
    assert sorted(found.values()) == ["first", "gone", "hidden", "kept", "second"]


def test_a_file_called_like_the_trash_keeps_its_name(full: Desk) -> None:
    """The trash takes the next free one."""
    full.put(full.file(".trash", "mine"))
    (full.disk / "out").mkdir()
    full.get("/", options=WITH_TRASH)

    assert (full.disk / "out/.trash").read_text() == "mine"
    assert len(list((full.disk / "out/.trash-2").iterdir())) == 3


def test_without_the_root_there_is_no_trash(full: Desk) -> None:
    """A folder has none of its own."""
    with pytest.raises(UsageError, match="whole volume"):
        full.get("/kept", options=WITH_TRASH)


def test_without_the_option_there_is_no_trash(full: Desk) -> None:
    """The default is what people see."""
    full.get("/", options=GetOptions())

    assert sorted(files_below(full.disk / "out")) == [".hidden", "kept/file"]


@pytest.mark.parametrize("raw", [b"../escaped", b"/tmp/escaped", b"..", b"a/../../escaped"])
def test_a_name_in_the_trash_cannot_escape(full: Desk, raw: bytes) -> None:
    """A forged disk name is not honoured: the entry goes by its checked name, inside."""
    plant(full, entry("planted", ext={EXT_RAW_NAME: raw}))
    before = {path for path in full.folder.rglob("*") if "out" not in path.parts}
    (full.disk / "out").mkdir()
    full.get("/", options=WITH_TRASH)

    assert (full.disk / "out/.trash/planted").is_file()
    assert not Path("/tmp/escaped").exists()
    assert set(full.disk.iterdir()) - before == {full.disk / "out"}
