"""This device's own ignore rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import UsageError
from mega_cli.sync.ignore_lines import device_file, device_lines
from mega_cli.system.directories import Home, find_directories


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home."""
    return Home(find_directories({"MEGA_HOME": str(tmp_path)}), "alice@localhost")


def test_no_file_is_no_rules(home: Home) -> None:
    """Most devices have none."""
    assert device_lines(home) == ()


def test_lines_as_they_are(home: Home) -> None:
    """A mark of the encoding at the beginning is no part of the first rule."""
    device_file(home).write_bytes(b"\xef\xbb\xbf*.iso\n# big\n")

    assert device_lines(home) == ("*.iso", "# big", "")


@pytest.mark.parametrize("content", [b"\xff", b"-:*.tmp\n", b"x" * (1 << 20) + b"x"])
def test_what_means_nothing_is_named(home: Home, content: bytes) -> None:
    """The file's path stands in the message; "no rules" would sync what was to stay here."""
    device_file(home).write_bytes(content)

    with pytest.raises(UsageError, match=r"ignore\.local"):
        device_lines(home)
