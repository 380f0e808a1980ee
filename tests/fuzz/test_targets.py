"""Every target holds for a modest number of inputs, and for every input that ever broke it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import target as bounds
from tests.fuzz.mutation import inputs
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target, UnboundedError, check

EXAMPLES = 60
CRASHES = Path(__file__).parents[1] / "vectors" / "fuzz.json"


class Crash(NamedTuple):
    """An input that broke a parser once."""

    target: str
    input: bytes
    comment: str


def crashes() -> list[Crash]:
    """Read the kept inputs."""
    kept = json.loads(CRASHES.read_text(encoding="utf-8"))
    return [Crash(one["target"], bytes.fromhex(one["input"]), one["comment"]) for one in kept]


@cache
def _strategy(name: str) -> st.SearchStrategy[bytes]:
    """Make a target's strategy once: its seeds cost more than an example."""
    return inputs(TARGETS[name])


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_and_noise_are_refused_or_read_back(name: str) -> None:
    """Only declared errors come out, within the bounds of memory and work."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(_strategy(name))
    def holds(raw: bytes) -> None:
        check(TARGETS[name], raw)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_holds(name: str) -> None:
    """The inputs that fuzzing begins from pass themselves."""
    seeds = TARGETS[name].seeds()

    assert seeds
    for seed in seeds[:50]:
        check(TARGETS[name], seed)


@pytest.mark.parametrize("crash", crashes(), ids=lambda crash: f"{crash.target}: {crash.comment}")
def test_what_broke_once_holds(crash: Crash) -> None:
    """Each crash that fuzzing found stays mended."""
    check(TARGETS[crash.target], crash.input)


def test_the_bounds_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that takes too much memory or work is reported: the bounds are not a decoration."""

    def copy(raw: bytes) -> None:
        bytearray(raw)

    with pytest.raises(UnboundedError, match="of memory"):
        check(Target("greedy", copy, list, most_bytes=1 << 19), bytes(1 << 20))
    monkeypatch.setattr(bounds, "MOST_CPU_S", -1.0)
    with pytest.raises(UnboundedError, match="of work"):
        check(Target("slow", copy, list), b"")
