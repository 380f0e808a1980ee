"""The racy rule of design/sync.md 1.5: when stamps may be believed."""

from __future__ import annotations

import pytest

from mega_cli.localfs.racy import COARSE_NS, FINE_NS, is_racy, is_unchanged
from mega_cli.localfs.stat_print import StatPrint

NOW_NS = 1_700_000_000_500_000_000
OLD_NS = NOW_NS - 10_000_000_001
ROW = StatPrint(10, OLD_NS, OLD_NS, 7, 1, 0o644)


@pytest.mark.parametrize(
    ("mtime_ns", "ctime_ns", "racy"),
    [
        (OLD_NS, OLD_NS, False),
        (NOW_NS - FINE_NS, OLD_NS, True),
        (NOW_NS - FINE_NS - 1, OLD_NS, False),
        (OLD_NS, NOW_NS - FINE_NS, True),
        (OLD_NS, NOW_NS - FINE_NS - 1, False),
        (NOW_NS - COARSE_NS + 500_000_000, OLD_NS, True),  # a whole second, 1.5 s ago: perhaps a coarse clock
        (NOW_NS + 10**18, OLD_NS, True),  # the far future
        (-5, OLD_NS, False),
        (0, OLD_NS, False),
    ],
)
def test_stamps_near_the_observation_prove_nothing(mtime_ns: int, ctime_ns: int, racy: bool) -> None:  # noqa: FBT001 -- a table
    """Within one tick of the clock a second write could leave the same stamps."""
    assert is_racy(ROW._replace(mtime_ns=mtime_ns, ctime_ns=ctime_ns), NOW_NS) is racy


def test_the_ctime_of_our_own_publish_is_excused() -> None:
    """We set the mtime to the past, which made the ctime fresh; the mtime still counts."""
    assert not is_racy(ROW._replace(ctime_ns=NOW_NS), NOW_NS, is_own_publish=True)
    assert is_racy(ROW._replace(mtime_ns=NOW_NS - 1), NOW_NS, is_own_publish=True)


@pytest.mark.parametrize(
    "changed",
    [
        ROW._replace(size=11),
        ROW._replace(mtime_ns=OLD_NS - 1),
        ROW._replace(ctime_ns=OLD_NS + 1),
        ROW._replace(ino=8),
        ROW._replace(mode=0o755),
    ],
)
def test_any_stamp_that_differs_is_a_change(changed: StatPrint) -> None:
    """An older mtime is a change too."""
    assert not is_unchanged(changed, ROW, row_is_racy=False)


@pytest.mark.parametrize("same", [ROW, ROW._replace(dev=2), ROW._replace(mode=0o600)])
def test_equal_stamps_are_no_change(same: StatPrint) -> None:
    """The device's number and the bits of others do not count."""
    assert is_unchanged(same, ROW, row_is_racy=False)


def test_a_racy_row_is_never_believed() -> None:
    """It is hashed again."""
    assert not is_unchanged(ROW, ROW, row_is_racy=True)
