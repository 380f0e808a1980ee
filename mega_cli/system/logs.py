"""The log: one file, one line an event, rotated. No secret, no plaintext name and no content may be logged."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Final

from mega_cli.errors import UsageError

_MOST_BYTES: Final = 1_000_000
LINE: Final = "%(asctime)sZ %(process)d %(levelname)s %(name)s %(message)s"
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


def start_logging(log_file: Path, level: str = "") -> None:
    """Send everything of `level` and above to the file. `level` falls back to `MEGA_LOG`, then to warnings.

    The file is rotated when a process starts, never while one writes: several processes may share it.
    """
    chosen = level or os.environ.get("MEGA_LOG", "") or "WARNING"
    set_level(chosen)
    root = logging.getLogger()
    opened = [known.baseFilename for known in root.handlers if isinstance(known, logging.FileHandler)]
    if str(log_file) not in opened:
        root.addHandler(_handler(log_file))


def set_level(level: str) -> None:
    """Log everything of a level and above, and of the network's libraries no less than warnings. Raises UsageError."""
    if level.upper() not in _LEVELS:
        message = f"there is no log level {level!r}"
        raise UsageError(message, "use one of: debug, info, warning, error")
    logging.getLogger().setLevel(level.upper())
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel("WARNING")


def _handler(log_file: Path) -> logging.Handler:
    """Open the file for appending, readable by its owner alone; put a full one aside first."""
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > _MOST_BYTES:
        log_file.replace(log_file.with_name(log_file.name + ".1"))
    os.close(os.open(log_file, os.O_WRONLY | os.O_CREAT, 0o600))
    handler = logging.FileHandler(log_file, encoding="utf-8")
    line = logging.Formatter(LINE, "%Y-%m-%dT%H:%M:%S")
    line.converter = time.gmtime
    handler.setFormatter(line)
    return handler
