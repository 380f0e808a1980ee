"""How hard the properties are tried: the same 500 cases each in the suite; MEGA_PROPERTY_CASES new ones in a soak."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

_CASES: Final = os.environ.get("MEGA_PROPERTY_CASES", "")
thoroughly: Final = settings(
    max_examples=int(_CASES or "500"),
    derandomize=not _CASES,  # a change is judged by what it changes; the search is for `make sim`
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
"""Settings of every property of the planner."""
