"""What a worker does next: every rule of the schedule."""

from __future__ import annotations

import pytest

from mega_cli.daemon.schedule import MOST_S, NETWORK_MOST_S, Cycle, Schedule, Wait
from mega_cli.errors import LimitError, MegaError, TemporaryError
from mega_cli.localfs.hints import EVERYWHERE, Hint
from mega_cli.reconcile.actions import MakeFolder, Plan, Step
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.sync.report import CycleReport, Failure

_IDLE = CycleReport(Plan())
_BUSY_PLAN = Plan(local=(Step(MakeFolder(Node(b"1" * 16, ROOT, "a", "d"))),))
_NOTHING = frozenset[tuple[bytes, ...]]()


class _Bench:
    """A schedule whose first look at everything is over, at 0 s."""

    def __init__(self, share: float = 1.0) -> None:
        self.schedule = Schedule(0.0, lambda least, most: least + (most - least) * share)
        self.run(0.0)

    def run(self, now_s: float, report: CycleReport = _IDLE) -> Cycle:
        """Run the cycle that is due."""
        cycle = self.schedule.next(now_s)
        assert isinstance(cycle, Cycle), cycle
        self.schedule.done(cycle, report, now_s)
        return cycle

    def wait_s(self, now_s: float) -> float:
        """Say how long nothing is due."""
        wait = self.schedule.next(now_s)
        assert isinstance(wait, Wait), wait
        return wait.seconds


def _failing(error: MegaError) -> CycleReport:
    return CycleReport(_BUSY_PLAN, failures=(Failure("a", error),))


def test_everything_is_looked_at_first() -> None:
    """Whatever happened while nobody listened."""
    assert Schedule(5.0, lambda least, _: least).next(5.0) == Cycle(None, _NOTHING)


