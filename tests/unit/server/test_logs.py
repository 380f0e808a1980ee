"""The server's log file: lines, rotation between processes, and a disk that is full."""

from __future__ import annotations

import errno
import io
import json
import logging
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_server.config import Config
from mega_server.logs import FIELDS, LOGGER, RotatedFile, start_logs

if sys.platform != "win32":
    import fcntl


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    """Start the logs of a server whose file lies in the test's folder, and end them."""
    start_logs(Config(data_dir=tmp_path, log_file=tmp_path / "log", log_bytes=2_000, log_count=3))
    logger = logging.getLogger(LOGGER)
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.propagate = [], True


def lines(file: Path) -> list[dict[str, object]]:
    """Read a log file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_request_is_one_line(logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its fields stand in the file, and not on stderr unless asked for."""
    logger.info("request", extra={FIELDS: {"method": "GET", "status": 200}})

    (line,) = lines(tmp_path / "log")
    assert (line["level"], line["method"], line["status"]) == ("info", "GET", 200)
    assert capsys.readouterr().err == ""


def test_an_error_is_one_line(logger: logging.Logger, tmp_path: Path) -> None:
    """Message and traceback are fields of one line."""
    try:
        int("here")
    except ValueError:
        logger.exception("it failed")

    (line,) = lines(tmp_path / "log")
    assert (line["level"], line["message"]) == ("error", "it failed")
    assert "ValueError: invalid" in str(line["traceback"])


def test_only_the_owner_reads_it(logger: logging.Logger, tmp_path: Path) -> None:
    """Addresses of clients stand in it."""
    assert logger.handlers
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot rename an open file")
def test_it_rotates_by_size_and_count(logger: logging.Logger, tmp_path: Path) -> None:
    """Full files are put aside, the oldest is dropped, and no file is much longer than it may be."""
    for number in range(200):
        logger.info("request", extra={FIELDS: {"number": number}})

    files = sorted(tmp_path.glob("log*"))
    assert [file.name for file in files] == ["log", "log.1", "log.2", "log.3"]
    assert max(file.stat().st_size for file in files) < 2_200
    assert lines(tmp_path / "log")[-1]["number"] == 199


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot rename an open file")
def test_only_the_owner_reads_the_file_after_a_rotation(logger: logging.Logger, tmp_path: Path) -> None:
    """The file that a rotation makes is as private as the first, whatever the umask."""
    umask = os.umask(0)
    try:
        for number in range(100):
            logger.info("request", extra={FIELDS: {"number": number}})
    finally:
        os.umask(umask)

    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("log*")} == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot rename an open file")
def test_a_rotation_that_fails_holds_nobody_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the file cannot be put aside, lines still go into it, and another worker may try."""
    (tmp_path / "log.1").mkdir()
    handler = RotatedFile(tmp_path / "log", 1, 1)
    for _ in range(2):
        handler.emit(logging.makeLogRecord({"msg": "line"}))

    with (tmp_path / "log").open() as other:
        if sys.platform != "win32":
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises BlockingIOError while the handler holds it
        assert other.read() == "line\nline\n"
    handler.close()
    assert capsys.readouterr().err.count("cannot be written") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot rename an open file")
def test_processes_rotate_together(tmp_path: Path) -> None:
    """Four writers lose no line and tear none, whoever rotates."""
    writers = [
        multiprocessing.get_context("spawn").Process(target=write_lines, args=(tmp_path / "log", name))
        for name in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    written = [(line["writer"], line["number"]) for file in tmp_path.glob("log*") for line in lines(file)]
    assert sorted(written) == [(name, number) for name in range(4) for number in range(300)]


def write_lines(file: Path, writer: int) -> None:
    """Write 300 lines into a file that several processes share."""
    start_logs(Config(data_dir=file.parent, log_file=file, log_bytes=4_000, log_count=1_000))
    for number in range(300):
        logging.getLogger(LOGGER).info("request", extra={FIELDS: {"writer": writer, "number": number}})


def test_a_file_that_was_moved_away(logger: logging.Logger, tmp_path: Path) -> None:
    """After logrotate the next line begins a new file."""
    logger.info("request", extra={FIELDS: {"number": 1}})
    (tmp_path / "log").rename(tmp_path / "moved")
    logger.info("request", extra={FIELDS: {"number": 2}})

    assert [line["number"] for line in lines(tmp_path / "log")] == [2]


class FullDisk(io.StringIO):
    """A file on a disk without room."""

    def __init__(self, fd: int) -> None:
        """Stand for an open file."""
        super().__init__()
        self._fd = fd

    def fileno(self) -> int:
        """Say which."""
        return self._fd

    def write(self, _text: str) -> int:
        """Fail as the system does."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Lost lines do not end the server, and do not fill stderr either."""
    handler = RotatedFile(tmp_path / "log", 10**9, 1)
    assert handler.stream is not None
    with (tmp_path / "log").open() as file, handler.stream:
        handler.setStream(FullDisk(file.fileno()))  # type: ignore[arg-type]  # typeshed wants the very class
        for _ in range(3):
            handler.emit(logging.makeLogRecord({"msg": "line"}))
        handler.close()

    assert capsys.readouterr().err.count("cannot be written") == 1
