"""The daemon's log: private, rotated while it is written, and read to its end and beyond."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError, UsageError
from mega_cli.system import daemon_log
from mega_cli.system.daemon_log import read_daemon_log, start_daemon_log

LOG = logging.getLogger("mega.test")


@pytest.fixture(autouse=True)
def _same_logging() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        with suppress(OSError):  # the disk that is full
            handler.close()
    root.setLevel(level)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a log."""
    return tmp_path / "logs" / "daemon.log"


def test_it_is_private_and_keeps_what_happens(path: Path) -> None:
    """0600, from info on."""
    start_daemon_log(path)
    LOG.info("kept")
    LOG.debug("dropped")

    assert path.stat().st_mode & 0o777 == 0o600
    assert "INFO mega.test kept" in path.read_text()
    assert "dropped" not in path.read_text()


def test_the_level_can_be_chosen(path: Path) -> None:
    """A level that there is not is refused."""
    start_daemon_log(path, "debug")
    LOG.debug("kept")
    assert "DEBUG mega.test kept" in path.read_text()

    with pytest.raises(UsageError, match="no log level"):
        start_daemon_log(path, "loud")


def test_it_is_shown_as_well(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who runs it in front of their eyes sees it."""
    start_daemon_log(path, is_shown=True)
    LOG.info("seen")

    assert "INFO mega.test seen" in capsys.readouterr().err


def test_it_is_rotated_while_it_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file grows beyond the limit, the oldest go, and all are private."""
    monkeypatch.setattr(daemon_log, "_MOST_BYTES", 500)
    start_daemon_log(path)
    for number in range(100):
        LOG.info("line %d", number)

    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["daemon.log", *(f"daemon.log.{number}" for number in (1, 2, 3))]
    assert all(file.stat().st_size <= 500 and file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_a_full_disk_ends_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line is lost, without a word."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    start_daemon_log(path)
    LOG.info("lost")

    assert capsys.readouterr().err == ""


def test_the_last_lines_are_read_across_rotations(path: Path) -> None:
    """The file before is part of the log."""
    path.parent.mkdir()
    path.with_name("daemon.log.1").write_text("a\nb\n")
    path.write_text("c\nd\n")

    assert list(read_daemon_log(path, 3)) == ["b", "c", "d"]
    assert list(read_daemon_log(path, 0)) == []
    assert list(read_daemon_log(path, 10)) == ["a", "b", "c", "d"]


def test_a_line_without_an_end_is_shown(path: Path) -> None:
    """A power cut may leave half a line, also half a character."""
    path.parent.mkdir()
    path.write_bytes(b"a\nb\xc3")

    assert list(read_daemon_log(path, 2)) == ["a", "b\ufffd"]


def test_following_goes_on_with_what_is_written(path: Path) -> None:
    """Whole lines, once each, through a rotation, and none that was written just before it is lost."""
    path.parent.mkdir()
    path.write_text("old\n")
    rests = iter(range(100))

    def wait() -> None:
        match next(rests):
            case 0:
                write(path, "half")
            case 1:
                write(path, " and whole\nlast\n")
                path.rename(path.with_name("daemon.log.1"))
            case 2:
                write(path, "new\n")

    found = list(islice(read_daemon_log(path, 10, wait), 4))

    assert found == ["old", "half and whole", "last", "new"]


def write(path: Path, text: str) -> None:
    """Append, as another process does."""
    with path.open("a") as file:
        file.write(text)


def test_no_log_is_said(path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(MissingItemError, match="has not run yet") as refused:
        next(read_daemon_log(path, 1))
    assert refused.value.hint == "mega daemon start"
