"""The trash: what is listed, what comes back and where, and what emptying takes."""

from __future__ import annotations

import pytest

from mega_cli.errors import MissingItemError, UsageError
from mega_cli.formats.page import EXT_TRASHED_AT, EXT_TRASHED_FROM, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import make_folder, move, remove
from mega_cli.volume.commit import commit, open_tree
from mega_cli.volume.trash import Trashed, empty, list_trash, restore
from mega_cli.volume.tree import TRASH, Tree
from mega_cli.volume.upload import Uploader
from tests.kit.forge import entry
from tests.kit.memory_server import NOW_MS
from tests.unit.volume.conftest import Desk


def path(text: str) -> RemotePath:
    """Parse."""
    return RemotePath.parse(text)


@pytest.fixture
def bin_(desk: Desk) -> Desk:
    """Remove /a/b with what it holds, and /three; /a/one stays."""
    desk.file("a/one", "1")
    desk.file("a/b/two", "22")
    desk.file("three", "333")
    desk.put(desk.disk / "a", desk.disk / "three")
    remove(desk.session, [path("/a/b"), path("/three")], is_recursive=True)
    return desk


def trashed(desk: Desk) -> dict[str, Trashed]:
    """List the trash by where things came from."""
    return {str(found.origin): found for found in list_trash(desk.session)}


def plant(desk: Desk, planted: Entry) -> None:
    """Let any entry stand in the trash."""

    def change(tree: Tree) -> None:
        tree.folder((TRASH,)).set(planted)

    with Uploader(desk.session.client, desk.session.keys.volume, lambda _facts: None) as uploader:
        commit(desk.session, change, uploader)


def test_the_trash_says_where_when_and_how_much(bin_: Desk) -> None:
    """A folder's size is what it holds."""
    found = trashed(bin_)

    assert {origin: one.size_bytes(bin_.session.pages) for origin, one in found.items()} == {"/a/b": 2, "/three": 3}
    assert {one.removed_ms for one in found.values()} == {NOW_MS}
    assert all(one.entry.name.startswith(one.id + "-") for one in found.values())


@pytest.mark.parametrize("is_by_id", [True, False])
def test_an_entry_goes_back_to_its_place(bin_: Desk, *, is_by_id: bool) -> None:
    """By id or by former path; node and content are the same, and the marks of the trash are gone."""
    before = trashed(bin_)["/a/b"]
    summary = restore(bin_.session, [before.id if is_by_id else "/a/b"])

    assert (summary.restored, summary.problems) == (("/a/b",), ())
    assert bin_.ls()["a/b"].node_id == before.entry.node_id
    assert "a/b/two" in bin_.ls()
    assert list(trashed(bin_)) == ["/three"]
    back = open_tree(bin_.session, bin_.session.head()).entry(("files", "a", "b"))
    assert back is not None
    assert not {EXT_TRASHED_AT, EXT_TRASHED_FROM} & back.ext.keys()


def test_missing_folders_are_made_on_the_way_back(bin_: Desk) -> None:
    """The folder went into the trash after what it held."""
    remove(bin_.session, [path("/a")], is_recursive=True)
    restore(bin_.session, ["/a/b"])

    assert list(bin_.ls()) == ["a", "a/b", "a/b/two"]


def test_what_stands_in_the_way_stays(bin_: Desk) -> None:
    """A problem for that entry, which stays in the trash; the others come back in the same commit."""
    make_folder(bin_.session, path("/three"))
    before = bin_.server.revision
    summary = restore(bin_.session, ["/three", "/a/b"])

    assert [(problem.path, problem.message.split(";")[0]) for problem in summary.problems] == [
        ("/three", "something is there already")
    ]
    assert (summary.restored, list(trashed(bin_))) == (("/a/b",), ["/three"])
    assert bin_.server.revision == before + 1


