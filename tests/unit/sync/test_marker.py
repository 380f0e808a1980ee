"""The folder's marker: the table of its docstring row for row, and crashes at every call of the disk and the state."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from itertools import count

import msgspec
import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.marker import (
    FOLDER,
    PLACE,
    Damaged,
    FolderMark,
    Known,
    Marker,
    Owner,
    Verdict,
    judge,
    read_marker,
    stopped,
)

OWNER = Owner(b"v" * 16, "0a1b2c3d")
ROOT_ID, OTHER_ROOT = "11" * 16, "22" * 16
KNOWN = Known(ROOT_ID, 7, 7, 100)
BEGUN = Known(ROOT_ID, 7, 8, 100)
UNFINISHED = Known(ROOT_ID, 0, 1, 100)


def marker(epoch: int = 7, pair: str = OWNER.pair, root: str = ROOT_ID, volume: bytes = OWNER.volume) -> Marker:
    """Write a marker."""
    return Marker(1, volume.hex(), pair, root, epoch)


FOREIGN = marker(volume=b"w" * 16)
TABLE: list[tuple[Known | None, Marker | Damaged | None, int, Verdict, Verdict]] = [
    (None, None, 100, Verdict.FIRST, Verdict.FIRST),
    (UNFINISHED, None, 100, Verdict.FIRST, Verdict.FIRST),
    (None, marker(), 100, Verdict.STATE_LOST, Verdict.ASKED),
    (UNFINISHED, marker(1), 100, Verdict.STATE_LOST, Verdict.ASKED),
    (None, marker(pair="ffffffff"), 100, Verdict.TAKEN_OVER, Verdict.TAKEN_OVER),
    (None, FOREIGN, 100, Verdict.FOREIGN, Verdict.FOREIGN),
    (KNOWN, FOREIGN, 100, Verdict.FOREIGN, Verdict.FOREIGN),
    (None, Damaged(), 100, Verdict.DAMAGED, Verdict.ASKED),
    (KNOWN, None, 100, Verdict.MISSING, Verdict.ASKED),
    (KNOWN, Damaged(), 100, Verdict.DAMAGED, Verdict.ASKED),
    (KNOWN, marker(pair="ffffffff"), 100, Verdict.REPLACED, Verdict.ASKED),
    (KNOWN, marker(root=OTHER_ROOT), 100, Verdict.REPLACED, Verdict.ASKED),
    (KNOWN, marker(6), 100, Verdict.FOLDER_OLD, Verdict.ASKED),
    (KNOWN, marker(8), 100, Verdict.STATE_OLD, Verdict.ASKED),
    (KNOWN, marker(), 101, Verdict.FOLDER_COPIED, Verdict.ASKED),
    (KNOWN, marker(), 0, Verdict.GO_ON, Verdict.ASKED),
    (KNOWN, marker(), 100, Verdict.GO_ON, Verdict.ASKED),
    (BEGUN, marker(7), 100, Verdict.GO_ON, Verdict.ASKED),
    (BEGUN, marker(8), 100, Verdict.GO_ON, Verdict.ASKED),
    (BEGUN, marker(6), 100, Verdict.FOLDER_OLD, Verdict.ASKED),
    (BEGUN, marker(9), 100, Verdict.STATE_OLD, Verdict.ASKED),
]


@pytest.mark.parametrize(("known", "found", "ino", "verdict", "asked"), TABLE)
def test_the_table(
    known: Known | None, found: Marker | Damaged | None, ino: int, verdict: Verdict, asked: Verdict
) -> None:
    """Each row, without and with `--resync`."""
    assert judge(OWNER, known, found, ino, is_asked=False) is verdict
    assert judge(OWNER, known, found, ino, is_asked=True) is asked


def test_every_verdict_is_in_the_table() -> None:
    """No row is forgotten, each stop says what to do, and what is no stop and no going on joins both sides."""
    named = {verdict for row in TABLE for verdict in row[3:]}

    assert named == set(Verdict)
    assert all(stopped(verdict).hint for verdict in Verdict if verdict.is_stop)
    assert {verdict for verdict in Verdict if not verdict.is_stop and not verdict.is_resync} == {Verdict.GO_ON}


def ignore(*_: object) -> None:
    """Let a moment pass."""


class World:
    """A disk, a state file in memory, a clock and chance; the state outlives what happens to the disk."""

    def __init__(self, *, has_exchange: bool = True) -> None:
        self._times = count(1_000)
        self.disk = SimDisk(self.now_ns, has_exchange=has_exchange)
        self._chance = random.Random(1)
        self.on_state: Callable[[str], None] = ignore
        self.state = SyncState(":memory:", self._state_moment)

    def _state_moment(self, moment: str) -> None:
        self.on_state(moment)

    def now_ns(self) -> int:
        """Give a time that rises."""
        return next(self._times)

    def steady_s(self) -> float:
        """Stand still."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Wait for nothing."""

    def random_bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return self._chance.randbytes(count)

    def mark(self, owner: Owner = OWNER, *, ids_are_stable: bool = True) -> FolderMark:
        """Begin with the folder as it is."""
        return FolderMark(self.disk, self.state, owner, ids_are_stable=ids_are_stable)

    def session(self, *, is_asked: bool = False) -> Verdict:
        """Do what a run does."""
        verdict = self.mark().look(is_asked=is_asked)
        self.mark().begin(self, self)
        self.mark().end(self)
        return verdict

    def known(self) -> Known:
        """Read what the state keeps."""
        return msgspec.msgpack.decode(self.state.value("marker") or b"", type=Known)

    def names(self) -> set[bytes]:
        """List `.mega`."""
        return {line.name for line in self.disk.list_folder(FOLDER)}


