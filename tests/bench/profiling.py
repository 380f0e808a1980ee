"""Shows where mega's time goes in one row: py-spy on the client and, where the system allows it, on the server.

What it writes are collapsed stacks, which flame graph viewers read, and a text summary of them. It measures nothing:
py-spy slows what it looks at.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.data import Data
from tests.bench.mega import BIN, Mega
from tests.bench.process import StepFailedError
from tests.bench.rounds import Options, opened_mega
from tests.bench.rows import BIG_STEPS, SMALL_STEPS

_STOP_S = 60.0
_RATE_HZ = "200"
_SHOWN = 25
ROWS = {step.row: step for step in (*BIG_STEPS, *SMALL_STEPS)}


def profile(row: str, data: Data, folder: Path, out: Path, options: Options) -> None:
    """Run a row's steps of mega, the last of them under py-spy; write and print. Raises StepFailedError."""
    if not (BIN / "py-spy").exists():
        raise StepFailedError(f"py-spy is not installed: {BIN / 'pip'} install py-spy")
    steps = BIG_STEPS if ROWS[row] in BIG_STEPS else SMALL_STEPS
    target = folder / "fetched"
    target.mkdir()
    out.mkdir(parents=True, exist_ok=True)
    with opened_mega(folder / "profile", options.timeout_s) as mega:
        for step in steps[: steps.index(ROWS[row])]:
            if step.verb == "put":
                mega.put(getattr(data, step.source))
        source: Path = getattr(data, ROWS[row].source)
        is_put = ROWS[row].verb == "put"
        arguments = ("put", source, "/") if is_put else ("get", f"/{source.name}", target)
        client, server = out / f"profile-{row}-client.txt", out / f"profile-{row}-server.txt"
        with _watched_worker(mega, server):
            mega.runner.run((*_py_spy(client), "--", BIN / "mega", *arguments), folder)
    for stacks in (client, server):
        if stacks.exists():
            sys.stdout.write(f"# {stacks}\n{summary(stacks.read_text(errors='replace'))}\n")
        else:
            sys.stdout.write(f"# {stacks}: nothing; watching another process may need root\n")


def summary(stacks: str) -> str:
    """Say in which lines time was spent, themselves and below, as shares of all samples.

    Threads that py-spy knows to be idle are not there; some that wait for a lock or a socket are.
    """
    itself: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = [name for name in frames.split(";") if not name.startswith("process ")] or ["outside Python"]
        itself[names[-1]] += int(count)
        below.update(dict.fromkeys(names, int(count)))
    total = max(1, sum(itself.values()))
    lines = [f"{total} samples at {_RATE_HZ} Hz, over all threads"]
    for title, counter in (("itself", itself), ("with what it calls", below)):
        lines += ["", f"  share  {title}"]
        lines += [f"{count / total:7.1%}  {name}" for name, count in counter.most_common(_SHOWN)]
    return "\n".join(lines)


def _py_spy(out: Path) -> tuple[str | Path, ...]:
    return (BIN / "py-spy", "record", "--rate", _RATE_HZ, "--format", "raw", "--output", out)


@contextlib.contextmanager
def _watched_worker(mega: Mega, out: Path) -> Iterator[None]:
    """Watch the server's processes while the block runs."""
    assert mega.server is not None, "it was opened"
    watcher = subprocess.Popen(
        (*_py_spy(out), "--subprocesses", "--pid", str(mega.server.pid)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        watcher.send_signal(signal.SIGINT)
        try:
            watcher.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait()
