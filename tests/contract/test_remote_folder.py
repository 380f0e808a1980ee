"""What `mega_cli/sync/remote.py` promises, kept by the folder of a real volume and by the simulated one alike."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mega_cli.errors import IntegrityError, MissingBlobsError, MissingItemError, RollbackError, SafetyStopError
from mega_cli.localfs.failures import SourceChangedError
from mega_cli.reconcile.nodes import ROOT, MemoryTree
from mega_cli.sync.remote import Edit, RemoteMark, RemoteMovedError, Upload
from tests.kit.forge import fixed
from tests.kit.remote_ends import (
    Client,
    Levers,
    MemoryFile,
    MemorySink,
    SimLevers,
    VolumeLevers,
    a_file,
    a_folder,
    a_link,
    an_upload,
)

SIZES = {"empty": b"", "small": b"small", "middle": fixed("middle", 100_000), "large": fixed("large", 6_000_000)}


@pytest.fixture(params=["simulated", "volume"])
def levers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Levers]:
    """Give a remote with an empty folder."""
    with ExitStack() as stack:
        yield SimLevers() if request.param == "simulated" else VolumeLevers(stack, tmp_path)


@pytest.fixture
def one(levers: Levers) -> Client:
    """Give a client that has looked."""
    return looking(levers, 1)


@pytest.fixture
def other(levers: Levers) -> Client:
    """Give another one."""
    return looking(levers, 2)


def looking(levers: Levers, device: int) -> Client:
    """Open the folder on a device and look."""
    client = Client(levers.folder(device))
    client.look()
    return client


D, E = a_folder("d"), a_folder("e")
INSIDE = a_file("inside", b"inside", D.id)
EVERYTHING = (D, E, a_link("link"), (INSIDE, b"inside"), (a_file("file", b"data"), b"data"))


# --- looking ----------------------------------------------------------------------------------------------------------


def test_the_first_sight_is_whole(levers: Levers, one: Client) -> None:
    """Without a mark everything is told, as it was committed, folders before what lies in them."""
    one.put(*EVERYTHING)

    sight = levers.folder(2).observe(None)

    assert sight.is_whole
    assert {change.id: change.node for change in sight.changes} == {node.id: node for node in one.tree}
    order = [change.id for change in sight.changes]
    assert order.index(D.id) < order.index(INSIDE.id)


def test_a_second_sight_without_a_change_is_empty(one: Client) -> None:
    """And gives the same mark."""
    one.put(*EVERYTHING)
    before = one.mark

    sight = one.look()

    assert (list(sight.changes), sight.is_whole, sight.mark) == ([], False, before)


def test_only_what_changed_is_told(one: Client, other: Client) -> None:
    """One edit, one removal, one new node: no others."""
    one.put(*EVERYTHING)
    other.look()
    one.commit(Edit(INSIDE, INSIDE._replace(mtime_ns=9)), Edit(E, None), Edit(None, a_folder("new", D.id)))

    sight = other.look()

    assert not sight.is_whole
    assert {change.id for change in sight.changes} == {INSIDE.id, E.id, a_folder("new").id}
    assert other.tree == one.tree


def test_a_node_that_moved_is_one_change(one: Client, other: Client) -> None:
    """At its new place; what lies in a folder that moved is none."""
    one.put(*EVERYTHING)
    other.look()
    one.commit(Edit(D, D._replace(parent=E.id, name="moved")))

    sight = other.look()

    assert [change.node for change in sight.changes] == [D._replace(parent=E.id, name="moved")]


def test_of_a_folder_that_is_gone_everything_is_told(one: Client, other: Client) -> None:
    """The folder and what was in it."""
    one.put(*EVERYTHING)
    other.look()
    one.remove(D, INSIDE)

    sight = other.look()

    assert {(change.id, change.node) for change in sight.changes} == {(D.id, None), (INSIDE.id, None)}


def test_a_mark_outlives_the_process(levers: Levers, one: Client) -> None:
    """Another run, which has nothing but the mark, sees what changed since."""
    mark = one.put(D)
    one.put((INSIDE, b"inside"))

    sight = levers.folder(1).observe(mark)

    assert ([change.node for change in sight.changes], sight.is_whole) == ([INSIDE], False)


def test_a_mark_whose_pages_are_gone_gives_a_whole_sight(levers: Levers, one: Client) -> None:
    """It cannot be compared with, and the sight says so."""
    mark = one.put(D)
    one.put((INSIDE, b"inside"))
    levers.sweep()

    sight = levers.folder(3).observe(mark)

    assert ({change.node for change in sight.changes}, sight.is_whole) == ({D, INSIDE}, True)


def test_what_changed_elsewhere_is_no_change(levers: Levers, one: Client) -> None:
    """The revision rises; the folder is what it was."""
    mark = one.put(D)
    levers.change_elsewhere()

    sight = one.look()

    assert list(sight.changes) == []
    assert sight.mark.revision > mark.revision


# --- guards -----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_gone_never_looks_empty(levers: Levers, one: Client) -> None:
    """Who had seen it is stopped, and can no longer commit either."""
    one.put(*EVERYTHING)
    levers.remove_folder()

    with pytest.raises(SafetyStopError):
        one.look()
    with pytest.raises(SafetyStopError):
        one.put(a_folder("new"))


def test_another_folder_of_the_same_name_is_not_the_folder(levers: Levers, one: Client) -> None:
    """It would look as if everything had been removed."""
    one.put(*EVERYTHING)
    levers.replace_folder()

    with pytest.raises(SafetyStopError):
        one.look()
    with pytest.raises(SafetyStopError):
        one.put(a_folder("new"))


def test_a_folder_that_never_was_is_a_missing_item(levers: Levers) -> None:
    """Without a mark there is nothing to protect."""
    levers.remove_folder()

    with pytest.raises(MissingItemError):
        levers.folder(5).observe(None)


def test_an_older_head_is_a_rollback(levers: Levers, one: Client) -> None:
    """Nothing of it is told, and nothing committed on it (T20)."""
    one.put(D)
    one.put((INSIDE, b"inside"))
    levers.roll_back()

    with pytest.raises(RollbackError):
        one.look()
    with pytest.raises(RollbackError):
        one.put(E)


def test_a_mark_that_is_no_part_of_the_history_is_a_rollback(levers: Levers, one: Client) -> None:
    """Even on a device whose pin was lost: the pair remembers what it had seen."""
    one.put(D)
    mark = one.put((INSIDE, b"inside"))
    levers.roll_back()
    other = looking(levers, 2)
    other.put(E)

    with pytest.raises(RollbackError):
        levers.folder(7).observe(mark)


# --- commits ----------------------------------------------------------------------------------------------------------


def test_a_commit_is_announced_and_then_found(levers: Levers, one: Client) -> None:
    """The mark that was announced is the one that is given back, and every device finds it in the history."""
    mark = one.put(D)

    assert one.announced == [mark]
    assert one.folder.has_committed(mark)
    one.put(E)
    levers.change_elsewhere()
    assert levers.folder(2).has_committed(mark)


def test_an_announced_commit_that_did_not_happen_is_not_found(one: Client) -> None:
    """A run that ended just before the swap: nothing changed, and the history says so."""
    told: list[RemoteMark] = []

    def crash(mark: RemoteMark) -> None:
        told.append(mark)
        raise KeyboardInterrupt

    assert one.mark is not None
    with pytest.raises(KeyboardInterrupt):
        one.folder.commit(one.mark, [Edit(None, D)], MemoryTree(), crash)

    assert not one.folder.has_committed(told[0])
    assert list(one.look().changes) == []
    one.put(E)
    assert not one.folder.has_committed(told[0])


def test_only_the_very_record_counts_as_committed(one: Client) -> None:
    """Another record of the same revision does not."""
    mark = one.put(D)

    assert not one.folder.has_committed(mark._replace(digest=bytes(32)))
    assert not one.folder.has_committed(mark._replace(revision=mark.revision + 1))


def test_a_commit_on_a_folder_that_moved_on_is_refused(one: Client, other: Client) -> None:
    """All of it; after another look the same edits fit."""
    one.put(D)

    with pytest.raises(RemoteMovedError):
        other.put(E)

    assert other.announced == []
    other.look()
    other.put(E)
    one.look()
    assert {node.id for node in one.tree} == {D.id, E.id}


def test_a_commit_meets_another_in_its_middle(levers: Levers, one: Client, other: Client) -> None:
    """The other one came between the announcement and the swap: the loser is told, and nothing of it happened."""
    other.look()

    def overtaken(mark: RemoteMark) -> None:
        one.announced.append(mark)
        other.put(E)

    assert one.mark is not None
    with pytest.raises(RemoteMovedError):
        one.folder.commit(one.mark, [Edit(None, D)], one.tree, overtaken)

    assert not one.folder.has_committed(one.announced[-1])
    assert [change.node for change in levers.folder(3).observe(None).changes] == [E]


def test_what_changes_elsewhere_during_a_commit_stays(levers: Levers, one: Client) -> None:
    """The swap is lost and tried again by itself, announced each time; the last one counts."""
    told: list[RemoteMark] = []

    def overtaken(mark: RemoteMark) -> None:
        told.append(mark)
        if len(told) == 1:
            levers.change_elsewhere()

    assert one.mark is not None
    mark = one.folder.commit(one.mark, [Edit(None, D)], one.tree, overtaken)

    assert (len(told), told[-1]) == (2, mark)
    assert not one.folder.has_committed(told[0])
    assert one.folder.has_committed(mark)


def test_a_commit_of_nothing_changes_nothing(one: Client) -> None:
    """It is not even announced."""
    mark = one.put(D)
    one.announced.clear()

    assert one.commit() == mark
    assert one.announced == []


def test_circles_of_moves_are_one_commit(one: Client, other: Client) -> None:
    """Two folders change places while what lies in them changes as well."""
    one.put(D, E, (INSIDE, b"inside"))
    one.commit(
        Edit(D, D._replace(name="e")), Edit(E, E._replace(name="d")), Edit(INSIDE, INSIDE._replace(name="renamed"))
    )

    other.look()

    assert other.tree == one.tree


def test_a_folder_goes_into_the_one_it_held(one: Client, other: Client) -> None:
    """d/e becomes e/d."""
    one.put(D, E._replace(parent=D.id))
    one.commit(Edit(D, D._replace(parent=E.id)), Edit(E._replace(parent=D.id), E))

    other.look()

    assert other.tree == one.tree


def test_what_is_removed_is_in_the_trash(levers: Levers, one: Client) -> None:
    """Everything that people remove can be had again."""
    one.put(*EVERYTHING)
    one.remove(D, INSIDE)

    assert D.id in levers.trashed()


def test_an_edit_keeps_the_node(one: Client, other: Client) -> None:
    """New content, another name and mode: the id is the same, and the old content is no longer there."""
    one.put((INSIDE._replace(parent=ROOT), b"inside"))
    before = INSIDE._replace(parent=ROOT)
    after = a_file("inside", b"other data")._replace(name="renamed", mode=0o700)
    (stored,) = one.store([(after, b"other data")])
    one.commit(Edit(before, after, stored.content))

    other.look()

    assert list(other.tree) == [after]
    assert other.fetch(after) == [(b"other data", None)]


@pytest.mark.parametrize(
    "edit",
    [
        Edit(D._replace(name="other"), None),
        Edit(a_folder("nowhere"), None),
        Edit(D._replace(mode=0o700), D),
        Edit(None, D._replace(name="again")),
    ],
    ids=["another name", "nothing there", "another mode", "there already"],
)
def test_edits_for_another_folder_are_refused(one: Client, edit: Edit) -> None:
    """What is remembered does not fit what is there: nothing is changed."""
    one.put(D)
    seen = MemoryTree(node for node in (edit.before, edit.after) if node is not None)

    assert one.mark is not None
    with pytest.raises(SafetyStopError):
        one.folder.commit(one.mark, [edit], seen, one.announced.append)

    assert list(one.look().changes) == []


# --- content ----------------------------------------------------------------------------------------------------------


def test_content_of_every_size_comes_back(one: Client, other: Client) -> None:
    """Empty, one chunk, a deduplicated chunk, a list of chunks; in the order asked."""
    files = [(a_file(name, data), data) for name, data in SIZES.items()]
    one.put(*files)
    other.look()

    assert other.fetch(*(node for node, _ in files)) == [(data, None) for _, data in files]


@pytest.mark.parametrize("data", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("how", ["grows", "is touched", "is another", "is shorter", "cannot be opened", "fails"])
def test_a_file_that_is_not_what_it_should_be_is_not_stored(one: Client, data: bytes, how: str) -> None:
    """It is answered with an error, and the others are stored."""
    node = a_file("file", data)
    if how == "is another":
        node = node._replace(digest=bytes(32))
    if how == "is touched" and not data:
        pytest.skip("nothing is read of it, so nothing happens meanwhile")

    def opened() -> MemoryFile:
        if how == "cannot be opened":
            raise PermissionError(errno.EACCES, "no")
        if how == "fails":
            return Failing(data)
        grows = b"more" if how in ("grows", "is shorter") else b""
        file = MemoryFile(data, grows=grows, stamp_after=how == "is touched")
        return MemoryFile(data + b"more") if how == "is shorter" else file

    uploads = [an_upload(a_file("one", b"1"), b"1"), Upload(node, opened), an_upload(a_file("two", b"2"), b"2")]
    answers = {answer.node.name: answer for answer in one.folder.upload(uploads)}

    assert answers["file"].content is None
    assert answers["file"].error is not None
    if how not in ("cannot be opened", "fails"):
        assert isinstance(answers["file"].error, SourceChangedError)
    assert {name for name, answer in answers.items() if answer.content} == {"one", "two"}


class Failing(MemoryFile):
    """A file on a disk that is dying."""

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fail."""
        raise OSError(errno.EIO, f"dying after {len(buffer)} bytes were asked")


