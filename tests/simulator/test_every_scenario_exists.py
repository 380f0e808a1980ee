"""Every numbered scenario of `design/sync.md` 6 that belongs to this part has a test with its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
WANTED = {*range(1, 51), *range(55, 61)}


def test_every_scenario_has_a_test() -> None:
    """A function `test_NN_…` somewhere below `tests` for each of 1-50 and 55-60."""
    found = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(r"^def test_(\d\d)_", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert WANTED - found == set()
