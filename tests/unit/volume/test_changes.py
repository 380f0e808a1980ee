"""mkdir, mv, cp and rm: what stands where afterwards. The server checks that each commit names what it relies on."""

from __future__ import annotations

import pytest

from mega_cli.errors import LimitError, MissingBlobsError, MissingItemError, UsageError
from mega_cli.formats.page import EXT_RAW_NAME, EXT_TRASHED_AT, EXT_TRASHED_FROM, NAME_MOST_BYTES, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import copy, make_folder, move, remove
from mega_cli.volume.commit import open_tree
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.requests import PutStream
from mega_cli.volume.tree import TRASH, Folder
from tests.kit.memory_server import NOW_MS
from tests.unit.volume.conftest import Bytes, Desk


def path(text: str) -> RemotePath:
    """Parse."""
    return RemotePath.parse(text)


def paths(*texts: str) -> list[RemotePath]:
    """Parse several."""
    return [RemotePath.parse(text) for text in texts]


@pytest.fixture
def tree(desk: Desk) -> Desk:
    """Fill the volume: /a/one, /a/b/two (three chunks), /a/b/c/ and /three."""
    desk.file("a/one", "1")
    desk.file("a/b/two", bytes(range(256)) * 4096 * 6)
    (desk.disk / "a/b/c").mkdir()
    desk.file("three", "3")
    desk.put(desk.disk / "a", desk.disk / "three")
    return desk


def trash(desk: Desk) -> list[Entry]:
    """List the trash."""
    folder = open_tree(desk.session, desk.session.head()).folder((TRASH,))
    return list(folder.entries())


# --- mkdir ------------------------------------------------------------------------------------------------------------


def test_a_folder_is_made(desk: Desk) -> None:
    """The first change makes the five top folders and the one asked for."""
    summary = make_folder(desk.session, path("/x"))

    assert (summary.items, summary.revision) == (1, 2)
    assert {name: item.kind for name, item in desk.ls().items()} == {"x": "d"}


def test_parents_are_made_only_when_asked(desk: Desk) -> None:
    """Without -p a missing parent is an error that says so, with it all are made, and again nothing is."""
    with pytest.raises(MissingItemError, match="no folder /x"):
        make_folder(desk.session, path("/x/y/z"))
    assert make_folder(desk.session, path("/x/y/z"), with_parents=True).items == 3
    again = make_folder(desk.session, path("/x/y/z"), with_parents=True)

    assert (again.items, again.revision) == (0, None)
    assert list(desk.ls()) == ["x", "x/y", "x/y/z"]


@pytest.mark.parametrize(("text", "with_parents"), [("/a", False), ("/three", True), ("/three/x", True), ("/", False)])
def test_mkdir_over_something_is_refused(tree: Desk, text: str, *, with_parents: bool) -> None:
    """An existing folder, a file, a file on the way and the root are refused, and nothing is committed."""
    before = tree.server.revision
    with pytest.raises(UsageError, match="/three is a file" if text == "/three/x" else "exists already"):
        make_folder(tree.session, path(text), with_parents=with_parents)
    assert tree.server.revision == before


# --- mv ---------------------------------------------------------------------------------------------------------------


def test_a_move_keeps_the_nodes_and_sends_no_content(tree: Desk) -> None:
    """The folder and everything below it keep their node_ids, and only pages are uploaded."""
    before, content = tree.ls(), tree.server.data_ids()
    sent = set(tree.server.blobs)
    move(tree.session, paths("/a/b"), path("/renamed"))
    after = tree.ls()

    assert list(after) == ["a", "a/one", "renamed", "renamed/c", "renamed/two", "three"]
    assert after["renamed"].node_id == before["a/b"].node_id
    assert after["renamed/two"].node_id == before["a/b/two"].node_id
    assert tree.server.data_ids() == content
    assert not (tree.server.blobs.keys() - sent) & content


def test_a_move_into_a_folder_keeps_the_names(tree: Desk) -> None:
    """An existing folder receives several sources under their names."""
    make_folder(tree.session, path("/d"))
    move(tree.session, paths("/three", "/a/b"), path("/d"))

    assert list(tree.ls()) == ["a", "a/one", "d", "d/b", "d/b/c", "d/b/two", "d/three"]


def test_a_move_over_a_file_trashes_it(tree: Desk) -> None:
    """The replaced file lies in the trash, and the moved one has its place."""
    before = tree.ls()
    move(tree.session, paths("/three"), path("/a/one"))

    assert tree.ls()["a/one"].node_id == before["three"].node_id
    assert [entry.node_id for entry in trash(tree)] == [before["a/one"].node_id]


def test_a_folder_moved_after_something_in_it_has_left_does_not_hold_it(tree: Desk) -> None:
    """Moving /a/one and then /a in one command leaves one `one`: no node stands twice."""
    make_folder(tree.session, path("/d"))
    move(tree.session, paths("/a/one", "/a"), path("/d"))

    assert list(tree.ls()) == ["d", "d/a", "d/a/b", "d/a/b/c", "d/a/b/two", "d/one", "three"]
    assert len(set(tree.server.node_ids())) == len(tree.server.node_ids())


