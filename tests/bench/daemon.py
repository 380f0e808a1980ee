"""`python -m tests.bench.daemon`: two daemons that mirror one folder, beside Syncthing where it is installed.

Measured is what a person sees: from a change in one folder until the other folder shows it, to the last byte. mega's
two daemons talk to a real server, which keeps a third, encrypted copy; Syncthing's two talk to each other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final, Protocol, final

from tests.bench.data import make_data, make_tiny
from tests.bench.machine import load_average
from tests.bench.mega import Mega
from tests.bench.process import StepFailedError
from tests.bench.rounds import opened_mega, settle
from tests.bench.syncthing import Syncthing

_FULL: Final = {"edits": 50, "files": 20_000, "entries": 200_000, "idle": 600.0, "settle": 1.0}
_QUICK: Final = {"edits": 5, "files": 500, "entries": 2_000, "idle": 20.0, "settle": 0.2}
_PER_FOLDER: Final = 100
_LOOK_S: Final = 0.01
_SLOW_LOOK_S: Final = 0.5
"""To look over thousands of files costs what is measured."""
_EDIT_BYTES: Final = 1_000
_GROW_S: Final = 60.0
_MOST_S: Final = 1800.0
_NO_PROC: Final = "what processes use is read from /proc, which only Linux has"


class Neighbours(Protocol):
    """Two processes that mirror two folders."""

    name: str

    @property
    def pids(self) -> list[int]:
        """Give the processes that do the work."""

    def start(self) -> None:
        """Start both."""

    def stop(self) -> None:
        """Stop both."""


@final
class Daemons:
    """mega's: two homes with a daemon each."""

    name = "mega"

    def __init__(self, one: Mega, place: Path, folders: Sequence[Path]) -> None:
        """Log in on the second home; make the pairs when started."""
        self._folders = folders
        self._homes = [one, self._other(one, place)]

    @staticmethod
    def _other(one: Mega, place: Path) -> Mega:
        environment = dict(one.runner.environment) | {"MEGA_HOME": str(place / "home-2")}
        other = Mega.__new__(Mega)
        other.__dict__.update(one.__dict__)
        other.runner = type(one.runner)(environment, one.runner.logs, one.runner.timeout_s)
        other.server = None
        assert one.server is not None
        url = f"http://127.0.0.1:{one.server.port}"
        other.run("login", "bench", "--password-file", place / "password", "--server", url)
        return other

    @property
    def pids(self) -> list[int]:
        """Give the daemons."""
        return [int(json.loads(home.run("status", "--json").stdout)["daemon"]["pid"]) for home in self._homes]

    def start(self) -> None:
        """Mirror: the daemons start by themselves."""
        for home, folder in zip(self._homes, self._folders, strict=True):
            home.run("sync", folder, "/mirrored")

    def stop(self) -> None:
        """Stop both."""
        for home in self._homes:
            home.run("daemon", "stop")


