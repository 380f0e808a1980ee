"""Why a path is as it is: each status from a disk and a state, without a server."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.reconcile.situation import Mode, Reason
from mega_cli.state.sync_state import ConflictRow, HoldRow, StalledRow, SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.pairs import Pair
from mega_cli.sync.why import Status, Why, explain

PAIR = Pair("4f1c09a7", Path("/docs"), RemotePath(("docs",)), Mode.TWO_WAY, 0)
FOLDER = Node(b"d" * 16, ROOT, "dir", "d", mode=0o700)
FILE = Node(b"f" * 16, FOLDER.id, "file", "f", b"1" * 32, 3, 0o600, 1)
PLACE: Place = (b"dir", b"file")


class Bench:
    """A disk with one file in one folder, and a state that agrees with it."""

    def __init__(self) -> None:
        times = count(1_000)
        self.disk = SimDisk(lambda: next(times))
        self.state = SyncState(":memory:")
        self.disk.make_folder(PLACE[:1], 0o700)
        self.write(PLACE, b"abc")
        with self.state.transaction():
            self.state.base.put_all([FOLDER, FILE])
            self.state.remote.put_all([FOLDER, FILE])
            self.state.local.put_all([self.row(FOLDER, PLACE[:1]), self.row(FILE, PLACE)])

    def write(self, place: Place, content: bytes) -> None:
        """Make a file."""
        with self.disk.make_file(place) as file:
            file.write(content)

    def row(self, node: Node, place: Place) -> LocalRow:
        """Say that a place was seen as it is."""
        found = self.disk.look(place)
        assert found is not None
        return LocalRow(node, place[-1], (*found.stamps, found.links, found.birth_ns), is_racy=False)

    def why(self, place: Place = PLACE, *lines: str) -> Why:
        """Ask."""
        return explain(PAIR, place, self.disk, self.state, lines)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give a bench."""
    made = Bench()
    yield made
    made.state.close()


def test_what_is_equal_is_synced(bench: Bench) -> None:
    """The file, its folder and the whole."""
    assert [bench.why(place).status for place in (PLACE, PLACE[:1], ())] == [Status.SYNCED] * 3


def test_what_differs_is_pending(bench: Bench) -> None:
    """New, changed, gone, in the volume alone, not finished: each in words."""
    bench.write((b"new",), b"")
    assert bench.why((b"new",)).detail == "it is new here"
    bench.disk.describe(PLACE, 0o700, 7)
    assert bench.why().detail == "it was changed here since the last run"
    bench.disk.remove_file(PLACE)
    assert bench.why().detail == "it is not here, and was"
    alone = Node(b"a" * 16, ROOT, "alone", "f", b"2" * 32)
    with bench.state.transaction():
        bench.state.remote.put_all([alone])
    assert bench.why((b"alone",)).detail == "it is in the volume alone"
    with bench.state.transaction():
        bench.state.base.remove_all([FOLDER.id])
    assert bench.why(PLACE[:1]).detail == "the last run did not finish with it"


def test_another_kind_is_a_change(bench: Bench) -> None:
    """A folder where a file was seen."""
    bench.disk.remove_file(PLACE)
    bench.disk.make_folder(PLACE, 0o700)

    assert bench.why().status is Status.PENDING


def test_before_the_first_run_everything_is_new(bench: Bench) -> None:
    """There is no state to look into."""
    assert explain(PAIR, PLACE, bench.disk, None, ()).detail == "it is new here"


def test_what_nobody_knows_is_missing(bench: Bench) -> None:
    """Neither the disk nor the state."""
    with pytest.raises(MissingItemError, match="there is no nothing"):
        bench.why((b"nothing",))


def test_what_stands_still_says_since_when_and_by_what(bench: Bench) -> None:
    """Itself, or a folder above it."""
    with bench.state.transaction():
        bench.state.keep_stalled([StalledRow(FOLDER.id, "dir", Reason.UNREADABLE, 5, 0, 0)])

    assert bench.why(PLACE[:1]) == Why(PAIR, "dir", Status.STALLED, Reason.UNREADABLE, since_ns=5)
    assert bench.why() == Why(PAIR, "dir/file", Status.STALLED, Reason.UNREADABLE, since_ns=5, detail="dir")


