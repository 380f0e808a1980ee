"""Runs one command or one server and measures time and peak memory. POSIX; a server's peak is known on Linux only.

A client's peak is what the kernel reports at its end. It is never below the peak of this process, which the kernel
counts for the moment between fork and exec: so the benchmark itself must stay small, imports nothing of the product
and never reads a file whole.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench.machine import kill_session, wait_with_peak, write_to_disk

_READY_S = 30.0
_STOP_S = 20.0
_POLL_S = 0.02
_TAIL_CHARACTERS = 600
_KIB = 1024


class StepFailedError(Exception):
    """A command ended badly, took too long, or gave back something else than it was given."""


@dataclass(frozen=True, slots=True)
class Run:
    """One command that ended well."""

    seconds: float
    durable_seconds: float
    """Until `sync` had returned as well: what was stored is then on the disk, whoever stored it."""
    peak_bytes: int
    stdout: str


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs commands in one environment, each with a time-out. Output goes to files in `logs`, never to a full pipe."""

    environment: Mapping[str, str]
    logs: Path
    timeout_s: float

    def run(self, command: Sequence[str | Path], cwd: Path) -> Run:
        """Run a command to its end. Raises StepFailedError."""
        out, err = self.logs / "stdout", self.logs / "stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            start = time.perf_counter()
            process = subprocess.Popen(
                [os.fspath(part) for part in command],
                cwd=cwd,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            with _end_after(process, self.timeout_s) as is_late:
                peak_bytes = wait_with_peak(process)
            seconds = time.perf_counter() - start
            write_to_disk()
            durable_seconds = time.perf_counter() - start
        if process.returncode != 0:
            why = f"took more than {self.timeout_s:g} s" if is_late.is_set() else f"exit code {process.returncode}"
            words = " ".join(Path(part).name for part in command[:2])
            told = " ".join(err.read_text(errors="replace")[-_TAIL_CHARACTERS:].split())
            raise StepFailedError(f"{words}: {why}{': ' if told else ''}{told}")
        return Run(seconds, durable_seconds, peak_bytes, out.read_text(errors="replace"))


class Server:
    """A server on 127.0.0.1 with its workers. A context manager; `{port}` in the command becomes a free port."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
        """Choose a free port and remember the rest."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._command = [os.fspath(part).replace("{port}", str(self.port)) for part in command]
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it listens. Raises StepFailedError."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return self
            time.sleep(_POLL_S)
        self.__exit__()
        raise StepFailedError(f"the server did not start: {self._log.read_text(errors='replace')[-_TAIL_CHARACTERS:]}")

    def __exit__(self, *_: object) -> None:
        """Stop it and its workers."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            kill_session(self._process)
            self._process.wait(_STOP_S)
        self._process = None

    @property
    def pid(self) -> int:
        """The process that was started; workers are its children."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def forget_peak(self) -> None:
        """Let the peak start again from what is used now."""
        for pid in self._pids():
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int | None:
        """Give the largest peak of one of its processes since `forget_peak`; None where the system does not tell."""
        peaks = []
        for pid in self._pids():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                peaks += [int(line.split()[1]) * _KIB for line in status.splitlines() if line.startswith("VmHWM:")]
        return max(peaks, default=None)

    def _pids(self) -> Iterator[int]:
        found = [self.pid]
        for pid in found:
            yield pid
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextlib.contextmanager
def _end_after(process: subprocess.Popen[bytes], timeout_s: float) -> Iterator[threading.Event]:
    """Kill the process and its children when the block takes longer; the event tells whether that happened."""
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        with contextlib.suppress(ProcessLookupError):
            kill_session(process)

    timer = threading.Timer(timeout_s, end)
    timer.start()
    try:
        yield is_late
    except BaseException:  # Ctrl-C does not reach a session of its own: what was started ends with us
        end()
        raise
    finally:
        timer.cancel()
