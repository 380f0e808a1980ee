"""`make sim`: many seeds on all cores, kept seeds first; or one seed with all that happens in it.

    python -m tests.simulator 0-19999
    python -m tests.simulator 1000000-1004999    # worlds whose devices look where hints say
    python -m tests.simulator 1234 --trace

Seeds that fail are kept in `tests/simulator/seeds/`, each with room for a sentence; they run first from then on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulator.kept import keep, kept_seeds
from tests.simulator.run import run_seed

_TOLD_EVERY: Final = 500
_CHUNK: Final = 10


def main(words: Sequence[str]) -> int:
    """Run what was asked for; give 1 when a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__.partition("\n")[0])
    parser.add_argument("seeds", nargs="?", default="0-999", help="one seed, or a range such as 0-19999")
    parser.add_argument("--trace", action="store_true", help="print everything that happens in one seed")
    parser.add_argument("--replay", type=int, default=50, metavar="N", help="run one seed in N twice (default: 50)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: cores)")
    parser.add_argument("--no-keep", action="store_true", help="keep no failing seed")
    asked = parser.parse_args(words)
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if asked.trace:
        return _trace(seeds[0])
    return _bulk([*kept_seeds(), *seeds], asked.replay, asked.jobs, is_keeping=not asked.no_keep)


def _trace(seed: int) -> int:
    outcome = run_seed(seed)
    for number, line in enumerate(outcome.trace):
        _say(f"{number:5} {line}")
    for flaw in outcome.flaws:
        _say(f"FLAW {flaw}")
    return 1 if outcome.flaws else 0


def _bulk(seeds: Sequence[int], replay: int, jobs: int, *, is_keeping: bool) -> int:
    """Run seeds; tell how it goes on, and each one that fails in a line."""
    began, failed, done = time.monotonic(), 0, 0
    with ProcessPoolExecutor(jobs) as pool:
        for seed, flaws in pool.map(_one, _asked(seeds, replay), chunksize=_CHUNK):
            done += 1
            if flaws:
                failed += 1
                _say(f"seed {seed}: {flaws[0]}")
                if is_keeping:
                    keep(seed)
            if done % _TOLD_EVERY == 0 or done == len(seeds):
                each_ms = 1_000 * jobs * (time.monotonic() - began) / done
                _say(f"{done:,} of {len(seeds):,} seeds, up to {seed}: {failed} failed, {each_ms:.0f} ms each")
    _say(f"commit {_commit()}, seeds {seeds[-1] if len(seeds) == 1 else f'up to {seeds[-1]}'}, {failed} failed")
    return 1 if failed else 0


def _asked(seeds: Iterable[int], replay: int) -> Iterable[tuple[int, bool]]:
    return ((seed, bool(replay) and seed % replay == 0) for seed in seeds)


def _one(asked: tuple[int, bool]) -> tuple[int, tuple[str, ...]]:
    """Run a seed, perhaps twice: the same must happen."""
    seed, is_replayed = asked
    outcome = run_seed(seed)
    flaws = outcome.flaws
    if is_replayed and run_seed(seed).digest != outcome.digest:
        flaws = (*flaws, "it went another way the second time")
    return seed, flaws


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _commit() -> str:
    """Name what was run."""
    git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return git.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
