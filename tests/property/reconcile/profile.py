"""How hard the properties are tried: the same 500 cases each in the suite; MEGA_PROPERTY_CASES new ones in a soak."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis.database import InMemoryExampleDatabase

_NEW_CASES: Final = int(os.environ.get("MEGA_PROPERTY_CASES") or "0")
_SAME_CASES: Final = 500
_CASE_BYTES: Final = 1_024
"""More than any case takes; one that took more would be left out, and not be told of."""

Given = Any
"""What `given` makes of a function: it has no better type."""


def in_new_cases(holds: Given) -> Callable[[], None]:
    """Search: the kept examples, and cases that nobody has seen. What fails is made small and shown."""
    tries: Callable[[], None] = _settings(_NEW_CASES)(holds)
    return tries


def in_the_same_cases(holds: Given) -> Callable[[], None]:
    """Try the kept examples, and the same cases in every run and on every machine. What fails is made small and shown.

    `derandomize` would not do: Hypothesis also draws numbers that it finds in whatever modules are imported. Bytes that
    are given to it leave it nothing to choose, and what fails then is kept for the one example that it tries by itself.
    """
    shows = _settings(1, database=InMemoryExampleDatabase())(holds)

    def tries() -> None:
        try:
            for number in range(_SAME_CASES):
                chance = Random(f"{holds.__qualname__} {number}")
                shows.hypothesis.fuzz_one_input(chance.randbytes(_CASE_BYTES))
        finally:
            shows()

    return tries


def _settings(cases: int, **more: Any) -> settings:
    return settings(
        max_examples=cases,
        deadline=None,  # the machine may be busy
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
        **more,
    )


thoroughly: Final = in_new_cases if _NEW_CASES else in_the_same_cases
"""How every property of the planner is tried: a change is judged by what it changes, the search is for `make sim`."""
