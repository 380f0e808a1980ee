"""`put --delete`: the folders copied to lose what the sources do not have, into the trash, in the same commit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mega_cli.errors import LimitError
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import make_folder, remove
from mega_cli.volume.put import put
from mega_cli.volume.requests import MostDeleted, PutOptions
from tests.kit.memory_server import MemoryServer
from tests.unit.volume.conftest import Desk, Recorder

ALL = MostDeleted(percent=100)
MIRROR = PutOptions(deletes=ALL)


@pytest.fixture
def stored(desk: Desk) -> Path:
    """Store five files in two folders, then take one file and one folder off the disk."""
    for name in ("a", "b", "c", "sub/d", "sub/e"):
        desk.file(f"src/{name}", name)
    desk.put()
    (desk.disk / "src/a").unlink()
    shutil.rmtree(desk.disk / "src/sub")
    return desk.disk / "src"


def trash(desk: Desk) -> list[str]:
    """Name what the trash of the head holds."""
    names = {entry.name for entry in desk.server.all_entries()}
    return sorted(name.rpartition("-")[2] for name in names if name.startswith("2"))


@pytest.mark.usefixtures("stored")
def test_what_the_source_lacks_goes_to_the_trash(desk: Desk, server: MemoryServer) -> None:
    """A file and a folder, in one commit with what is new; the rest stays."""
    desk.file("src/new", "new")
    before = server.revision

    done = desk.put(options=MIRROR)

    assert sorted(desk.ls("/src")) == ["b", "c", "new"]
    assert trash(desk) == ["a", "sub"]
    assert (done.deleted, done.new, server.revision) == (2, 1, before + 1)


@pytest.mark.usefixtures("stored")
def test_without_the_option_nothing_goes(desk: Desk) -> None:
    """A plain put only adds."""
    desk.put()

    assert sorted(desk.ls("/src")) == ["a", "b", "c", "sub", "sub/d", "sub/e"]


def test_only_folders_that_are_copied_are_looked_at(desk: Desk, stored: Path) -> None:
    """What lies beside the source in the volume is none of its business."""
    make_folder(desk.session, RemotePath.parse("/other"))

    desk.put(options=MIRROR)
    desk.put(stored / "b", to="/other", options=MIRROR)

    assert sorted(desk.ls("/")) == ["other", "other/b", "src", "src/b", "src/c"]


def test_each_deletion_is_told(desk: Desk, stored: Path) -> None:
    """A dry run tells the same and changes nothing."""
    told = []
    for is_dry_run in (True, False):
        progress = Recorder()
        before = desk.server.revision
        options = PutOptions(deletes=ALL, is_dry_run=is_dry_run)
        done = put(desk.session, [str(stored)], RemotePath(), options, progress)
        told.append((done.deleted, [path for path, outcome in progress.done if outcome == "deleted"]))
        assert (desk.server.revision == before) is is_dry_run

    assert told == [(2, ["/src/a", "/src/sub"])] * 2


@pytest.mark.usefixtures("stored")
def test_what_is_excluded_stays(desk: Desk) -> None:
    """And so does a folder that holds such; what else is in that folder goes."""
    options = PutOptions(deletes=ALL, filters=Filters.from_options(["a", "d"]))

    desk.put(options=options)

    assert sorted(desk.ls("/src")) == ["a", "b", "c", "sub", "sub/d"]


def test_an_empty_source_deletes_nothing(desk: Desk, stored: Path) -> None:
    """It is taken for a disk that is not mounted."""
    shutil.rmtree(stored)
    stored.mkdir()

    done = desk.put(options=MIRROR)

    assert (len(desk.ls("/src")), done.deleted) == (6, 0)
    assert done.safety_stop.startswith("a source is empty")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("most", "deleted"),
    [
        (MostDeleted(count=3), 0),
        (MostDeleted(count=4), 2),
        (MostDeleted(percent=66), 0),
        (MostDeleted(percent=67), 2),
    ],
)
def test_the_most_counts_everything_below(desk: Desk, most: MostDeleted, deleted: int) -> None:
    """Four of six entries would go: a file, a folder and two files in it."""
    done = desk.put(options=PutOptions(deletes=most))

    assert (done.deleted, bool(done.safety_stop)) == (deleted, not deleted)


def test_a_failed_item_deletes_nothing(desk: Desk, stored: Path) -> None:
    """Whatever could not be read may be why something seems to be gone."""
    (stored / "b").unlink()
    (stored / "b").mkdir()

    done = desk.put(options=MIRROR)

    assert (done.deleted, len(done.problems), len(desk.ls("/src"))) == (0, 1, 6)


@pytest.mark.usefixtures("stored")
def test_what_another_device_changed_meanwhile_stays(desk: Desk, server: MemoryServer) -> None:
    """The plan names nodes as they were seen; a folder that got a file is another one."""
    other = desk.another()
    extra = desk.file("else/f", "f")

    def act() -> None:
        put(other, [str(extra)], RemotePath.parse("/src/sub"), PutOptions(), Recorder())

    server.before_commit = act
    desk.file("src/new", "new")
    done = desk.put(options=MIRROR)

    assert sorted(desk.ls("/src")) == ["b", "c", "new", "sub", "sub/d", "sub/e", "sub/f"]
    assert done.deleted == 1


def test_two_of_one_name_both_lie_in_the_trash(desk: Desk) -> None:
    """Whatever their node_ids: the names in the trash differ by the time."""
    for name in ("keep", "x/same", "y/same"):
        desk.file(f"src/{name}", name)
    desk.put()
    for name in ("x", "y"):
        (desk.disk / f"src/{name}/same").unlink()

    desk.put(options=MIRROR)

    names = [entry.name for entry in desk.server.all_entries() if entry.name.endswith("-same")]
    assert len({name.partition("-")[0] for name in names}) == 2


@pytest.mark.usefixtures("stored")
def test_what_was_removed_already_is_no_failure(desk: Desk, server: MemoryServer) -> None:
    """Another device removed the same file a moment earlier."""
    other = desk.another()

    def act() -> None:
        remove(other, [RemotePath.parse("/src/a")])

    server.before_commit = act
    desk.file("src/new", "new")

    desk.put(options=MIRROR)

    assert sorted(desk.ls("/src")) == ["b", "c", "new"]
    assert trash(desk) == ["a", "sub"]


@pytest.mark.usefixtures("stored")
def test_a_second_look_tells_only_what_it_deletes(desk: Desk, server: MemoryServer) -> None:
    """What the first look would have deleted is on the disk again, so it is not among what went."""
    other = desk.another()

    def act() -> None:
        for name in ("a", "sub/d", "sub/e"):
            desk.file(f"src/{name}", name)
        remove(other, [RemotePath.parse("/src/b")])

    server.before_commit = act
    desk.file("src/new", "new")
    done = desk.put(options=MIRROR)

    assert sorted(desk.ls("/src")) == ["a", "b", "c", "new", "sub", "sub/d", "sub/e"]
    assert done.deleted == 0


@pytest.mark.usefixtures("stored")
def test_folders_too_deep_end_the_put(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree in the volume has no end of its own: exit 8 before anything is deleted."""
    monkeypatch.setattr("mega_cli.volume.depth.MOST_FOLDERS", 1)
    with pytest.raises(LimitError):
        desk.put(options=MIRROR)
