"""Runs the rows: rounds, the order of contestants, pauses, comparisons. It measures nothing itself."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.bench.contestant import Contestant, Place
from tests.bench.data import Data, check_same
from tests.bench.machine import write_to_disk
from tests.bench.mega import Mega
from tests.bench.peers import make
from tests.bench.process import Run, StepFailedError
from tests.bench.rows import START_UP, Sample, Step

_START_UP_RUNS: Final = 10
_AFTER_REMOVAL_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. `rows` are the names of the rows that are wanted."""

    rounds: int
    size_mib: int
    files: int
    entries: int
    rows: frozenset[str]
    contestants: tuple[str, ...]
    settle_s: float
    timeout_s: float


@dataclass(slots=True)
class Results:
    """What was measured and what went wrong, as it comes."""

    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Keep a sample and say so on stderr."""
        self.samples.append(sample)
        figure = f"{sample.seconds:8.3f} s ({sample.durable_seconds:.3f} to the disk)"
        sys.stderr.write(f"  {sample.row:11} {sample.contestant:7} {figure} {sample.variant}\n")

    def fail(self, what: str) -> None:
        """Keep a failure and say so on stderr."""
        self.failures.append(what)
        sys.stderr.write(f"  FAILED {what}\n")


def settle(pause_s: float) -> None:
    """Let the disk finish what was written before, and the machine come to rest."""
    write_to_disk()
    time.sleep(pause_s)


def sample_of(row: str, name: str, number: int, run: Run, contestant: Contestant) -> Sample:
    """Note what a command took, and its server's peak."""
    peak = contestant.server.peak_bytes() if contestant.server else None
    return Sample(row, name, number, run.seconds, run.durable_seconds, run.peak_bytes, peak)


def play_steps(steps: Sequence[Step], data: Data, folder: Path, options: Options, results: Results) -> None:
    """Measure one group of steps in all rounds. A contestant that fails sits out the rest of its round."""
    wanted = [step.row in options.rows for step in steps]
    if not any(wanted):
        return
    steps = steps[: len(steps) - wanted[::-1].index(True)]
    are_small = steps[0].source == "small"
    for number in range(options.rounds):
        # rclone takes minutes for the small files, so it takes part in the first round alone.
        names = [name for name in options.contestants if not (are_small and name == "rclone" and number)]
        names = names[::-1] if number % 2 else names
        sys.stderr.write(f"round {number + 1}: {', '.join(names)}\n")
        place = folder / f"round-{number}"
        with contextlib.ExitStack() as stack:
            stack.callback(_remove, place)
            playing = _open_all(names, place, options, results, stack)
            for step in steps:
                for name, contestant in list(playing.items()):
                    try:
                        results.add(_play(step, name, number, contestant, data, place, options.settle_s))
                    except StepFailedError as error:
                        results.fail(f"{step.row}, {name}: {error}")
                        del playing[name]


def _remove(place: Path) -> None:
    """Remove a round's files, and wait: for five seconds ext4 skips inodes just freed one by one, at 0.5 ms a file."""
    shutil.rmtree(place, ignore_errors=True)
    settle(_AFTER_REMOVAL_S)


def play_start_up(data: Data, folder: Path, options: Options, results: Results) -> None:
    """Measure how long `mega --version` and `mega ls` take as whole processes."""
    rows = [row for row in START_UP if row in options.rows]
    if not rows:
        return
    with opened_mega(folder / "start-up", options.timeout_s) as mega:
        mega.put(data.small)
        settle(options.settle_s)
        commands = {"version": ("--version",), "ls": ("ls",)}
        for row in rows:
            mega.run(*commands[row])
        for number in range(options.rounds * _START_UP_RUNS):
            for row in rows:
                results.add(sample_of(row, "mega", number, mega.run(*commands[row]), mega))


@contextlib.contextmanager
def opened_mega(folder: Path, timeout_s: float) -> Iterator[Mega]:
    """Give a mega with an account in a new folder, and remove both. Raises StepFailedError."""
    folder.mkdir(parents=True)
    mega = Mega(Place(folder, timeout_s))
    try:
        mega.open()
        yield mega
    finally:
        mega.close()
        shutil.rmtree(folder, ignore_errors=True)


def _open_all(
    names: Sequence[str], place: Path, options: Options, results: Results, stack: contextlib.ExitStack
) -> dict[str, Contestant]:
    playing: dict[str, Contestant] = {}
    for name in names:
        home = place / name
        home.mkdir(parents=True)
        contestant = make(name, Place(home, options.timeout_s))
        stack.callback(contestant.close)
        try:
            contestant.open()
        except StepFailedError as error:
            results.fail(f"start, {name}: {error}")
        else:
            playing[name] = contestant
    return playing


def _play(
    step: Step, name: str, number: int, contestant: Contestant, data: Data, place: Path, settle_s: float
) -> Sample:
    source: Path = getattr(data, step.source)
    target = place / name / "fetched"
    if step.verb == "get":
        target.mkdir()
    since_ns = time.time_ns()
    settle(settle_s)
    if contestant.server:
        contestant.server.forget_peak()
    run = contestant.put(source) if step.verb == "put" else contestant.get(source.name, target)
    sample = sample_of(step.row, name, number, run, contestant)
    if step.verb == "get":
        check_same(source, target / source.name)  # it stays until the round ends: see `_remove`
        return sample
    return replace(sample, uploaded_bytes=contestant.uploaded_bytes(run, since_ns))