def test_a_held_deletion_is_named(bench: Bench) -> None:
    """Of the path, or of a folder above it."""
    with bench.state.transaction():
        bench.state.keep_holds([HoldRow("0a1b2c3d", "remote", (FOLDER.id,), 1, ("dir/file",), 9)])

    assert bench.why() == Why(PAIR, "dir/file", Status.HELD, Reason.HELD, since_ns=9, detail="0a1b2c3d")


def test_what_this_disk_cannot_hold_is_blocked(bench: Bench) -> None:
    """With what lies below it; what is only being fetched is not."""
    with bench.state.transaction():
        bench.state.keep_absent([(FOLDER.id, Reason.NAME_CLASH)])
    assert (bench.why().status, bench.why().reason) == (Status.BLOCKED, Reason.NAME_CLASH)
    with bench.state.transaction():
        bench.state.keep_absent([(FOLDER.id, Reason.FAILED)])

    assert bench.why().status is Status.SYNCED


def test_a_conflict_copy_names_its_origin(bench: Bench) -> None:
    """By its node, wherever it was moved."""
    with bench.state.transaction():
        bench.state.add_conflict(ConflictRow(FILE.id, b"o" * 16, "notes.txt", "somewhere", 3))

    assert bench.why() == Why(PAIR, "dir/file", Status.CONFLICT, since_ns=3, detail="notes.txt")


def test_the_rule_that_decides_is_named(bench: Bench) -> None:
    """Of this device, of a file in a folder above, built in; the last line that matches."""
    own = bench.why(PLACE, "file").rule
    assert own is not None
    assert own.source == "this device"
    bench.write((b"dir", b".megaignore"), b"*\n!file\nfile\n")
    found = bench.why().rule
    assert found is not None
    assert (found.source, found.number, found.line) == ("dir/.megaignore", 3, "file")
    bench.write((b"x.swp",), b"")
    built_in = bench.why((b"x.swp",)).rule
    assert built_in is not None
    assert built_in.source == "built-in"


@pytest.mark.parametrize("content", [b"-:*.tmp\n", b"\xff\n", b"x" * 1_048_577])
def test_a_rule_file_that_means_nothing_stalls(bench: Bench, content: bytes) -> None:
    """Everything in its folder."""
    bench.write((b"dir", b".megaignore"), content)

    assert (bench.why().status, bench.why().reason) == (Status.STALLED, Reason.IGNORE_MALFORMED)


def test_a_rule_file_that_is_a_link_stalls(bench: Bench) -> None:
    """It is not followed."""
    bench.disk.make_link((b"dir", b".megaignore"), b"../rules")

    assert bench.why().reason is Reason.IGNORE_MALFORMED


def test_a_folder_that_may_not_be_looked_into_is_named(bench: Bench) -> None:
    """That is all that is known of what lies below, whatever the state knew."""
    bench.disk.refuse(errno.EACCES, PLACE, is_below=True)

    assert bench.why() == Why(PAIR, "dir/file", Status.STALLED, Reason.UNREADABLE, detail="dir")


def test_a_rule_file_that_may_not_be_read_stalls(bench: Bench) -> None:
    """As one that means nothing: it may leave anything out."""
    bench.write((b"dir", b".megaignore"), b"*\n")
    bench.disk.refuse(errno.EACCES, (b"dir", b".megaignore"), calls=frozenset({"open_file"}))

    assert bench.why().reason is Reason.IGNORE_MALFORMED


@pytest.mark.parametrize(("change", "goes"), [("new", "up"), ("alone", "down"), ("gone", "")])
def test_it_is_known_where_content_has_to_go(bench: Bench, change: str, goes: str) -> None:
    """What is new here goes up, what the volume has alone comes down; a deletion moves nothing."""
    if change == "new":
        bench.write((b"it",), b"x")
    if change == "alone":
        with bench.state.transaction():
            bench.state.remote.put_all([Node(b"a" * 16, ROOT, "it", "f", b"2" * 32)])
    if change == "gone":
        bench.disk.remove_file(PLACE)

    assert bench.why(PLACE if change == "gone" else (b"it",)).goes == goes


def test_mega_s_own_folder_is_its_own(bench: Bench) -> None:
    """Whatever lies in it; the disk is not even asked."""
    bench.disk.refuse(errno.EIO, (), is_below=True)

    assert bench.why((b".mega", b"trash", b"x")).status is Status.OWN
