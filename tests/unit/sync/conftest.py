"""What the scanner's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sync.scanning import Bench, SimBench, User, real_bench


@pytest.fixture(params=["sim", "real"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Bench, User]]:
    """Give a bench and its user, on either disk."""
    if request.param == "sim":
        sim = SimBench()
        yield sim.bench, sim.user
    else:
        bench, user = real_bench(tmp_path)
        yield bench, user
        bench.disk.close()  # type: ignore[attr-defined]  # a RealDisk
