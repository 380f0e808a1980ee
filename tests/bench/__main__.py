"""`python -m tests.bench`: measures mega beside its peers and prints the table; `--write` also writes the documents."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench.big_folder import play_big_folder
from tests.bench.data import make_data
from tests.bench.machine import load_average, memory_bytes
from tests.bench.peers import PEERS, missing, version
from tests.bench.process import StepFailedError
from tests.bench.profiling import ROWS as PROFILED
from tests.bench.profiling import profile
from tests.bench.report import Setting, document, write_report
from tests.bench.rounds import Options, Results, play_start_up, play_steps
from tests.bench.rows import BIG_STEPS, MEMORY, ROWS, SMALL_STEPS

_ROOT: Final = Path(__file__).parents[2]
_GIB: Final = 1 << 30
_GIT_TIMEOUT_S: Final = 30.0
_FULL: Final = {"rounds": 3, "size": 1024, "files": 10_000, "entries": 100_000, "settle": 1.0}
_QUICK: Final = {"rounds": 1, "size": 64, "files": 500, "entries": 1_000, "settle": 0.2}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure mega beside restic, borg and rclone. Fetched data is compared; all is removed again.",
        epilog=f"rows: {' '.join(row.name for row in ROWS)}",
    )
    for name, meaning in (
        ("rounds", "how often"),
        ("size", "the big file in MiB"),
        ("files", "how many small files"),
        ("entries", "entries of the large folder"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{meaning} (default {_FULL[name]:,})")
    parser.add_argument("--settle", type=float, metavar="S", help="pause before a step in seconds (default 1)")
    parser.add_argument("--timeout", type=float, default=1200.0, metavar="S", help="of each command (default 1200)")
    parser.add_argument("--quick", action="store_true", help="little data, one round, all rows: to try")
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS], metavar="ROW", help="repeatable")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="LIST", help="default restic,borg,rclone")
    parser.add_argument(
        "--scratch", type=Path, metavar="DIR", help="on which file system (default: for temporary files)"
    )
    parser.add_argument("--write", action="store_true", help="write benchmarks.md and benchmarks/DATE.json")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs", metavar="DIR", help="where (default docs)")
    parser.add_argument(
        "--profile", choices=sorted(PROFILED), metavar="ROW", help="look into mega in a row, with py-spy"
    )
    return parser


def main() -> int:
    """Run what the command line asks for; returns 1 when anything failed."""
    parser = _parser()
    asked = parser.parse_args()
    peers = [name for name in asked.peers.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    if asked.write and (asked.only or asked.quick) and asked.out == _ROOT / "docs":
        parser.error("the documents hold whole tables: --write with --only or --quick needs --out DIR")
    if lacking := missing("mega"):
        parser.error(f"{' and '.join(lacking)} not found; install with: make install")
    if os.name == "nt":
        parser.error("the benchmark needs Linux or macOS")
    load = load_average()
    lacks = {name: missing(name) for name in peers}
    defaults = _QUICK if asked.quick else _FULL
    chosen = {name: getattr(asked, name) or value for name, value in defaults.items()}
    options = Options(
        rounds=int(chosen["rounds"]),
        size_mib=int(chosen["size"]),
        files=int(chosen["files"]),
        entries=int(chosen["entries"]),
        rows=_rows(asked.only),
        contestants=("mega", *(name for name in peers if not lacks[name])),
        settle_s=chosen["settle"],
        timeout_s=asked.timeout,
    )
    gone = tuple(f"{name}, because {' and '.join(what)} is not installed" for name, what in lacks.items() if what)
    setting = Setting(datetime.now(UTC).date().isoformat(), _machine(), _versions(options.contestants), load, gone)
    # So that servers stop and the folder is removed, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="mega-bench-", dir=asked.scratch, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if asked.profile:
            profile(
                asked.profile, make_data(folder / "data", options.size_mib, options.files), folder, asked.out, options
            )
            return 0
        results = measure(folder, options)
    sys.stdout.write(document(setting, options, results))
    if asked.write:
        write_report(asked.out, setting, options, results)
    return 1 if results.failures else 0


def measure(folder: Path, options: Options) -> Results:
    """Run all wanted rows. A row that mega alone runs and that fails is a failure like the others."""
    results = Results()
    data = make_data(folder / "data", options.size_mib, options.files)
    play_steps(BIG_STEPS, data, folder, options, results)
    play_steps(SMALL_STEPS, data, folder, options, results)
    try:
        play_start_up(data, folder, options, results)
        play_big_folder(folder, options, results)
    except StepFailedError as error:
        results.fail(str(error))
    return results


def _rows(only: list[str] | None) -> frozenset[str]:
    """Name the rows to run; peak memory alone needs every step of the groups."""
    wanted = set(only or (row.name for row in ROWS))
    if wanted & set(MEMORY):
        wanted |= {step.row for step in (*BIG_STEPS, *SMALL_STEPS)}
    return frozenset(wanted)


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = memory_bytes() / _GIB
    return (
        f"{os.cpu_count()} cores, {names[0] if names else platform.machine()}, {memory:.0f} GiB, {platform.platform()}"
    )


def _versions(contestants: tuple[str, ...]) -> tuple[str, ...]:
    programs = [*contestants, *(["rclone"] if "restic" in contestants and "rclone" not in contestants else [])]
    told = [f"{version(name)}{_commit()}" if name == "mega" else version(name) for name in programs]
    return (*told, f"Python {platform.python_version()}")


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    command = (git, "describe", "--always", "--dirty")
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_GIT_TIMEOUT_S)
    return f", commit {answer.stdout.strip()}" if answer.returncode == 0 else ""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StepFailedError as failed:
        sys.exit(f"bench: error: {failed}")
