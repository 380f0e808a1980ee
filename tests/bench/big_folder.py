"""One `put` of a new file into a large folder against one into a folder of 100: cost must follow the change."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tests.bench.data import make_tiny
from tests.bench.process import Run
from tests.bench.rounds import Options, Results, opened_mega, sample_of, settle
from tests.bench.rows import BIG_FOLDER

FEW = "few"
MANY = "many"
MADE = "made"
"""The one put that made the large folder: told beside the row, no part of it."""
_FEW_ENTRIES = 100
_FILE_BYTES = 10_000
_PUTS_A_ROUND = 5


def play_big_folder(folder: Path, options: Options, results: Results) -> None:
    """Measure both in turn: a new process each time, warm caches. Raises StepFailedError."""
    if BIG_FOLDER not in options.rows:
        return
    sizes = {MANY: options.entries, FEW: _FEW_ENTRIES}
    sources = {name: make_tiny(folder / "tiny" / name, count) for name, count in sizes.items()}
    with opened_mega(folder / "mega-big-folder", options.timeout_s) as mega:

        def put_one(number: int, name: str) -> Run:
            source = folder / f"new {number} for {name}"
            source.write_bytes(os.urandom(_FILE_BYTES))
            return mega.run("put", source, f"/{name}")

        settle(options.settle_s)
        made = mega.put(sources[MANY])
        results.add(replace(sample_of(BIG_FOLDER, "mega", 0, made, mega), variant=MADE))
        mega.put(sources[FEW])
        for number in range(options.rounds * _PUTS_A_ROUND + 1):
            for name in (MANY, FEW) if number % 2 else (FEW, MANY):
                settle(options.settle_s / 4)
                run = put_one(number, name)
                if number:  # the first of each fills the caches
                    results.add(replace(sample_of(BIG_FOLDER, "mega", number, run, mega), variant=name))
