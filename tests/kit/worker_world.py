"""A worker in a world of its own: time passes only while it waits, its pair and its watcher do as the test says.

`World.run` runs the worker's loop in the calling thread until a given time; what happens meanwhile is listed before, or
added while it runs. Nothing sleeps, nothing is asked of a server or a disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import pytest

from mega_cli.daemon.display import Display
from mega_cli.daemon.live_pair import Counts, LivePair, LookedAt
from mega_cli.daemon.status import PairState, PairStatus
from mega_cli.daemon.worker import Ways, Worker
from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Health, Hint
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.situation import Mode
from mega_cli.sync.pairs import Pair
from mega_cli.sync.report import CycleReport
from tests.kit.sync_pair import START_NS

START_MS: Final = START_NS // 1_000_000
PAIR: Final = Pair("4f1c09a7", Path("/home/alice/work"), RemotePath.parse("/work"), Mode.TWO_WAY, 0, is_background=True)
WELL: Final = CycleReport(Plan())
Happening = Callable[[], object]
_WAITS_MOST: Final = 10_000


@final
@dataclass
class Clocks:
    """A wall clock and a steady one, which differ when the machine sleeps."""

    steady: float = 0.0
    wall_ns: int = START_NS

    def now_ns(self) -> int:
        """Give the wall-clock time."""
        return self.wall_ns

    def steady_s(self) -> float:
        """Give seconds since the start."""
        return self.steady

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.steady += seconds
        self.wall_ns += int(seconds * 1e9)


@final
class FakeHints:
    """Tells what the test says."""

    def __init__(self) -> None:
        self.take: Callable[[Hint], None] = lambda _hint: None
        self.is_stopped = False
        self.ticks = 0
        self.state = Health("watching")

    def start(self, take: Callable[[Hint], None]) -> None:
        """Begin to tell."""
        self.take = take
        take(EVERYWHERE)

    def watch(self, _place: Place) -> bool:
        """Watch everything anyway."""
        return False

    def stop(self) -> None:
        """Tell nothing more."""
        self.is_stopped = True

    def health(self) -> Health:
        """Say what the test says."""
        return self.state

    def tick(self, _steady_s: float) -> float:
        """Want to be called each minute."""
        self.ticks += 1
        return 60.0


@final
@dataclass
class World:
    """Everything around one worker, and the worker. `said` lists the states it went through, each with its time."""

    cycles: dict[int, CycleReport | BaseException] = field(default_factory=dict)
    """What comes of the cycle of a number, from 0; of the others `usual`."""
    usual: CycleReport | BaseException = WELL
    openings: dict[int, BaseException] = field(default_factory=dict)
    """What goes wrong at an opening, from 0; the others go well unless `closed` is set."""
    closed: BaseException | None = None
    counted: Counts = field(default_factory=Counts)
    is_as_opened: bool = True
    session: str = "first"

    def __post_init__(self) -> None:
        """Begin with a pair that has nothing to do."""
        self.clock = Clocks()
        self.hints = FakeHints()
        self.later: list[tuple[float, Happening]] = []
        self.opened: list[float] = []
        self.ended: list[float] = []
        self.ran: list[tuple[float, frozenset[Place] | None]] = []
        self.said: list[tuple[float, PairState]] = []
        self.distrusted = 0
        self.sleeps = 0
        self.waits = 0
        self.head = 7
        self.display: Display | None = None
        self.during: list[Happening] = []
        """What happens during the next cycles, one each."""
        self._end_s = 0.0
        ways = Ways(
            open_live=self._open_live,
            choose_hints=lambda _local: self.hints,
            clock=self.clock,
            session_mark=lambda: self.session,
            has_slept=self._has_slept,
            wait_for=self._wait_for,
        )
        self.worker = Worker(PAIR, ways, self._changed)

    def at(self, steady_s: float, act: Happening) -> None:
        """Let something happen at a time."""
        self.later.append((steady_s, act))
        self.later.sort(key=lambda one: one[0])

    def run(self, until_s: float) -> PairStatus:
        """Let the worker work until then; gives how the pair stood just before it was told to end."""
        self._end_s = until_s
        found: list[PairStatus] = []
        self.at(until_s, lambda: found.append(self.worker.status()))
        self.at(until_s, self.worker.inbox.stop)
        self.worker.run()
        return found[0]

    def states(self) -> list[PairState]:
        """List the states, without what repeats."""
        states = [state for _, state in self.said]
        return [state for number, state in enumerate(states) if number == 0 or states[number - 1] != state]

    def _wait_for(self, _lock: threading.Condition, is_news: Callable[[], bool], timeout_s: float) -> bool:
        """Pass the time, and let happen what falls into it."""
        self.waits += 1
        if self.waits > _WAITS_MOST:
            pytest.fail("it spins")  # no Exception: the worker would take one for a bug of its pair
        end_s = self.clock.steady + timeout_s
        while not is_news():
            if not self.later or self.later[0][0] > end_s:
                assert end_s < float("inf"), "nothing would ever happen again"
                self.clock.sleep(max(0.0, end_s - self.clock.steady))
                return False
            at_s, act = self.later.pop(0)
            self.clock.sleep(max(0.0, at_s - self.clock.steady))
            act()
        return True

    def _changed(self) -> None:
        self.said.append((self.clock.steady, self.worker.status().state))

    def _has_slept(self) -> None:
        self.sleeps += 1

    @contextmanager
    def _open_live(self, _pair: Pair, display: Display, looked_at: LookedAt) -> Iterator[LivePair]:
        self.display = display
        number = len(self.opened)
        self.opened.append(self.clock.steady)
        error = self.openings.get(number, self.closed)
        if error is not None:
            raise error
        yield _FakeLive(self, looked_at)
        self.ended.append(self.clock.steady)


@final
class _FakeLive:
    def __init__(self, world: World, looked_at: LookedAt) -> None:
        self._world = world
        self._looked_at = looked_at

    def is_as_opened(self) -> bool:
        return self._world.is_as_opened

    def cycle(self, scope: frozenset[Place] | None, _closed: frozenset[Place]) -> CycleReport:
        world = self._world
        number = len(world.ran)
        world.ran.append((world.clock.steady, scope))
        self._looked_at(())
        if world.during:
            world.during.pop(0)()
        came = world.cycles.get(number, world.usual)
        if isinstance(came, BaseException):
            raise came
        return came

    def revision(self) -> int:
        return self._world.head

    def counts(self) -> Counts:
        return self._world.counted

    def distrust(self) -> None:
        self._world.distrusted += 1