@pytest.mark.parametrize(
    ("sources", "target", "error"),
    [
        (["/a"], "/a/b/x", UsageError),
        (["/a"], "/a/b", UsageError),
        (["/three"], "/nowhere/x", MissingItemError),
        (["/missing"], "/a", MissingItemError),
        (["/a/b"], "/three", UsageError),
        (["/a", "/three"], "/three", UsageError),
        (["/"], "/a", UsageError),
        (["/three"], "/three/x", UsageError),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(
    tree: Desk, sources: list[str], target: str, error: type[Exception]
) -> None:
    """Into itself, into nothing, of nothing, over a file, of the root: refused, and nothing changes."""
    before = tree.server.revision
    with pytest.raises(error):
        move(tree.session, paths(*sources), path(target))
    assert tree.server.revision == before


def test_two_sources_of_one_name_are_refused(tree: Desk) -> None:
    """Moved into one folder, one would take the other's place."""
    make_folder(tree.session, path("/d/e"), with_parents=True)
    copy(tree.session, paths("/three"), path("/d/e"))
    with pytest.raises(UsageError, match="two sources are called three"):
        move(tree.session, paths("/three", "/d/e/three"), path("/a"))


def test_a_folder_is_not_moved_over_a_folder(tree: Desk) -> None:
    """A folder of that name in the target stays as it is."""
    make_folder(tree.session, path("/d/b"), with_parents=True)
    with pytest.raises(UsageError, match="/d/b exists already"):
        move(tree.session, paths("/a/b"), path("/d"))


def test_a_move_to_its_own_place_changes_nothing(tree: Desk) -> None:
    """Nothing is committed."""
    assert move(tree.session, paths("/three"), path("/")).revision is None


def test_a_new_name_drops_the_exact_disk_name(desk: Desk) -> None:
    """The bytes that a disk spelled the old name with do not follow to another name, and stay in a mere move."""
    desk.file("cafe\u0301", "x")
    desk.put(desk.disk / "cafe\u0301")
    make_folder(desk.session, path("/d"))
    move(desk.session, paths("/caf\u00e9"), path("/d"))
    entries = {entry.name: entry for entry in desk.server.all_entries()}
    assert entries["caf\u00e9"].ext == {EXT_RAW_NAME: "cafe\u0301".encode()}
    move(desk.session, paths("/d/caf\u00e9"), path("/tea"))
    entries = {entry.name: entry for entry in desk.server.all_entries()}
    assert entries["tea"].ext == {}


def test_a_move_over_a_head_whose_blobs_are_gone_says_so(tree: Desk) -> None:
    """When the server has lost what a commit needs, the error names the loss, and the head stays."""
    revision = tree.server.revision

    def lose_everything() -> None:
        tree.server.blobs.clear()

    tree.server.before_commit = lose_everything
    with pytest.raises(MissingBlobsError, match="no longer stores"):
        move(tree.session, paths("/three"), path("/four"))
    assert tree.server.revision == revision


# --- cp ---------------------------------------------------------------------------------------------------------------


def test_a_copy_is_new_nodes_over_the_same_content(tree: Desk) -> None:
    """Every entry below a copied folder gets a fresh node_id, and no content is sent."""
    content = tree.server.data_ids()
    copy(tree.session, paths("/a"), path("/twin"))
    listed = tree.ls()

    assert {name.replace("twin", "a", 1) for name in listed if name.startswith("twin")} == {
        name for name in listed if name == "a" or name.startswith("a/")
    }
    assert len({item.node_id for item in listed.values()}) == len(listed)
    assert tree.server.data_ids() == content


def test_a_copy_of_a_folder_into_itself_is_refused(tree: Desk) -> None:
    """Neither into itself nor over itself."""
    for target in ("/a/b", "/a", "/"):
        with pytest.raises(UsageError, match="copied into or over itself"):
            copy(tree.session, paths("/a"), path(target if target == "/" else target + "/x"))


def test_a_copy_over_a_file_trashes_it(tree: Desk) -> None:
    """The replaced file lies in the trash."""
    before = tree.ls()
    copy(tree.session, paths("/three"), path("/a/one"))

    assert [entry.node_id for entry in trash(tree)] == [before["a/one"].node_id]
    assert tree.ls()["a/one"].node_id not in {item.node_id for item in before.values()}


# --- rm ---------------------------------------------------------------------------------------------------------------


def test_removing_moves_to_the_trash(tree: Desk) -> None:
    """The entry keeps its node_id and content, and remembers where it was and when it went."""
    before = tree.ls()
    remove(tree.session, paths("/a/b"), is_recursive=True)
    (entry,) = trash(tree)

    assert list(tree.ls()) == ["a", "a/one", "three"]
    assert entry.node_id == before["a/b"].node_id
    assert entry.name == f"20231114T221320123-{entry.node_id[:4].hex()}-b"
    assert entry.ext == {EXT_TRASHED_FROM: b"a/b", EXT_TRASHED_AT: NOW_MS.to_bytes(8)}
    assert [child.name for child in PageTree(tree.session.pages, entry.ref_list()[0]).entries()] == ["c", "two"]


def test_a_folder_needs_recursive(tree: Desk) -> None:
    """Even an empty one; the hint is the command that works."""
    with pytest.raises(UsageError) as caught:
        remove(tree.session, paths("/a/b/c"))
    assert caught.value.hint.endswith("mega rm -r /a/b/c")


def test_a_folder_removed_after_something_in_it_does_not_hold_it(tree: Desk) -> None:
    """Removing /a/one and then /a in one command puts `one` in the trash once."""
    remove(tree.session, paths("/a/one", "/a"), is_recursive=True)

    assert sorted(entry.name.rsplit("-", 1)[1] for entry in trash(tree)) == ["a", "one"]
    assert len(set(tree.server.node_ids())) == len(tree.server.node_ids())


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "𝄞" * 63, "e\u0301x" * 2])
def test_a_long_name_is_cut_in_the_trash_between_characters(desk: Desk, name: str) -> None:
    """The trash name has at most 255 bytes, is valid text, and starts as the old one did."""
    desk.put(PutStream(Bytes(b"data")), to="/" + name)
    (stored,) = desk.ls()
    remove(desk.session, paths("/" + name))
    (entry,) = trash(desk)
    stem, _, rest = entry.name.partition(f"-{entry.node_id[:4].hex()}-")

    assert len(entry.name.encode()) <= NAME_MOST_BYTES
    assert len(stem) == 18
    assert stored.startswith(rest)
    assert len(rest.encode()) >= min(len(stored.encode()), NAME_MOST_BYTES - 28 - 3)


