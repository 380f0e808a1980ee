"""The supervisor: which pairs have a worker, how they are lent, woken and ended, and who hears of it. Real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mega_cli.daemon.display import Display
from mega_cli.daemon.live_pair import Counts, LivePair, LookedAt
from mega_cli.daemon.status import PairState, PairStatus
from mega_cli.daemon.supervisor import Supervisor
from mega_cli.daemon.worker import Ways
from mega_cli.errors import LockedError, MissingItemError
from mega_cli.localfs.disk import Place
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import UNTIL_RESUMED, Pair, Pairs, open_pairs
from mega_cli.sync.real_world import RealClock
from mega_cli.sync.report import CycleReport
from mega_cli.system.directories import Home
from tests.kit.daemon import home_with_profile
from tests.kit.worker_world import WELL, FakeHints

_MOST_S = 30.0


@dataclass
class Hands:
    """What the workers hold, and how often each cycle ran."""

    held: set[str] = field(default_factory=set)
    ran: dict[str, int] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    """Cycles of these pairs wait."""

    @contextmanager
    def open_live(self, pair: Pair, _display: Display, _looked_at: LookedAt) -> Iterator[LivePair]:
        """Hold a pair."""
        self.held.add(pair.id)
        try:
            yield _Live(self, pair.id)
        finally:
            self.held.discard(pair.id)


@dataclass
class _Live:
    hands: Hands
    id: str

    def is_as_opened(self) -> bool:
        return True

    def cycle(self, _scope: frozenset[Place] | None, _closed: frozenset[Place]) -> CycleReport:
        gate = self.hands.gates.get(self.id)
        if gate is not None:
            gate.wait(_MOST_S)
        self.hands.ran[self.id] = self.hands.ran.get(self.id, 0) + 1
        return WELL

    def revision(self) -> int:
        return 1

    def counts(self) -> Counts:
        return Counts()

    def distrust(self) -> None:
        self.hands.verified.add(self.id)


@dataclass
class Stage:
    """A profile with pairs, and its supervisor."""

    home: Home
    hands: Hands = field(default_factory=Hands)

    def __post_init__(self) -> None:
        """Begin nothing yet."""
        ways = Ways(
            open_live=self.hands.open_live,
            choose_hints=lambda _local: FakeHints(),
            clock=RealClock(),
            session_mark=lambda: None,
            has_slept=lambda: None,
        )
        self.supervisor = Supervisor(self.home, ways, lend_s=0.2)

    @property
    def pairs(self) -> Pairs:
        """Give the list of pairs."""
        return open_pairs(self.home)

    def add(self, name: str, *, is_background: bool = True) -> Pair:
        """Add a pair."""
        local = self.home.directories.data.parent / "folders" / name
        pair = self.pairs.add(local, RemotePath.parse(f"/{name}"), None, 0)
        return self.pairs.set_background(pair, is_background=is_background)

    def until(self, what: Callable[[list[PairStatus]], bool]) -> None:
        """Wait until the pairs stand so."""
        seen, clock = 0, RealClock()
        ends_s = clock.steady_s() + _MOST_S
        while not what(self.supervisor.status()[1]):
            assert clock.steady_s() < ends_s, self.supervisor.status()
            seen = self.supervisor.changed(seen, 0.2)

    def stand(self, *states: PairState) -> None:
        """Wait until the pairs are in these states, in their order."""
        self.until(lambda pairs: tuple(pair.state for pair in pairs) == states)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a profile; its supervisor is stopped at the end."""
    stage = Stage(home_with_profile(tmp_path / "home"))
    yield stage
    for gate in stage.hands.gates.values():
        gate.set()
    assert stage.supervisor.stop(_MOST_S)


def test_it_takes_up_the_background_pairs(stage: Stage) -> None:
    """Those of `mega sync --once` are none of its business."""
    one, _, other = stage.add("a"), stage.add("b", is_background=False), stage.add("c")

    stage.supervisor.start()
    stage.stand("up-to-date", "up-to-date")

    assert stage.hands.held == {one.id, other.id}


def test_without_a_session_it_starts_and_says_so(stage: Stage) -> None:
    """Nobody is logged in on this device: the feed says so, and nothing fails."""
    stage.supervisor.start()
    stage.until(lambda _pairs: stage.supervisor.status()[0].feed == "signed-out")

    assert stage.supervisor.status()[0].profile == "alice@localhost"


