"""Locks between processes, the log, the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.errors import LockedError, UsageError
from mega_cli.system.clock import SystemClock
from mega_cli.system.locks import exclusive_lock
from mega_cli.system.logs import start_logging


@pytest.fixture(autouse=True)
def _same_logging() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """A second holder is refused at once, with exit code 11."""
    path = tmp_path / "run" / "lock"
    with exclusive_lock(path), pytest.raises(LockedError), exclusive_lock(path):
        pytest.fail("two held it")


def test_a_lock_is_released(tmp_path: Path) -> None:
    """After the block, also after an error, the next one gets it."""
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="x"), exclusive_lock(path):
        raise ValueError("x")
    with exclusive_lock(path, waits=True):
        assert path.exists()


def test_the_log_is_private_and_keeps_the_level(tmp_path: Path) -> None:
    """0600; lines below the level are left out."""
    path = tmp_path / "logs" / "mega.log"
    start_logging(path, "info")
    logging.getLogger("mega.test").info("kept")
    logging.getLogger("mega.test").debug("dropped")

    assert path.stat().st_mode & 0o777 == 0o600
    assert "INFO mega.test kept" in path.read_text()
    assert "dropped" not in path.read_text()


def test_a_full_log_is_put_aside(tmp_path: Path) -> None:
    """The old lines stay readable beside the new file."""
    path = tmp_path / "mega.log"
    path.write_bytes(b"x" * 1_000_001)
    start_logging(path)

    assert path.stat().st_size == 0
    assert (tmp_path / "mega.log.1").stat().st_size == 1_000_001


def test_an_unknown_level_is_refused(tmp_path: Path) -> None:
    """A misspelt level is a usage error, and no file is made."""
    with pytest.raises(UsageError):
        start_logging(tmp_path / "mega.log", "loud")
    assert not (tmp_path / "mega.log").exists()


def test_the_clock_counts_in_its_units() -> None:
    """Milliseconds and nanoseconds of the same moment."""
    clock = SystemClock()
    before_ns = time.time_ns()

    assert before_ns // 1_000_000 <= clock.now_ms() <= time.time_ns() // 1_000_000
    assert before_ns <= clock.now_ns() <= time.time_ns()
    assert clock.monotonic_s() <= clock.monotonic_s()