def test_a_file_on_the_way_is_a_problem(bin_: Desk) -> None:
    """Nothing is made below a file."""
    remove(bin_.session, [path("/a")], is_recursive=True)
    bin_.put(bin_.file("a-file", "x"), to="/a")
    summary = restore(bin_.session, ["/a/b"])

    assert "/a is a file" in summary.problems[0].message
    assert summary.restored == ()


@pytest.mark.parametrize(("to", "stands"), [("/a", "/a/three"), ("/new/name", "/new/name"), ("/", "/three")])
def test_an_entry_goes_elsewhere_when_asked(bin_: Desk, to: str, stands: str) -> None:
    """Into a folder that exists, or as a name that does not."""
    assert restore(bin_.session, ["/three"], path(to)).restored == (stands,)
    assert stands[1:] in bin_.ls()


def test_several_need_a_folder(bin_: Desk) -> None:
    """They cannot all have one name."""
    with pytest.raises(UsageError, match="no folder"):
        restore(bin_.session, ["/three", "/a/b"], path("/new"))


def test_two_of_one_origin_stay_apart(bin_: Desk) -> None:
    """Both are listed; the path alone does not say which, so the ids are named, and each can be had."""
    bin_.put(bin_.file("three", "again"), to="/three")
    remove(bin_.session, [path("/three")])
    both = [found for found in list_trash(bin_.session) if str(found.origin) == "/three"]
    with pytest.raises(UsageError, match="2 entries in the trash came from /three"):
        restore(bin_.session, ["/three"])
    restore(bin_.session, [both[1].id])

    assert bin_.ls()["three"].node_id == both[1].entry.node_id
    assert [found.id for found in list_trash(bin_.session) if str(found.origin) == "/three"] == [both[0].id]


def test_what_is_not_there_is_not_found(bin_: Desk) -> None:
    """Before anything is changed."""
    before = bin_.server.revision
    with pytest.raises(MissingItemError):
        restore(bin_.session, ["/three", "/nothing"])
    assert bin_.server.revision == before


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_dry_run_changes_nothing(bin_: Desk, *, is_restored: bool) -> None:
    """It says what would be, from the same decision."""
    before = bin_.server.revision
    if is_restored:
        assert restore(bin_.session, ["/three"], is_dry_run=True).restored == ("/three",)
    else:
        assert empty(bin_.session, {trashed(bin_)["/three"].entry.name}, is_dry_run=True).items == 1
    assert bin_.server.revision == before


def test_emptying_takes_what_was_named_in_one_commit(bin_: Desk) -> None:
    """What came into the trash since it was looked at stays."""
    names = {found.entry.name for found in list_trash(bin_.session)}
    remove(bin_.session, [path("/a/one")])
    before = bin_.server.revision
    summary = empty(bin_.session, names)

    assert (summary.items, summary.revision) == (2, before + 1)
    assert list(trashed(bin_)) == ["/a/one"]


def test_emptying_an_empty_trash_commits_nothing(desk: Desk) -> None:
    """Also in a volume that has no trash yet."""
    assert empty(desk.session, {"x"}).items == 0
    assert list(list_trash(desk.session)) == []


@pytest.mark.parametrize(
    ("origin", "stands"), [(b"../../etc/passwd", "etc/passwd"), (b"a/../../b", "b"), (b"", None), (b"\xff", None)]
)
def test_an_origin_cannot_leave_the_root(desk: Desk, origin: bytes, stands: str | None) -> None:
    """It is read like a typed path; one that is none must be told where to go."""
    plant(desk, entry("whatever", ext={EXT_TRASHED_FROM: origin}))
    summary = restore(desk.session, ["whatever"])

    assert summary.restored == (() if stands is None else (f"/{stands}",))
    assert len(summary.problems) == (stands is None)
    if stands is None:
        assert restore(desk.session, ["whatever"], path("/here")).restored == ("/here",)


def test_a_restored_name_can_move_on(bin_: Desk) -> None:
    """It is an ordinary entry again."""
    restore(bin_.session, ["/three"])
    move(bin_.session, [path("/three")], path("/four"))

    assert "four" in bin_.ls()
