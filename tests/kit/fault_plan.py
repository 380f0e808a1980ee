"""A fault at the N-th call: the call fails, fails after its effect, finds the disk full, or the process dies there."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from pathlib import Path
from typing import Final, Literal, get_args

import httpx

from tests.kit.taps import Call

Mode = Literal["fails", "full", "fails-late", "dead", "killed"]
"""`fails`: EIO, an I/O error of SQLite, or no connection, once. `full`: the same with a full disk, for calls that
write. `fails-late`: the call has its effect, and its answer is lost. `dead`: this call fails and every later one.
`killed`: the process ends in the place of the call, as by SIGKILL."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
KILLED_CODE: Final = 137


class FaultPlan:
    """Watches calls, counts them, and makes the N-th fail; with N = 0 it only counts.

    It notes in the file `fired` which call was hit, because the process that is hit may not live to tell.
    """

    def __init__(self, number: int, mode: Mode, fired: Path) -> None:
        self._number = number
        self._mode = mode
        self._fired = fired
        self._lock = threading.Lock()
        self._hit: Call | None = None
        self.count = 0
        self.is_armed = False

    def before(self, call: Call) -> None:
        """Count the call; make it fail when it is its turn."""
        if not self.is_armed or (call.name == "ROLLBACK" and self._mode != "killed"):
            return  # a rollback is SQLite's own way out of an error, and does not fail
        if self._mode == "full" and call.only_reads:
            return
        with self._lock:
            self.count += 1
            is_hit = self.count == self._number
        if is_hit:
            self._note(call)
        if is_hit and self._mode == "killed":
            os._exit(KILLED_CODE)
        if self._mode in {"fails", "full"} and is_hit:
            raise self._error(call)
        if self._mode == "dead" and self._number and self.count >= self._number:
            raise self._error(call)

    def after(self, call: Call, result: object) -> None:
        """Lose the answer of the call that was hit."""
        if self._mode == "fails-late" and call is self._hit:
            if isinstance(result, httpx.Response):
                result.read()
                result.close()
            raise self._error(call)

    def _note(self, call: Call) -> None:
        self._hit = call
        fd = os.open(self._fired, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, f"{call.place} {call.name} {' '.join(Path(path).name for path in call.paths)}".encode())
        os.close(fd)

    def _error(self, call: Call) -> Exception:
        is_full = self._mode == "full"
        if call.place == "http":
            return httpx.ReadError("cut") if self._mode == "fails-late" else httpx.ConnectError("cut")
        if call.place == "database":
            return sqlite3.OperationalError("database or disk is full" if is_full else "disk I/O error")
        number = errno.ENOSPC if is_full else errno.EIO
        return OSError(number, os.strerror(number), *call.paths[:1])
