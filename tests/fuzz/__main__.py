"""`make fuzz`: every target in turn for its share of the time, guided by coverage where atheris is installed.

Corpora, crashes and figures are kept in `.fuzz/` of the project, which git ignores; the next run goes on from there. A
crash belongs, as hexadecimal digits, into `tests/vectors/fuzz.json`. Without atheris, hypothesis draws the inputs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.fuzz.mutation import inputs
from tests.fuzz.scratch import INSIDE, scratch_folder
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target, check

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".fuzz"
_LEAST_S = 5
_ROUND_S = 30
"""So long a target runs before the next one: a crash of one keeps none of the others from its share."""
_RSS_MOST_MB = 1_024
_INPUT_MOST_S = 20


@dataclass
class Figures:
    """What the runs so far did for one target."""

    executions: int = 0
    edges: int = 0
    inputs: int = 0
    crashes: int = 0
    seconds: float = 0.0


def main(words: Sequence[str]) -> int:
    """Fuzz for so many seconds (3,600 by default), perhaps only the targets that are named; give 1 after a crash."""
    seconds = float(words[0]) if words else 3_600.0
    names = list(words[1:]) or list(TARGETS)
    figures = _load()
    slot_s = max(_LEAST_S, min(_ROUND_S, seconds / len(names)))
    is_guided = importlib.util.find_spec("atheris") is not None
    _say(f"{len(names)} targets, {slot_s:.0f} s at a time, {'atheris' if is_guided else 'hypothesis'}, kept in {KEPT}")
    end = time.monotonic() + seconds
    crashes_before = sum(figure.crashes for figure in figures.values())
    while time.monotonic() < end:
        for name in names:
            left_s = min(slot_s, end - time.monotonic())
            if left_s > 1:
                began = time.monotonic()
                figure = figures.setdefault(name, Figures())
                (_guided if is_guided else _drawn)(TARGETS[name], left_s, figure)
                figure.seconds += time.monotonic() - began
                _save(figures)
                _say(f"{name:18} {figure.executions:>12,} inputs {figure.edges:>6} edges {figure.crashes:>3} crashes")
    return 1 if sum(figure.crashes for figure in figures.values()) > crashes_before else 0


def _guided(target: Target, seconds: float, figure: Figures) -> None:
    """Run one target under libFuzzer, in a process of its own."""
    corpus, crashes = KEPT / "corpus" / target.name, KEPT / "crashes"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(corpus)]
    command += [f"-max_total_time={int(seconds)}", f"-rss_limit_mb={_RSS_MOST_MB}", f"-timeout={_INPUT_MOST_S}"]
    command += [f"-artifact_prefix={crashes}/{target.name}-", "-print_final_stats=1", "-max_len=200000"]
    environment = _environment() | {INSIDE: str(scratch_folder())}
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    told = ended.stdout + ended.stderr
    figure.executions += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", told)[-1:]))
    figure.edges = max([figure.edges, *map(int, re.findall(r"\bcov: (\d+)", told))])
    figure.inputs = sum(1 for _ in corpus.iterdir())
    if ended.returncode:
        figure.crashes += 1
        (crashes / f"{target.name}.{int(time.time())}.log").write_text(told[-20_000:], encoding="utf-8")


def _drawn(target: Target, seconds: float, figure: Figures) -> None:
    """Run one target with hypothesis, in this process."""
    end = time.monotonic() + seconds

    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def holds(raw: bytes) -> None:
        if time.monotonic() < end:
            figure.executions += 1
            last[0] = raw
            check(target, raw)

    while time.monotonic() < end:
        last = [b""]
        try:
            holds()
        except Exception as error:  # noqa: BLE001 -- whatever comes out of a parser is what is looked for
            figure.crashes += 1
            folder = KEPT / "crashes"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{target.name}-{sha256(last[0]).hexdigest()[:16]}").write_bytes(last[0])
            _say(f"{target.name}: {error!r}")
            return


def _environment() -> dict[str, str]:
    """Give children the project's modules, and no setting of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEGA_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def _load() -> dict[str, Figures]:
    """Read the figures of earlier runs."""
    file = KEPT / "figures.json"
    if not file.exists():
        return {}
    return {name: Figures(**figure) for name, figure in json.loads(file.read_text(encoding="utf-8")).items()}


def _save(figures: dict[str, Figures]) -> None:
    """Keep the figures."""
    KEPT.mkdir(exist_ok=True)
    text = json.dumps({name: asdict(figure) for name, figure in figures.items()}, indent=1)
    (KEPT / "figures.json").write_text(text + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