def test_the_root_is_not_removed(tree: Desk) -> None:
    """And neither is what does not exist."""
    with pytest.raises(UsageError, match="/ itself"):
        remove(tree.session, paths("/"), is_recursive=True)
    with pytest.raises(MissingItemError, match="/a/x"):
        remove(tree.session, paths("/a/x"))


def test_a_name_too_long_for_a_page_is_refused_at_the_door() -> None:
    """A remote path cannot hold it."""
    with pytest.raises(LimitError):
        path("/" + "x" * 256)


# --- all of them ------------------------------------------------------------------------------------------------------


def test_dry_runs_change_nothing(tree: Desk) -> None:
    """Each of the four says what it would do and commits nothing."""
    chain, blobs = list(tree.server.chain), set(tree.server.blobs)
    make_folder(tree.session, path("/x"), is_dry_run=True)
    move(tree.session, paths("/a/one", "/three"), path("/a/b"), is_dry_run=True)
    copy(tree.session, paths("/a"), path("/x"), is_dry_run=True)
    dry = remove(tree.session, paths("/a/one", "/a"), is_recursive=True, is_dry_run=True)

    assert (dry.items, dry.revision) == (2, None)
    assert tree.server.chain == chain
    assert tree.server.blobs.keys() == blobs


def test_a_change_that_loses_the_swap_is_applied_to_the_new_head(tree: Desk) -> None:
    """Another device commits in between: both changes stand."""
    other = tree.another()

    def act() -> None:
        make_folder(other, path("/theirs"))

    tree.server.before_commit = act
    move(tree.session, paths("/three"), path("/ours"))

    assert {"ours", "theirs"} <= tree.ls().keys()


def test_a_change_that_no_longer_makes_sense_after_a_lost_swap_fails(tree: Desk) -> None:
    """The source was removed in between: the move says that there is nothing, and commits nothing."""
    other = tree.another()

    def act() -> None:
        remove(other, paths("/three"))

    tree.server.before_commit = act
    with pytest.raises(MissingItemError, match="/three"):
        move(tree.session, paths("/three"), path("/ours"))
    assert list(tree.ls()) == ["a", "a/b", "a/b/c", "a/b/two", "a/one"]


def test_a_folder_with_edits_lists_them(tree: Desk) -> None:
    """A working copy shows what was set and removed, in name order, before anything is written."""
    files = open_tree(tree.session, tree.session.head()).folder(("files",))
    three = files.lookup("three")
    assert three is not None
    for name in ("b", "zz", "A"):
        files.set(three.replace(name=name))
    files.remove("three")

    assert [entry.name for entry in files.entries()] == ["A", "a", "b", "zz"]
    assert isinstance(files.open("a"), Folder)
    assert files.open("b") is None


def test_a_path_that_no_entry_could_hold_is_cut_in_the_trash(desk: Desk) -> None:
    """Folders of long names, 33 kB deep: what is kept of the path are whole names, the last ones."""
    parts = [f"{number:03}" + "x" * 252 for number in range(130)]
    path = RemotePath.parse("/".join(parts))
    make_folder(desk.session, path, with_parents=True)
    remove(desk.session, [path], is_recursive=True)
    (kept,) = [item.ext[EXT_TRASHED_FROM] for item in desk.server.all_entries() if EXT_TRASHED_FROM in item.ext]

    assert kept.decode() == "/".join(parts[-16:])
