"""The server's own log: one JSON line a request, and one an error, in a file that rotates, on stderr, or both.

No line holds a query string, a header or a body; ids in a path are no secrets. It relies on `app.py` for what a request
line says, and on appends of one write each, which no file system tears.
"""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Final

from mega_server.config import Config

if sys.platform != "win32":
    import fcntl

LOGGER: Final = "mega_server"
"""Also the name of Flask's own logger, by which unforeseen errors arrive."""
FIELDS: Final = "mega_fields"
"""The attribute of a record that holds a request line's fields."""


def start_logs(config: Config) -> None:
    """Send log lines where the administrator wants them. Once a process, after forking."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    on_stderr = logging.StreamHandler()
    on_stderr.setLevel(logging.INFO if config.is_verbose else logging.ERROR)
    on_stderr.setFormatter(_StderrLines())
    logger.handlers = [on_stderr]
    if config.log_file is not None:
        in_file = RotatedFile(config.log_file, config.log_bytes, config.log_count)
        in_file.setFormatter(_JsonLines())
        logger.addHandler(in_file)


class RotatedFile(logging.handlers.WatchedFileHandler):
    """A file that several processes append to, and that whoever finds it full renames under a lock.

    The others see by its inode that it was renamed, as they would after `logrotate`; until then they append to the old
    one. `count` old files are kept, as FILE.1 (the newest), FILE.2 and so on. On Windows nothing is rotated.
    """

    def __init__(self, path: Path, size_bytes: int, count: int) -> None:
        """Open the file for appending. Raises OSError."""
        super().__init__(path, encoding="utf-8")
        if sys.platform != "win32" and self.stream is not None:
            os.fchmod(self.stream.fileno(), 0o600)  # one that was there before; a new one is made so
        self._size_bytes = size_bytes
        self._count = count
        self._has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, after making room for it."""
        try:
            self.reopenIfNeeded()
            is_full = self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self._size_bytes
            if is_full and self.stream is not None:
                self._rotate(self.stream.fileno())
        except OSError:
            self.handleError(record)
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 -- logging's signature
        """Say once that lines are lost, and go on serving: a full disk must not answer for the log."""
        if not self._has_failed:
            self._has_failed = True
            sys.stderr.write(f"mega-server: error: {self.baseFilename} cannot be written; lines are lost\n")

    def _open(self) -> io.TextIOWrapper:
        """Open the file, or make it for its owner alone: addresses of clients stand in it."""
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return io.TextIOWrapper(io.BufferedWriter(io.FileIO(fd, "a")), encoding=self.encoding)

    def _rotate(self, fd: int) -> None:
        if sys.platform != "win32":
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                if self._is_named(fd):
                    self._put_aside()
            finally:
                fcntl.flock(fd, fcntl.LOCK_UN)  # whatever came of it: the next worker waits here
            self.reopenIfNeeded()

    def _is_named(self, fd: int) -> bool:
        """Say whether the file still has its name; if not, another worker was faster."""
        try:
            return os.stat(self.baseFilename).st_ino == os.fstat(fd).st_ino  # noqa: PTH116 -- compared with fstat
        except FileNotFoundError:
            return False

    def _put_aside(self) -> None:
        for number in range(self._count - 1, 0, -1):
            older = Path(f"{self.baseFilename}.{number}")
            if older.exists():
                older.replace(f"{self.baseFilename}.{number + 1}")
        Path(self.baseFilename).replace(f"{self.baseFilename}.1")


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the fields of a request, or the message and traceback of an error."""
        line: dict[str, object] = {"time_ms": int(record.created * 1_000), "level": record.levelname.lower()}
        fields = getattr(record, FIELDS, None)
        line |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _StderrLines(_JsonLines):
    """Errors for people, requests as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a line."""
        if hasattr(record, FIELDS):
            return super().format(record)
        text = f"mega-server: error: {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