@pytest.fixture(params=[True, False], ids=["exchange", "no-exchange"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a world whose disk can exchange names, and one whose disk cannot."""
    made = World(has_exchange=request.param)
    yield made
    made.state.close()


def test_sessions_follow_each_other(world: World) -> None:
    """The first makes the marker, later ones go on; nothing else is left in `.mega`."""
    assert [world.session() for _ in range(3)] == [Verdict.FIRST, Verdict.GO_ON, Verdict.GO_ON]
    assert world.names() == {PLACE[-1]}
    found = read_marker(world.disk)
    assert isinstance(found, Marker)
    assert found.epoch == 6


def test_the_marker_is_a_file_with_bytes_that_people_can_read(world: World) -> None:
    """Cleaners remove empty files; somebody who finds it sees what it is."""
    world.session()
    with world.disk.open_file(PLACE) as file:
        buffer = bytearray(1_000)
        text = bytes(buffer[: file.readinto(buffer)]).decode()

    assert '"pair": "0a1b2c3d"' in text
    assert text.endswith("}\n")


def test_looking_writes_nothing(world: World) -> None:
    """A dry run leaves disk and state as they are."""
    calls: list[str] = []
    world.disk.on_call = lambda call, _place: calls.append(call)

    assert world.mark().look() is Verdict.FIRST
    assert set(calls) <= {"look", "open_file", "file.readinto"}
    assert world.state.value("marker") is None


def test_an_unmounted_disk_stops(world: World) -> None:
    """Scenario 55: what lies under a mount point is no emptied folder; mounted again, all goes on."""
    world.session()
    world.disk.unmount(leaves_folder=True)
    with pytest.raises(SafetyStopError) as stop:
        world.mark().look()
    assert stop.value.details == {"reason": "missing"}
    world.disk.mount()

    assert world.session() is Verdict.GO_ON


def test_a_removed_marker_stops_until_it_is_meant(world: World) -> None:
    """Scenario 55, emptied: with `--resync` it gets a new marker, and the next run goes on."""
    world.session()
    world.disk.remove_file(PLACE)
    with pytest.raises(SafetyStopError, match="does not carry its mark"):
        world.mark().look()

    assert world.session(is_asked=True) is Verdict.ASKED
    assert world.session() is Verdict.GO_ON


def test_a_lost_state_joins_both_sides(world: World) -> None:
    """Scenario 21: the folder keeps its marker and its root."""
    world.session()
    before = read_marker(world.disk)
    world.state = SyncState(":memory:")

    assert world.session() is Verdict.STATE_LOST
    after = read_marker(world.disk)
    assert isinstance(before, Marker)
    assert isinstance(after, Marker)
    assert (after.root, after.epoch > before.epoch) == (before.root, True)
    assert world.session() is Verdict.GO_ON


def test_a_state_that_came_back_from_a_copy(world: World) -> None:
    """The folder has seen a session that the state does not know: both sides are joined, once."""
    world.session()
    copied = world.state.value("marker")
    world.session()
    with world.state.transaction():
        world.state.keep("marker", copied)

    assert [world.session(), world.session()] == [Verdict.STATE_OLD, Verdict.GO_ON]


def test_a_copy_from_the_middle_of_a_session_is_old(world: World) -> None:
    """What was copied while a session ran may lack what it fetched later: its end leaves that copy behind."""
    world.session()
    world.mark().begin(world, world)
    copied = read_marker(world.disk)
    world.mark().end(world)
    assert isinstance(copied, Marker)
    known = world.known()

    assert judge(OWNER, known, copied, known.ino, is_asked=False) is Verdict.FOLDER_OLD


def test_a_folder_of_another_account_is_left_alone(world: World) -> None:
    """Also when a resync is asked for: its marker stays as it was."""
    world.session()
    mine = read_marker(world.disk)
    stranger = FolderMark(world.disk, SyncState(":memory:"), Owner(b"w" * 16, "ffffffff"))

    with pytest.raises(SafetyStopError, match="another account"):
        stranger.look(is_asked=True)
    assert read_marker(world.disk) == mine


def test_a_folder_is_taken_over_by_a_new_pair(world: World) -> None:
    """Of the same account: the first run makes it its own, and the pair before is told."""
    world.session()
    state = world.state
    other = Owner(OWNER.volume, "ffffffff")
    world.state = SyncState(":memory:")
    assert world.mark(other).look() is Verdict.TAKEN_OVER
    world.mark(other).begin(world, world)
    assert world.mark(other).look() is Verdict.GO_ON
    world.state = state

    with pytest.raises(SafetyStopError, match="not the one that was synced last"):
        world.mark().look()


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 3_000, b"x" * 9_000, b'{"format": 2}'])
def test_a_damaged_marker_stops(world: World, content: bytes) -> None:
    """Emptied, cut, too long or of a newer version: nothing is guessed."""
    world.session()
    world.disk.remove_file(PLACE)
    with world.disk.make_file(PLACE) as file:
        file.write(content)

    with pytest.raises(SafetyStopError, match="cannot be read"):
        world.mark().look()


def test_a_marker_that_is_a_link_is_not_followed(world: World) -> None:
    """A link in its place says nothing, wherever it points."""
    world.session()
    world.disk.rename(PLACE, (b"elsewhere",))
    world.disk.make_link(PLACE, b"../elsewhere")

    with pytest.raises(SafetyStopError, match="cannot be read"):
        world.mark().look()


@pytest.mark.parametrize("is_link", [True, False])
def test_an_own_folder_that_is_none_stops(world: World, is_link: bool) -> None:  # noqa: FBT001 -- pytest's
    """A link or a file in place of `.mega`: nothing is written through it, also in a first run."""
    if is_link:
        world.disk.make_link(FOLDER, b"/elsewhere")
    else:
        world.disk.make_file(FOLDER).close()

    with pytest.raises(SafetyStopError, match="cannot be read"):
        world.mark().look()


def test_a_marker_that_cannot_be_read_now_is_not_missing(world: World) -> None:
    """A failing disk raises its own error: no verdict is made of it."""
    world.session()
    world.disk.refuse(errno.EIO, PLACE)

    with pytest.raises(OSError, match=r"\[Errno 5\]"):
        world.mark().look(is_asked=True)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("is_power_cut", [False, True], ids=["kill", "power-cut"])
@pytest.mark.parametrize("has_exchange", [True, False], ids=["exchange", "no-exchange"])
@pytest.mark.parametrize("sessions_before", [0, 1])
def test_a_crash_at_any_moment_stops_nobody(sessions_before: int, *, has_exchange: bool, is_power_cut: bool) -> None:
    """Killed before any call of disk or state, the next run goes on; after a first run that did nothing it may join."""
    fine = {Verdict.GO_ON} if sessions_before else {Verdict.FIRST, Verdict.STATE_LOST, Verdict.GO_ON}
    for moment in count():
        world = World(has_exchange=has_exchange)
        for _ in range(sessions_before):
            world.session()
        left = iter(range(moment))

        def pass_or_die(*_: object, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Killed

        world.disk.on_call = pass_or_die
        world.on_state = pass_or_die
        try:
            world.session()
        except Killed:
            is_over = False
        else:
            is_over = True
        world.disk.on_call, world.on_state = ignore, ignore
        if is_power_cut:
            world.disk.cut_power(random.Random(moment))
        else:
            world.disk.kill()

        assert is_over or world.session() in fine, moment
        assert world.session() is Verdict.GO_ON
        world.state.close()
        if is_over:
            assert moment > 20, "so many moments there are at least"
            break


@pytest.mark.parametrize("seed", range(10))
def test_what_a_killed_run_left_is_made_durable_before_it_is_believed(seed: int) -> None:
    """Killed right after the exchange; then the power is cut in the next run: the marker must not fall back twice."""
    world = World()
    world.session()
    for last_call, way_out in (("exchange", world.disk.kill), ("make_file", lambda: None)):
        calls: list[str] = []

        def die_after(call: str, _at: Place, calls: list[str] = calls, last_call: str = last_call) -> None:
            if last_call in calls:
                raise Killed
            calls.append(call)

        world.disk.on_call = die_after
        with pytest.raises(Killed):
            world.session()
        way_out()
    world.disk.on_call = ignore
    world.disk.cut_power(random.Random(seed))

    assert world.session() is Verdict.GO_ON


def test_a_copied_folder_is_noticed_where_inodes_are_kept(world: World) -> None:
    """The same bytes under another inode may not be whole; where inodes change by themselves nothing is concluded."""
    world.session()
    known = world.known()
    with world.state.transaction():
        moved = msgspec.structs.replace(known, ino=known.ino + 1)
        world.state.keep("marker", msgspec.msgpack.encode(moved))

    assert world.mark().look() is Verdict.FOLDER_COPIED
    assert world.mark(ids_are_stable=False).look() is Verdict.GO_ON
