"""Some calls of every command fail, or end the process, on either side. `make faults` takes every call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed by /proc")
ROOT = Path(__file__).parents[2]
MOST_S = 300


def swept(*words: str) -> list[dict[str, object]]:
    """Sweep in a process of its own, which has one thread and may fork."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sweep", *words],
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
        cwd=ROOT,
    )
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("mode", ["fails", "full", "fails-late", "dead", "killed"])
def test_a_hit_call_costs_nothing_but_a_second_run(side: str, mode: str) -> None:
    """First, last and some calls between: a clear end, a whole volume, and the same command again succeeds."""
    found = swept("put", "get", "mv", "--side", side, "--mode", mode, "--most", "3")

    assert [line["wrong"] for line in found] == [[], [], []]
    assert all(line["tried"] for line in found)


def test_what_is_lost_is_found_out() -> None:
    """A server that acknowledges a pack and drops it is called wrong: the sweep can fail."""
    found = swept("put", "--side", "client", "--mode", "fails", "--most", "1", "--forget-packs")

    assert found[0]["wrong"]
