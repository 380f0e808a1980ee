"""Bandwidth limits: how they are read, what holds when, and how evenly bytes move under them."""

from __future__ import annotations

import threading

import pytest

from mega_cli.api.pace import SLICE_BYTES, Bucket, Pace
from mega_cli.api.rates import Rates, parse_rates, rate_text
from mega_cli.errors import UsageError
from mega_cli.model import KIB, MIB


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("512K", 512 * KIB, 512 * KIB),
        ("512k", 512 * KIB, 512 * KIB),
        ("1.5MiB/s", 1536 * KIB, 1536 * KIB),
        ("100B", 100, 100),
        ("1M:100k", MIB, 100 * KIB),
        ("off:1G", None, 1 << 30),
        ("0:1K", None, KIB),
        ("off", None, None),
    ],
)
def test_a_rate_is_read(text: str, up: int | None, down: int | None) -> None:
    """Units are 1024-based; one value is for both ways."""
    assert parse_rates(text).at(0) == Rates(up, down)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "512",
        "fast",
        "-1K",
        "0.1B",
        "1K:",
        ":1K",
        "1K:2K:3K",
        "24:00,1K",
        "08:60,1K",
        "08:00",
        "08:00,",
        "1K 2K",
        "1K 08:00,2K",
        "Son-08:00,1K",
    ],
)
def test_what_means_nothing_is_wrong_usage(text: str) -> None:
    """The hint shows how it is written."""
    with pytest.raises(UsageError) as caught:
        parse_rates(text)
    assert caught.value.hint


def minute(day: int, hour: int, minute: int = 0) -> int:
    """Count from Monday, 0:00."""
    return (day * 24 + hour) * 60 + minute


@pytest.mark.parametrize(
    ("now", "rate"),
    [
        (minute(0, 0), None),
        (minute(0, 7, 59), None),
        (minute(0, 8), 512 * KIB),
        (minute(3, 22, 59), 512 * KIB),
        (minute(6, 23), None),
    ],
)
def test_a_day_repeats(now: int, rate: int | None) -> None:
    """Before the first line of Monday, the last one of Sunday holds."""
    assert parse_rates("08:00,512k 23:00,off").at(now) == Rates(rate, rate)


@pytest.mark.parametrize(
    ("now", "rate"),
    [(minute(0, 0), None), (minute(0, 9), MIB), (minute(4, 9), MIB), (minute(5, 0), None), (minute(6, 12), None)],
)
def test_a_week_repeats(now: int, rate: int | None) -> None:
    """Lines with a day hold on that day on; the order they are written in does not matter."""
    assert parse_rates("Saturday-00:00,off Mon-08:00,1M").at(now) == Rates(rate, rate)


@pytest.mark.parametrize("rate", [None, 1, 1023, KIB, 1536, 3 * MIB, 1 << 30])
def test_a_rate_is_written_as_it_is_read(rate: int | None) -> None:
    """What `mega bwlimit` shows may be given to it."""
    assert parse_rates(rate_text(rate)).at(0).up == rate


class Clock:
    """Time that passes only by sleeping, and a note of every nap."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.naps: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        """Let time pass."""
        with self._lock:
            self.naps.append(duration_s)
            self.now_s += duration_s


def paced(rates: list[Rates], clock: Clock) -> Pace:
    """Build a pace whose rates can be replaced."""
    return Pace(lambda: rates[0], clock=clock, sleep=clock.sleep)


def test_bytes_take_their_time() -> None:
    """Ten seconds' worth takes ten seconds, less the one slice that is free at the start."""
    clock = Clock()
    paced([Rates(up=MIB)], clock).pay("up", 10 * MIB)

    assert clock.now_s == pytest.approx(10, abs=0.11)


@pytest.mark.parametrize("rate", [KIB, 100 * KIB, 100 * MIB])
def test_no_second_is_slept_at_once(rate: int) -> None:
    """However small the rate: every nap is a tenth of a second at most, every slice 64 KiB."""
    clock = Clock()
    pace = paced([Rates(down=rate)], clock)
    pace.pay("down", 5 * rate)

    assert max(clock.naps) <= 0.1001
    assert pace.slice_bytes("down") == min(SLICE_BYTES, rate // 10)


def test_an_idle_time_buys_no_burst() -> None:
    """After an hour without work the next second still moves one second's worth."""
    bucket = Bucket()
    bucket.take(MIB, MIB, 0.0)

    waits = [bucket.take(64 * KIB, MIB, 3600.0) for _ in range(32)]

    assert waits[-1] == pytest.approx(2 - 0.1)


def test_the_ways_do_not_share() -> None:
    """Uploading costs nothing of the limit for downloads."""
    clock = Clock()
    pace = paced([Rates(up=KIB, down=None)], clock)
    pace.pay("down", MIB)

    assert (clock.now_s, pace.slice_bytes("down")) == (0.0, None)


def test_threads_share_one_allowance() -> None:
    """Two that take turns wait for each other's bytes."""
    clock = Clock()
    pace = paced([Rates(up=MIB)], clock)
    for _ in range(5):
        pace.pay("up", MIB)

    assert clock.now_s == pytest.approx(5, abs=0.11)


def test_a_new_limit_holds_within_a_payment() -> None:
    """What is set while a large piece is being paid for holds from the next second on."""
    clock = Clock()
    rates = [Rates(up=KIB)]
    asked = []

    def rates_now() -> Rates:
        asked.append(clock.now_s)
        return Rates() if clock.now_s >= 3 else rates[0]

    Pace(rates_now, clock=clock, sleep=clock.sleep).pay("up", MIB)

    assert clock.now_s == pytest.approx(3, abs=1.1)
    assert len(asked) == 4, "at most once a second"
