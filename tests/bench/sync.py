"""`python -m tests.bench.sync`: sync beside `mega put` and beside Unison, where it does the same work.

Unison mirrors two folders of this disk: it neither encrypts nor talks to a server, and keeps no history. Both are timed
as whole processes until a `sync` after them has returned.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.data import make_data, make_tiny
from tests.bench.machine import load_average
from tests.bench.mega import Mega
from tests.bench.process import Run, StepFailedError
from tests.bench.rounds import opened_mega, settle

_FULL: Final = {"rounds": 3, "files": 20_000, "entries": 200_000, "settle": 1.0}
_QUICK: Final = {"rounds": 1, "files": 500, "entries": 2_000, "settle": 0.2}
_CHANGE_BYTES: Final = 1_000
_PER_FOLDER: Final = 100


@dataclass(slots=True)
class Figures:
    """Seconds by row and contestant, and what mega sent."""

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    sent_bytes: dict[str, list[int]] = field(default_factory=dict)

    def add(self, row: str, name: str, run: Run) -> None:
        """Keep what one run took, and say so on stderr."""
        self.seconds.setdefault((row, name), []).append(run.durable_seconds)
        if name == "mega":
            self.sent_bytes.setdefault(row, []).append(_sent(run))
        sys.stderr.write(f"  {row:28} {name:9} {run.durable_seconds:8.3f} s\n")

    def median_s(self, row: str, name: str) -> float | None:
        """Give the median of a row, if it was measured."""
        values = self.seconds.get((row, name))
        return median(values) if values else None


def _sent(run: Run) -> int:
    """Read the bytes of content that a sync says it sent."""
    return int(json.loads(run.stdout.splitlines()[-1]).get("sent_bytes", 0))


class Pair:
    """One folder that mega and Unison each keep in step with a place of their own."""

    def __init__(self, mega: Mega, local: Path, twin: Path, unison: str | None) -> None:
        self._mega = mega
        self._local = local
        self._twin = twin
        self._unison = unison

    def play(self, row: str, figures: Figures, settle_s: float) -> None:
        """Let both bring the folder up to date, and note what each took."""
        settle(settle_s)
        run = self._mega.run("sync", "--once", "--json", "--max-delete", "off", self._local, f"/{self._local.name}")
        figures.add(row, "mega", run)
        if self._unison:
            settle(settle_s)
            words = ("-batch", "-auto", "-silent", "-confirmbigdel=false", "-ignore", "Name .mega")
            command = (self._unison, self._local, self._twin, *words)
            figures.add(row, "unison", self._mega.runner.run(command, self._twin.parent))


def measure(folder: Path, options: argparse.Namespace) -> Figures:
    """Run every row in every round. Raises StepFailedError."""
    figures = Figures()
    unison = shutil.which("unison")
    for number in range(options.rounds):
        place = folder / f"round-{number}"
        with opened_mega(place, options.timeout) as mega:
            _play_files(mega, place, options, unison, figures)
            _play_entries(mega, place, options, unison, figures)
    return figures


def _play_files(mega: Mega, place: Path, options: argparse.Namespace, unison: str | None, figures: Figures) -> None:
    """Sync new files, put the same ones from another account, then rename the whole folder."""
    data = make_data(place / "data", 1, options.files)
    settle(options.settle)
    with opened_mega(place / "put", options.timeout) as other:
        figures.add("new", "mega put", other.run("put", "--json", data.small, "/"))
    local = place / "new"
    local.mkdir()
    shutil.copytree(data.small, local / "files", symlinks=True)
    _make_old(local)
    pair = Pair(mega, local, place / "new-twin", unison)
    pair.play("new", figures, options.settle)
    (local / "files").rename(local / "renamed")
    pair.play("rename", figures, options.settle)


def _play_entries(mega: Mega, place: Path, options: argparse.Namespace, unison: str | None, figures: Figures) -> None:
    """Sync a large tree, again with nothing changed, and again with one file changed."""
    local = place / "many"
    local.mkdir()
    for number in range(0, options.entries, _PER_FOLDER * 100):
        make_tiny(local / f"{number:07}", min(_PER_FOLDER * 100, options.entries - number))
    _make_old(local)
    pair = Pair(mega, local, place / "many-twin", unison)
    pair.play("many", figures, options.settle)
    pair.play("nothing", figures, options.settle)
    changed = next(path for path in sorted(local.rglob("*")) if path.is_file() and ".mega" not in path.parts)
    changed.write_bytes(os.urandom(_CHANGE_BYTES))
    os.utime(changed, ns=(1_700_000_000_000_000_000,) * 2)
    pair.play("one", figures, options.settle)


def _make_old(folder: Path) -> None:
    """Let every file be old enough that nobody waits for it."""
    for path in folder.rglob("*"):
        os.utime(path, ns=(1_600_000_000_123_456_789,) * 2, follow_symlinks=False)


_TITLES: Final = {
    "new": "{files} new files",
    "rename": "their folder renamed",
    "many": "{entries} new entries of a few bytes",
    "nothing": "nothing changed in {entries} entries",
    "one": "one file changed in {entries} entries",
}


def table(figures: Figures, options: argparse.Namespace) -> str:
    """Write the rows as Markdown."""
    lines = ["| work | mega | content sent | unison, on this disk |", "|---|---|---|---|"]
    for row, title in _TITLES.items():
        mine, other = figures.median_s(row, "mega"), figures.median_s(row, "unison")
        sent = figures.sent_bytes.get(row)
        cells = (
            title.format(files=f"{options.files:,}", entries=f"{options.entries:,}"),
            "-" if mine is None else f"{mine:.2f} s",
            "-" if not sent else f"{median(sent):,.0f} bytes",
            "-" if other is None else f"{other:.2f} s",
        )
        lines.append(f"| {' | '.join(cells)} |")
    put, new = figures.median_s("new", "mega put"), figures.median_s("new", "mega")
    if put and new:
        lines += ["", f"`mega put` of the same files took {put:.2f} s: sync takes {new / put:.2f} times that."]
    one, nothing = figures.median_s("one", "mega"), figures.median_s("nothing", "mega")
    if one and nothing:
        lines.append(f"The one change costs {(one - nothing) * 1000:.0f} ms more than a run that finds nothing.")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sync", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data, one round: to try")
    for name, kind in (("rounds", int), ("files", int), ("entries", int), ("settle", float)):
        parser.add_argument(f"--{name}", type=kind, help=f"default {_FULL[name]}")
    parser.add_argument("--timeout", type=float, default=1200.0, help="of each command, in seconds (default 1200)")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="on which file system")
    options = parser.parse_args(words)
    for name, value in (_QUICK if options.quick else _FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    load = load_average()
    with tempfile.TemporaryDirectory(prefix="mega-bench-", dir=options.scratch, ignore_cleanup_errors=True) as name:
        figures = measure(Path(name), options)
    sys.stdout.write(f"{options.rounds} rounds, medians, load average {load:.2f} at the start.\n\n")
    sys.stdout.write(table(figures, options))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StepFailedError as failed:
        sys.exit(f"bench: error: {failed}")
