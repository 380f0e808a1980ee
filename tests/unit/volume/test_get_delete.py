"""`get --delete`: the folders copied to lose what the volume does not have, for good and carefully."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mega_cli.errors import MegaError
from mega_cli.localfs.folders import Folder
from mega_cli.localfs.publish import Destination
from mega_cli.localfs.surplus import delete, lying_in
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import make_folder
from mega_cli.volume.get import get
from mega_cli.volume.get_delete import LocalSurplus
from mega_cli.volume.get_write import Folders, Place
from mega_cli.volume.requests import GetOptions, MostDeleted
from tests.unit.volume.conftest import Desk, Recorder

ALL = MostDeleted(percent=100)
MIRROR = GetOptions(deletes=ALL)


@pytest.fixture
def out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store and fetch three files, then add a file, a folder and a link on the disk, all before the next run began."""
    for name in ("a", "b", "sub/c"):
        desk.file(f"src/{name}", name)
    desk.put()
    out = desk.disk / "out"
    out.mkdir()
    desk.get("/src")
    desk.file("out/src/extra", "extra")
    desk.file("out/src/more/deep/d", "d")
    desk.file("out/beside", "beside")
    desk.file("precious/p", "p")
    (out / "src/away").symlink_to(desk.disk / "precious")
    monkeypatch.setattr("mega_cli.volume.get_walk.time.time_ns", lambda: 1 << 62)
    return out


def below(folder: Path) -> list[str]:
    """List everything in a folder, links not followed."""
    return sorted(
        str(Path(top, name).relative_to(folder))
        for top, folders, files in os.walk(folder)
        for name in (*folders, *files)
    )


def test_what_the_volume_lacks_is_deleted(desk: Desk, out: Path) -> None:
    """Files, links and whole folders; what lies beside the folder stays, and so does what a link points at."""
    done = desk.get("/src", options=MIRROR)

    assert below(out) == ["beside", "src", "src/a", "src/b", "src/sub", "src/sub/c"]
    assert (desk.disk / "precious/p").read_text() == "p"
    assert (done.deleted, done.problems, done.safety_stop) == (5, (), "")


def test_without_the_option_nothing_is_deleted(desk: Desk, out: Path) -> None:
    """A plain get only adds."""
    desk.get("/src")

    assert {"src/extra", "src/away", "src/more/deep/d"} <= set(below(out))


def test_a_dry_run_tells_what_would_go(desk: Desk, out: Path) -> None:
    """Each item, children before their folder; the disk stays as it is."""
    before = below(out)
    progress = Recorder()

    done = get(desk.session, [RemotePath.parse("/src")], str(out), GetOptions(deletes=ALL, is_dry_run=True), progress)

    gone = ["/src/away", "/src/extra", "/src/more/deep/d", "/src/more/deep", "/src/more"]
    assert [path for path, outcome in progress.done if outcome == "deleted"] == gone
    assert (below(out), done.deleted) == (before, 5)


def test_what_is_excluded_stays(desk: Desk, out: Path) -> None:
    """And so do the folders above it."""
    desk.get("/src", options=GetOptions(deletes=ALL, filters=Filters.from_options(["d", "extra"])))

    assert {"src/more/deep/d", "src/extra"} <= set(below(out))
    assert "src/away" not in below(out)


def test_what_changed_since_the_run_began_stays(desk: Desk, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that appears while it runs is nobody's leftover."""
    monkeypatch.setattr("mega_cli.volume.get_walk.time.time_ns", lambda: 0)

    done = desk.get("/src", options=MIRROR)

    assert done.deleted == 0
    assert "src/extra" in below(out)


def test_another_file_system_is_not_entered(desk: Desk, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mounted in the folder is somebody else's: it stays, and so do the folders above it."""
    monkeypatch.setattr(Folder, "device", lambda _folder: -1)

    desk.get("/src", options=MIRROR)

    assert "src/more/deep/d" in below(out)
    assert "src/extra" not in below(out)


def test_an_empty_source_deletes_nothing(desk: Desk, out: Path) -> None:
    """A folder that was emptied by mistake must not empty the disk."""
    make_folder(desk.session, RemotePath.parse("/hollow"))
    desk.file("out/hollow/h", "h")

    done = desk.get("/hollow", options=MIRROR)

    assert (out / "hollow/h").exists()
    assert done.safety_stop.startswith("a source is empty")


@pytest.mark.usefixtures("out")
@pytest.mark.parametrize(
    ("most", "deleted"), [(MostDeleted(count=4), 0), (MostDeleted(count=5), 5), (MostDeleted(), 0)]
)
def test_the_most_is_kept_to(desk: Desk, most: MostDeleted, deleted: int) -> None:
    """Five of nine items would go; the default is half."""
    done = desk.get("/src", options=GetOptions(deletes=most))

    assert (done.deleted, bool(done.safety_stop)) == (deleted, not deleted)


def test_a_failed_item_deletes_nothing(desk: Desk, out: Path) -> None:
    """A file that differs is listed, and nothing is deleted."""
    desk.file("out/src/a", "other")

    done = desk.get("/src", options=MIRROR)

    assert (done.deleted, len(done.problems)) == (0, 1)
    assert (out / "src/extra").exists()


def test_the_root_is_mirrored_into_the_folder_itself(desk: Desk, out: Path) -> None:
    """The contents of / go into the destination, so it is the destination that is mirrored."""
    desk.get("/", to=out, options=MIRROR)

    assert below(out) == ["src", "src/a", "src/b", "src/sub", "src/sub/c"]


def test_a_name_that_the_disk_spells_otherwise_stays(out: Path) -> None:
    """On a disk that folds case, what the volume calls `a` is listed under its older spelling, and was just fetched."""
    (out / "src/a").rename(out / "src/A")
    place = Place((b"src",), ("files", "src"), "src/", is_new=False)
    with Destination(str(out)) as destination:
        folders = Folders(destination)
        surplus = LocalSurplus(folders, Filters(), 1 << 62)
        surplus.look(place, {b"a", b"b", b"sub"}, is_source=True)
        folders.close()

    assert [path[-1] for path in surplus.paths()] == ["away", "extra", "d", "deep", "more"]


def test_a_folder_that_became_a_link_is_not_entered(desk: Desk, out: Path) -> None:
    """Between plan and deletion somebody swaps a folder for a link: what it leads to stays."""
    with Folder.open_root(str(out / "src")) as top:
        with top.open_folder(b"more") as more:
            (deep,) = lying_in(more)
        (out / "src/more/deep/d").unlink()
        (out / "src/more/deep").rmdir()
        (out / "src/more/deep").symlink_to(desk.disk / "precious")
        with top.open_folder(b"more") as more, pytest.raises(MegaError, match="changed meanwhile"):
            delete(more, deep)

    assert (desk.disk / "precious/p").exists()


def test_what_is_fetched_beside_the_roots_contents_stays(desk: Desk, out: Path) -> None:
    """The root has nothing of that name, but the same run put it there, and a second run finds it unchanged."""
    paths = [RemotePath.parse("/"), RemotePath.parse("/src/sub")]
    for _ in range(2):
        done = get(desk.session, paths, str(out), MIRROR, Recorder())

        assert (done.problems, (out / "sub/c").exists()) == ((), True)


def test_folders_too_deep_are_listed_and_nothing_is_deleted(
    desk: Desk, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk's folders may lie deeper than any walk goes."""
    monkeypatch.setattr("mega_cli.volume.depth.MOST_FOLDERS", 2)

    done = desk.get("/src", options=MIRROR)

    assert (done.deleted, len(done.problems)) == (0, 1)
    assert (out / "src/extra").exists()