def test_files_are_closed(one: Client) -> None:
    """Every reader, however it ended."""
    files = [MemoryFile(b"good"), MemoryFile(b"bad", grows=b"!"), MemoryFile(SIZES["large"])]
    nodes = [a_file(str(number), file.data) for number, file in enumerate(files)]

    list(one.folder.upload([Upload(node, lambda file=file: file) for node, file in zip(nodes, files, strict=True)]))  # type: ignore[misc]  # mypy cannot infer a default's type

    assert [file.is_closed for file in files] == [True] * 3


def test_lost_content_fails_its_file_alone(levers: Levers, one: Client) -> None:
    """The others come, in order, and the error is that of integrity."""
    files = [(a_file(name, data), data) for name, data in SIZES.items()]
    one.put(*files)
    levers.lose(files[1][0].digest)
    levers.lose(files[2][0].digest)

    found = one.fetch(*(node for node, _ in files))

    assert [isinstance(error, IntegrityError) for _, error in found] == [False, True, True, False]
    assert [data for data, error in found if error is None] == [b"", SIZES["large"]]


def test_a_node_that_is_no_longer_so_is_not_fetched(one: Client) -> None:
    """Its content would be another's; the others come."""
    file = a_file("file", b"data")
    one.put((file, b"data"))

    (_, first), (data, second) = one.fetch(file._replace(digest=bytes(32)), file)

    assert isinstance(first, RemoteMovedError)
    assert (data, second) == (b"data", None)


