"""The daemon's own log: rotated while it is written, because a daemon lives for months, and read by `mega daemon logs`.

As for every log: no secret, no plaintext name and no content. Only the one daemon of a profile writes its file.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import BinaryIO, Final, final

from mega_cli.errors import MissingItemError
from mega_cli.system.logs import LINE, set_level

_MOST_BYTES: Final = 1_000_000
_KEPT_FILES: Final = 3


@final
class _Handler(RotatingFileHandler):
    """Writes for its owner alone."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """Lose the line: a full disk must not end what is logged."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def start_daemon_log(log_file: Path, level: str = "", *, is_shown: bool = False) -> None:
    """Send everything of `level` and above to the file, and to stderr if it is to be shown.

    `level` falls back to `MEGA_LOG`, then to info.
    """
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = logging.Formatter(LINE, "%Y-%m-%dT%H:%M:%S")
    line.converter = time.gmtime
    handlers: list[logging.Handler] = [
        _Handler(log_file, maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8")
    ]
    if is_shown:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(line)
        logging.getLogger().addHandler(handler)
    set_level(level or os.environ.get("MEGA_LOG", "") or "INFO")


def read_daemon_log(log_file: Path, count: int, wait: Callable[[], None] | None = None) -> Iterator[str]:
    """Give the last `count` lines; with `wait`, which rests a little, also what is written from then on, for ever.

    Raises MissingItemError when there is no log.
    """
    try:
        file = log_file.open("rb")
    except FileNotFoundError:
        raise MissingItemError("the daemon of this profile has not run yet", "mega daemon start") from None
    older = [log_file.with_name(f"{log_file.name}.{number}") for number in range(_KEPT_FILES, 0, -1)]
    lines = [line for path in older if path.exists() for line in path.read_bytes().splitlines()]
    try:
        *whole, begun = file.read().split(b"\n")
        lines += whole if wait or not begun else [*whole, begun]
        yield from map(_text, lines[max(0, len(lines) - count) :])
        while wait is not None:
            is_full = _is_full(file, log_file)  # looked at first: what is read then is all there will be
            more = file.read()
            *whole, begun = (begun + more).split(b"\n")
            yield from map(_text, whole)
            if is_full:
                file.close()
                file, begun = log_file.open("rb"), b""
            elif not more:
                wait()
    finally:
        file.close()


def _is_full(file: BinaryIO, log_file: Path) -> bool:
    """Tell whether another file has taken the place of the one that is read."""
    try:
        return not os.path.samestat(os.fstat(file.fileno()), log_file.stat())
    except FileNotFoundError:
        return False  # in a moment


def _text(line: bytes) -> str:
    return line.decode(errors="replace")