@dataclass(slots=True)
class Figures:
    """What was measured, by row and contestant."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, row: str, name: str, value: float, unit: str = "s") -> None:
        """Keep a figure, and say so on stderr."""
        self.values.setdefault((row, name), []).append(value)
        sys.stderr.write(f"  {row:14} {name:9} {value:10.3f} {unit}\n")

    def cell(self, row: str, name: str, shown: Callable[[list[float]], str]) -> str:
        """Write one cell of the table."""
        values = self.values.get((row, name))
        return shown(values) if values else "-"


# --- what is played ---------------------------------------------------------------------------------------------------


def play(pair: Neighbours, folders: tuple[Path, Path], options: argparse.Namespace, figures: Figures) -> None:
    """Play every row with one contestant. Raises StepFailedError."""
    one, two = folders
    make_data(one.parent / "data", 1, options.files)
    pair.start()
    try:
        _edit_often(pair, one, two, "edit", options, figures)
        ready = one.parent / "data" / "v1" / "small"
        began_s = time.perf_counter()
        ready.rename(one / "new")
        _until(lambda: _count(two / "new") == options.files, _SLOW_LOOK_S)
        figures.add("new", pair.name, time.perf_counter() - began_s)
        for number in range(0, options.entries, _PER_FOLDER * 100):
            make_tiny(one.parent / "many" / f"{number:07}", min(_PER_FOLDER * 100, options.entries - number))
        (one.parent / "many").rename(one / "many")
        _until(lambda: _count(two / "many") == options.entries, _SLOW_LOOK_S * 10)
        settle(options.settle * 20)
        _edit_often(pair, one, two, "edit of many", options, figures)
        _rest(pair, options, figures)
    finally:
        pair.stop()


def _edit_often(
    pair: Neighbours, one: Path, two: Path, row: str, options: argparse.Namespace, figures: Figures
) -> None:
    """Save one small file again and again, at moments that fit no rhythm, as an editor saves."""
    luck = random.Random(row)
    for number in range(options.edits):
        time.sleep(luck.uniform(0.5, 3.0))  # between two saves of a person
        content = luck.randbytes(_EDIT_BYTES)
        staged, target, mirrored = one.parent / "staged", one / f"edited {number % 5}", two / f"edited {number % 5}"
        staged.write_bytes(content)
        began_s = time.perf_counter()
        staged.rename(target)

        def is_there(mirrored: Path = mirrored, content: bytes = content) -> bool:
            with contextlib.suppress(FileNotFoundError):
                return mirrored.read_bytes() == content
            return False

        _until(is_there, _LOOK_S)
        figures.add(row, pair.name, time.perf_counter() - began_s)


def _rest(pair: Neighbours, options: argparse.Namespace, figures: Figures) -> None:
    """Let nothing happen, and see what it costs: the busiest of the two."""
    settle(min(30.0, options.idle))
    pids = pair.pids
    cpu_s, rss = [_cpu_s(pid) for pid in pids], [_rss_bytes(pid) for pid in pids]
    time.sleep(options.idle)
    used = max(_cpu_s(pid) - before for pid, before in zip(pids, cpu_s, strict=True))
    grown = max(_rss_bytes(pid) - before for pid, before in zip(pids, rss, strict=True))
    figures.add("idle cpu", pair.name, 100 * used / options.idle, "%")
    figures.add("idle growth", pair.name, grown / 1e6 * 3600 / options.idle, "MB/h")
    figures.add("memory", pair.name, max(_rss_bytes(pid) for pid in pids) / 1e6, "MB")


def _until(is_there: Callable[[], bool], look_s: float) -> None:
    ends_s = time.monotonic() + _MOST_S
    while not is_there():
        if time.monotonic() > ends_s:
            raise StepFailedError(f"it was not there after {_MOST_S:.0f} s")
        time.sleep(look_s)


def _count(folder: Path) -> int:
    """Count the files below a folder that have their final names."""
    total = 0
    for _, _, names in os.walk(folder):
        total += sum(not name.startswith((".syncthing", "~syncthing")) for name in names)
    return total


def _cpu_s(pid: int) -> float:
    if sys.platform == "win32":
        raise StepFailedError(_NO_PROC)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_bytes(pid: int) -> int:
    if sys.platform == "win32":
        raise StepFailedError(_NO_PROC)
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- what is said of it -----------------------------------------------------------------------------------------------


def _times(values: list[float]) -> str:
    return f"{median(values):.2f} s, worst {max(values):.2f} s"


def table(figures: Figures, options: argparse.Namespace) -> str:
    """Write the rows as Markdown."""
    rows: list[tuple[str, str, Callable[[list[float]], str]]] = [
        (f"an edit until it is on the second device, {options.edits} of them", "edit", _times),
        (f"{options.files:,} new files until all are there", "new", _times),
        (f"an edit in a tree of {options.entries:,} entries", "edit of many", _times),
        (f"CPU of one idle daemon over {options.idle:.0f} s, same tree", "idle cpu", lambda v: f"{v[-1]:.2f} %"),
        ("its growth in memory meanwhile", "idle growth", lambda v: f"{v[-1]:.1f} MB an hour"),
        ("its memory", "memory", lambda v: f"{v[-1]:.0f} MB"),
    ]
    lines = ["| what | mega | Syncthing |", "|---|---|---|"]
    lines += [f"| {title} | {figures.cell(r, 'mega', f)} | {figures.cell(r, 'syncthing', f)} |" for title, r, f in rows]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _folders(place: Path) -> Iterator[tuple[Path, Path]]:
    one, two = place / "one" / "mirrored", place / "two" / "mirrored"
    for folder in (one, two):
        folder.mkdir(parents=True)
    yield one, two


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.daemon", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data: to try")
    for name, kind in (("edits", int), ("files", int), ("entries", int), ("idle", float), ("settle", float)):
        parser.add_argument(f"--{name}", type=kind, help=f"default {_FULL[name]}")
    parser.add_argument("--only", choices=["mega", "syncthing"], help="leave the other out")
    parser.add_argument("--timeout", type=float, default=1200.0, help="of each command, in seconds (default 1200)")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="on which file system")
    options = parser.parse_args(words)
    for name, value in (_QUICK if options.quick else _FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    load, figures = load_average(), Figures()
    with tempfile.TemporaryDirectory(prefix="mega-bench-", dir=options.scratch, ignore_cleanup_errors=True) as name:
        base = Path(name)
        if options.only != "syncthing":
            with opened_mega(base / "mega", options.timeout) as mega, _folders(base / "mega-folders") as folders:
                play(Daemons(mega, base / "mega", folders), folders, options, figures)
        if options.only != "mega":
            with _folders(base / "syncthing-folders") as folders:
                try:
                    play(Syncthing(base, folders), folders, options, figures)
                except StepFailedError as error:
                    sys.stderr.write(f"  left out: {error}\n")
    sys.stdout.write(f"One round, load average {load:.2f} at the start.\n\n{table(figures, options)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StepFailedError as failed:
        sys.exit(f"bench: error: {failed}")