def test_a_full_disk_fails_the_file_alone(one: Client) -> None:
    """Whoever takes the content decides whether to go on."""
    files = [(a_file(name, data), data) for name, data in SIZES.items() if data]
    one.put(*files)
    full = OSError(errno.ENOSPC, "full")

    found = one.fetch(*(node for node, _ in files), sinks=[MemorySink(), MemorySink(error=full), MemorySink()])

    assert [error for _, error in found] == [None, full, None]


def test_content_that_the_server_lost_must_be_uploaded_again(levers: Levers, one: Client) -> None:
    """The commit is refused and says so; after another upload it succeeds."""
    node = a_file("file", SIZES["middle"])
    edits = one.store([(node, SIZES["middle"])])
    forget_uploads(levers)

    with pytest.raises(MissingBlobsError):
        one.commit(*edits)

    one.put((node, SIZES["middle"]))
    assert one.fetch(node) == [(SIZES["middle"], None)]


def forget_uploads(levers: Levers) -> None:
    """Let the server lose every blob that no root needs."""
    if isinstance(levers, SimLevers):
        levers.volume.blobs.clear()
    elif isinstance(levers, VolumeLevers):
        for gone in levers.server.blobs.keys() - levers.server.reachable():
            del levers.server.blobs[gone]


def test_past_content_is_known_as_past(levers: Levers, one: Client) -> None:
    """What was edited away or removed, wherever it stood; not what is there, or is there again."""
    first, second, moved = a_file("first", b"1"), a_file("second", b"2", D.id), a_file("moved", b"3")
    one.put(D, (first, b"1"), (second, b"2"), (moved, b"3"))
    edited = a_file("first", b"one")
    (stored,) = one.store([(edited, b"one")])
    one.commit(Edit(first, edited, stored.content), Edit(moved, moved._replace(parent=D.id)))
    one.remove(second)
    one.put((a_file("again", b"2"), b"2"))

    assert levers.folder(4).past_digests() == {first.digest}


def test_a_folder_without_a_past_has_none(one: Client) -> None:
    """Nothing is no error."""
    assert one.folder.past_digests() == frozenset()