def test_reload_takes_up_drops_pauses_and_resumes(stage: Stage) -> None:
    """As the list of pairs says by then."""
    first, second = stage.add("a"), stage.add("b")
    stage.supervisor.start()
    stage.stand("up-to-date", "up-to-date")

    stage.pairs.set_background(first, is_background=False)
    stage.pairs.pause(second, UNTIL_RESUMED)
    third = stage.add("c")
    stage.supervisor.reload()
    stage.stand("paused", "up-to-date")
    stage.until(lambda _pairs: stage.hands.held == {third.id})
    stage.pairs.pause(second, None)
    stage.supervisor.reload()

    stage.stand("up-to-date", "up-to-date")
    assert stage.hands.held == {second.id, third.id}


def test_a_pair_is_lent_and_taken_back(stage: Stage) -> None:
    """While the block lasts nobody holds it; another pair is not touched by that."""
    one, other = stage.add("a"), stage.add("b")
    stage.supervisor.start()
    stage.stand("up-to-date", "up-to-date")

    with stage.supervisor.lend(one.id):
        assert stage.hands.held == {other.id}
        stage.stand("lent", "up-to-date")
    stage.stand("up-to-date", "up-to-date")

    assert stage.hands.held == {one.id, other.id}


def test_two_may_borrow_one_pair(stage: Stage) -> None:
    """It is taken back when the last of them has gone; the lock between the two is their own business."""
    pair = stage.add("a")
    stage.supervisor.start()
    stage.stand("up-to-date")

    with stage.supervisor.lend(pair.id):
        with stage.supervisor.lend(pair.id):
            pass
        assert not stage.hands.held
        stage.stand("lent")
    stage.stand("up-to-date")


def test_what_nobody_works_on_is_lent_at_once(stage: Stage) -> None:
    """A pair that is no background pair, or just gone."""
    stage.supervisor.start()

    with stage.supervisor.lend("00000000"):
        assert not stage.hands.held


def test_a_pair_that_does_not_come_free_is_not_lent(stage: Stage) -> None:
    """The borrower is told after some time, and the worker goes on."""
    pair = stage.add("a")
    gate = stage.hands.gates[pair.id] = threading.Event()
    stage.supervisor.start()
    stage.until(lambda _pairs: pair.id in stage.hands.held)

    with pytest.raises(LockedError, match="still at work"), stage.supervisor.lend(pair.id):
        pytest.fail("it was lent")
    gate.set()

    stage.stand("up-to-date")


def test_wake_and_verify_reach_their_pair(stage: Stage) -> None:
    """One of them, or all; an unknown one is refused."""
    one, other = stage.add("a"), stage.add("b")
    stage.supervisor.start()
    stage.stand("up-to-date", "up-to-date")
    before = dict(stage.hands.ran)

    stage.supervisor.wake(one.id)
    stage.until(lambda _pairs: stage.hands.ran[one.id] > before[one.id])
    stage.supervisor.verify("")
    stage.until(lambda _pairs: stage.hands.verified == {one.id, other.id})

    with pytest.raises(MissingItemError):
        stage.supervisor.wake("00000000")


def test_what_the_feed_says_reaches_every_pair(stage: Stage) -> None:
    """A newer revision is looked at; a verified one is not."""
    one = stage.add("a")
    stage.supervisor.start()
    stage.stand("up-to-date")
    before = stage.hands.ran[one.id]

    stage.supervisor.head_is_at(1)
    stage.supervisor.head_is_at(2)

    stage.until(lambda _pairs: stage.hands.ran[one.id] > before)


def test_it_says_when_something_does_not_end(stage: Stage) -> None:
    """The process then ends without it; nothing is lent any more."""
    pair = stage.add("a")
    stage.hands.gates[pair.id] = threading.Event()
    stage.supervisor.start()
    stage.until(lambda _pairs: pair.id in stage.hands.held)

    assert not stage.supervisor.stop(0.05)
    with pytest.raises(LockedError, match="stopping"), stage.supervisor.lend(pair.id):
        pytest.fail("it was lent")