@pytest.mark.parametrize(("share", "hours"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
def test_everything_is_looked_at_every_hour_more_or_less(share: float, hours: float) -> None:
    """Not by all devices at once; what the watcher missed is found then."""
    bench = _Bench(share)

    assert bench.wait_s(1.0) == pytest.approx(3_600 * hours - 1)
    assert bench.run(3_600 * hours).scope is None


def test_what_was_hinted_at_is_looked_at_once_it_is_quiet() -> None:
    """Only that, and with the files that were closed."""
    bench = _Bench()
    bench.schedule.hint(Hint((b"a",)), 10.0)
    bench.schedule.hint(Hint((b"b", b"f"), is_folder=False, was_closed=True), 10.5)

    assert bench.wait_s(10.5) == pytest.approx(1.0)
    assert bench.run(11.5) == Cycle(frozenset({(b"a",), (b"b",)}), frozenset({(b"b", b"f")}))
    assert bench.schedule.pending == 0


@pytest.mark.parametrize("cause", ["hint", "call"])
def test_a_look_at_everything_may_be_asked_for(cause: str) -> None:
    """After an overflow a hint says so; after a pause, a suspend or a change of the rules the worker does."""
    bench = _Bench()
    if cause == "hint":
        bench.schedule.hint(EVERYWHERE, 10.0)
        assert bench.wait_s(10.0) == pytest.approx(1.0)
    else:
        bench.schedule.everything(11.0)

    assert bench.run(11.0).scope is None
    assert bench.wait_s(11.0) > 1_000


def test_when_the_volume_moved_nothing_is_looked_at() -> None:
    """A cycle at once, with an empty scope."""
    bench = _Bench()
    bench.schedule.remote(10.0)

    assert bench.run(10.0) == Cycle(frozenset(), frozenset())


def test_whatever_the_reason_what_is_dirty_is_taken_along() -> None:
    """The engine may be about to believe an absence whose other half is there."""
    bench = _Bench()
    bench.schedule.hint(Hint((b"a",)), 10.0)
    bench.schedule.remote(10.1)

    assert bench.run(10.1).scope == frozenset({(b"a",)})
    assert bench.wait_s(10.1) > 1_000


def test_a_hint_that_comes_after_a_cycle_began_is_for_the_next() -> None:
    """The cycle may have looked just before."""
    bench = _Bench()
    bench.schedule.hint(Hint((b"a",)), 10.0)
    cycle = bench.schedule.next(11.0)
    assert isinstance(cycle, Cycle)
    bench.schedule.done(cycle, _IDLE, 12.0)
    bench.schedule.hint(Hint((b"a",)), 11.5)

    assert bench.run(12.5).scope == frozenset({(b"a",)})


@pytest.mark.parametrize(
    ("report", "seconds"),
    [
        (CycleReport(Plan(), waiting_s=3.0), 3.0),
        (CycleReport(Plan(), resting_s=20.0), 20.0),
        (CycleReport(Plan(), waiting_s=3.0, resting_s=2.0), 2.0),
        (CycleReport(_BUSY_PLAN, local_changes=1, waiting_s=2.0), 2.0),
    ],
    ids=["a held absence", "a failure that rests", "both", "after work"],
)
def test_what_the_engine_waits_for_is_looked_at_again(report: CycleReport, seconds: float) -> None:
    """It knows itself where."""
    bench = _Bench()
    bench.schedule.remote(10.0)
    bench.run(10.0, report)

    assert bench.wait_s(10.0) == pytest.approx(seconds)
    assert bench.run(10.0 + seconds).scope == frozenset()


@pytest.mark.parametrize("report", [CycleReport(_BUSY_PLAN, local_changes=1), CycleReport(Plan(), skipped=1)])
def test_after_a_plan_another_cycle_follows_at_once(report: CycleReport) -> None:
    """What no longer fitted is planned anew."""
    bench = _Bench()
    bench.schedule.remote(10.0)
    bench.run(10.0, report)

    assert bench.run(10.0).scope == frozenset()


def test_cycles_that_change_nothing_come_ever_more_rarely() -> None:
    """Somebody is in the way all the time; the machine is not to be kept busy with it."""
    bench = _Bench()
    bench.schedule.remote(10.0)
    for _ in range(11):
        bench.run(10.0, CycleReport(_BUSY_PLAN, skipped=1))

    assert bench.wait_s(10.0) == pytest.approx(5.0)


@pytest.mark.parametrize(("is_network", "most_s"), [(True, NETWORK_MOST_S), (False, MOST_S)])
def test_failures_rest_twice_as_long_each_time_up_to_a_bound(is_network: bool, most_s: float) -> None:  # noqa: FBT001 -- a parameter
    """5 s, 10 s, 20 s; the network is tried every minute, anything else every hour."""
    bench = _Bench()
    now_s, waits = 10.0, []
    bench.schedule.remote(now_s)
    for _ in range(15):
        bench.schedule.failed(now_s, is_network=is_network)
        waits.append(bench.wait_s(now_s))
        now_s += waits[-1]

    assert waits[:3] == pytest.approx([5.0, 10.0, 20.0])
    assert max(waits) == waits[-1] == most_s


@pytest.mark.parametrize(
    ("error", "most_s"), [(TemporaryError("lost", "again"), NETWORK_MOST_S), (LimitError("full", "x"), MOST_S)]
)
def test_failures_of_single_items_rest_as_well(error: MegaError, most_s: float) -> None:
    """The cycle came to its end, and the next would fail the same way."""
    bench = _Bench()
    now_s = 10.0
    bench.schedule.remote(now_s)
    for _ in range(15):
        bench.run(now_s, _failing(error))
        wait_s = bench.wait_s(now_s)
        now_s += wait_s

    assert wait_s == most_s


@pytest.mark.parametrize("cause", ["hint", "remote", "everything"])
def test_news_end_a_rest(cause: str) -> None:
    """Something is another now; and if it fails again, that is the first time."""
    bench = _Bench()
    bench.schedule.remote(10.0)
    for _ in range(8):
        bench.schedule.failed(10.0, is_network=True)
    if cause == "hint":
        bench.schedule.hint(Hint((b"a",)), 20.0)
        assert bench.run(20.0).scope == frozenset({(b"a",)})
    else:
        getattr(bench.schedule, cause)(20.0)
        bench.run(20.0)
    bench.schedule.failed(30.0, is_network=True)

    assert bench.wait_s(30.0) == pytest.approx(5.0)


def test_a_success_ends_the_count_of_failures() -> None:
    """The next failure rests for five seconds again."""
    bench = _Bench()
    for now_s in (10.0, 20.0):
        bench.schedule.failed(now_s, is_network=False)
    bench.run(40.0)
    bench.schedule.failed(50.0, is_network=False)

    assert bench.wait_s(50.0) == pytest.approx(5.0)


def test_what_a_cycle_that_broke_off_did_not_look_at_stays_dirty() -> None:
    """It is not up to date while it is."""
    bench = _Bench()
    bench.schedule.hint(Hint((b"a",)), 10.0)
    bench.schedule.failed(11.0, is_network=True)

    assert bench.schedule.pending == 1
    assert bench.run(16.0).scope == frozenset({(b"a",)})


def test_a_look_at_everything_that_broke_off_is_still_due() -> None:
    """Nothing says that anything was seen."""
    schedule = Schedule(0.0, lambda least, _: least)
    schedule.failed(1.0, is_network=True)

    assert schedule.next(6.0) == Cycle(None, _NOTHING)
