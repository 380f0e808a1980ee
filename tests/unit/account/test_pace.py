"""Which limit a run keeps to: its own, or what `mega bwlimit` says while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mega_cli.account.pace import RunLimit
from mega_cli.api.pace import Pace
from mega_cli.api.rates import Rates, parse_rates
from mega_cli.model import KIB
from mega_cli.state.limit_file import erase_limit, write_limit

OWN = parse_rates("1K")
ONE, TWO, NONE = Rates(KIB, KIB), Rates(2 * KIB, 2 * KIB), Rates()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file."""
    return tmp_path / "bwlimit"


def set_limit(path: Path, text: str, second: int) -> None:
    """Set a limit at a second of its own."""
    write_limit(path, text)
    os.utime(path, (second, second))


def test_a_run_without_a_limit_takes_the_one_that_is_set(path: Path) -> None:
    """Set before it began or while it runs; taken away, it has none."""
    set_limit(path, "1K", 1)
    limit = RunLimit(path, None)

    found = [limit.rates()]
    set_limit(path, "2K", 2)
    found.append(limit.rates())
    erase_limit(path)
    found.append(limit.rates())

    assert found == [ONE, TWO, NONE]


def test_a_limit_of_its_own_wins_over_an_older_one(path: Path) -> None:
    """Until the limit is set again, even to the same."""
    set_limit(path, "2K", 1)
    limit = RunLimit(path, OWN)

    found = [limit.rates()]
    set_limit(path, "2K", 2)
    found.append(limit.rates())
    erase_limit(path)
    found.append(limit.rates())

    assert found == [ONE, TWO, ONE]


@pytest.mark.parametrize("content", [b"fast\n", b"", b"\xff\xfe", b"9" * 10_000])
def test_a_file_that_means_nothing_is_none(path: Path, content: bytes) -> None:
    """A transfer never ends because of it."""
    path.write_bytes(content)

    assert RunLimit(path, OWN).rates() == ONE
    assert RunLimit(path, None).rates() == NONE


def test_a_timetable_follows_the_clock(path: Path) -> None:
    """The minute is asked anew each time."""
    minutes = iter([7 * 60, 8 * 60, 23 * 60])
    limit = RunLimit(path, parse_rates("08:00,1K 23:00,off"), lambda: next(minutes))

    assert [limit.rates() for _ in range(3)] == [NONE, ONE, NONE]


def test_without_a_profile_there_is_no_file() -> None:
    """The first run of quickstart has none yet."""
    assert RunLimit(None, OWN).rates() == ONE


def test_a_process_that_lives_for_months_obeys_within_a_second(path: Path) -> None:
    """A daemon's one pace: each limit that is set, or taken away, holds a second later, however old the process is."""
    now_s, naps = [0.0], list[float]()

    def sleep(duration_s: float) -> None:
        naps.append(duration_s)
        now_s[0] += duration_s

    pace = Pace(RunLimit(path, None).rates, clock=lambda: now_s[0], sleep=sleep)
    took_s = []
    for month, text in enumerate(("", "1K", "2K", "", "4K:1K", "off")):
        now_s[0] += 30 * 86_400
        pace.pay("up", 1)  # a transfer under way: what held before is known
        set_limit(path, text, month) if text else erase_limit(path)
        now_s[0] += 1
        naps.clear()
        pace.pay("up", 20 * KIB)
        took_s.append(round(sum(naps)))

    assert took_s == [0, 20, 10, 0, 5, 0]


def test_a_long_transfer_obeys_in_its_middle(path: Path) -> None:
    """A limit that is lifted while a piece of a day's length is being paid for ends the wait within a second."""
    now_s = [0.0]
    set_limit(path, "1K", 1)

    def sleep(duration_s: float) -> None:
        now_s[0] += duration_s
        if now_s[0] > 60:
            erase_limit(path)

    Pace(RunLimit(path, None).rates, clock=lambda: now_s[0], sleep=sleep).pay("up", 86_400 * KIB)

    assert 60 < now_s[0] < 62
