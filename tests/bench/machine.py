"""What the benchmark asks of the system and Windows does not offer; there `main` refuses before any of it is called."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_KIB = 1024


def write_to_disk() -> None:
    """Return when everything written so far is on the disk."""
    if sys.platform != "win32":
        os.sync()


def load_average() -> float:
    """Give the load of the last minute."""
    if sys.platform != "win32":
        return os.getloadavg()[0]
    else:  # noqa: RET505 -- mypy skips a branch of the other platform only when it is one
        return 0.0


def memory_bytes() -> int:
    """Give the size of the machine's memory."""
    if sys.platform != "win32":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    else:  # noqa: RET505 -- as above
        return 0


def wait_with_peak(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process's end, set its `returncode` and give its peak resident set in bytes."""
    if sys.platform != "win32":
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss * (1 if sys.platform == "darwin" else _KIB)
    else:  # noqa: RET505 -- as above
        process.wait()
        return 0


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was started in a session of its own, with its children. Raises ProcessLookupError."""
    if sys.platform != "win32":
        os.killpg(process.pid, signal.SIGKILL)
