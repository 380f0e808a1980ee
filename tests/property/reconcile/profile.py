"""How hard the properties are tried: 500 cases each in the suite; MEGA_PROPERTY_CASES says how many in a soak."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

thoroughly: Final = settings(
    max_examples=int(os.environ.get("MEGA_PROPERTY_CASES", "500")),
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
"""Settings of every property of the planner."""
