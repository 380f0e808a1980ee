"""The tally: what it counts, and the figures it makes of that."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from mega_cli.output.tally import Snapshot, Tally


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now_s: float = 100.0

    def __call__(self) -> float:
        """Give the present second."""
        return self.now_s


@dataclass
class RecordingDisplay:
    """A display that keeps what it was told."""

    interval_s: float = 1.0
    said: list[tuple[str, ...]] = field(default_factory=list)
    drawn: list[Snapshot] = field(default_factory=list)

    def draw(self, now: Snapshot) -> None:
        """Keep the figures."""
        self.drawn.append(now)

    def file_done(self, path: str, outcome: str) -> None:
        """Keep the item."""
        self.said.append((outcome, path))

    def problem(self, path: str, message: str) -> None:
        """Keep the problem."""
        self.said.append(("problem", path, message))

    def waiting(self, reason: str) -> None:
        """Keep the reason."""
        self.said.append(("waiting", reason))

    def close(self) -> None:
        """Keep the end."""
        self.said.append(("closed",))


class BrokenDisplay(RecordingDisplay):
    """A display whose reader has gone away."""

    def file_done(self, path: str, outcome: str) -> None:
        """Fail as a closed pipe does."""
        super().file_done(path, outcome)
        raise BrokenPipeError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def display() -> RecordingDisplay:
    return RecordingDisplay()


@pytest.fixture
def tally(clock: Clock, display: RecordingDisplay) -> Tally:
    return Tally(display, clock)


def test_speed_counts_moved_bytes_only(tally: Tally, clock: Clock) -> None:
    """Skipped bytes are done but were not fast."""
    tally.expect(3, 1000)
    tally.advance(100)
    tally.skip(500)
    clock.now_s += 2

    now = tally.snapshot()

    assert (now.done_bytes, now.total_bytes, now.speed, now.left_s) == (600, 1000, 50.0, 8.0)


def test_time_left_is_told_once_the_totals_stand(tally: Tally, clock: Clock) -> None:
    """While the sources are still being listed nobody knows how much there is."""
    tally.expect(3, 1000)
    tally.advance(100)
    clock.now_s += 1
    before = tally.snapshot()
    clock.now_s += 1
    after = tally.snapshot()

    assert (before.is_counting, before.left_s) == (True, None)
    assert (after.is_counting, after.left_s) == (False, 18.0)


def test_speed_is_that_of_the_last_ten_seconds(tally: Tally, clock: Clock) -> None:
    """A fast start an hour ago says nothing about now."""
    tally.advance(1_000_000)
    for _ in range(40):
        clock.now_s += 1
        tally.advance(10)
        tally.snapshot()

    assert tally.snapshot().speed == pytest.approx(10)


def test_time_left_is_unknown_without_speed(tally: Tally) -> None:
    """Nothing moved yet: no figure is made up."""
    tally.expect(1, 10)

    assert tally.snapshot().left_s is None


def test_totals_never_show_less_than_what_is_done(tally: Tally) -> None:
    """Sources are still being listed while the first files are done."""
    tally.file_done("a", "new")
    tally.advance(7)

    now = tally.snapshot()
    assert (now.files_done, now.files_total, now.done_bytes, now.total_bytes) == (1, 1, 7, 7)


def test_a_problem_is_listed_once(tally: Tally, display: RecordingDisplay) -> None:
    """A summary may repeat what was reported at once; people read it one time."""
    tally.problem("a", "gone")
    tally.problem("a", "gone")

    assert display.said == [("problem", "a", "gone")]


def test_waiting_is_said_once_until_bytes_move(tally: Tally, display: RecordingDisplay) -> None:
    """Forty retries are one line; a second outage is another."""
    tally.waiting("busy")
    tally.waiting("busy")
    tally.advance(1)
    tally.waiting("busy")

    assert display.said == [("waiting", "busy"), ("waiting", "busy")]
    assert tally.snapshot().waiting == "busy"


def test_a_reader_that_went_away_does_not_stop_the_run(clock: Clock) -> None:
    """Progress never raises into a service; after the first failure the display is left alone."""
    display = BrokenDisplay()
    tally = Tally(display, clock)

    tally.file_done("a", "new")
    tally.file_done("b", "new")

    assert display.said == [("new", "a")]
    assert tally.snapshot().files_done == 2


def test_counts_from_many_threads_add_up(tally: Tally) -> None:
    """Services report from any thread."""

    def report() -> None:
        for _ in range(500):
            tally.advance(1)
            tally.file_done("a", "new")

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    now = tally.snapshot()
    assert (now.files_done, now.done_bytes) == (2000, 2000)


def test_totals_that_were_counted_ahead_stand_at_once(tally: Tally, clock: Clock) -> None:
    """From then on the time left is told, and what is expected piece by piece is not added again."""
    tally.expect(1, 10)
    tally.total(4, 400)
    tally.expect(1, 10)
    clock.now_s += 1
    tally.advance(100)

    now = tally.snapshot()

    assert (now.files_total, now.total_bytes, now.is_counting) == (4, 400, False)
    assert now.left_s == pytest.approx(3.0)
