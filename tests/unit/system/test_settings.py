"""Settings and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import UsageError
from mega_cli.system.settings import Setting, read_settings


def test_precedence(tmp_path: Path) -> None:
    """Option, then environment, then file, then default."""
    path = tmp_path / "config.toml"
    path.write_text('server = "https://file"\n')
    environ = {"MEGA_SERVER": "https://env"}

    assert read_settings(path, environ).text("server", option="https://opt") == Setting("https://opt", "option")
    assert read_settings(path, environ).text("server") == Setting("https://env", "environment")
    assert read_settings(path, {}).text("server") == Setting("https://file", "config")
    assert read_settings(tmp_path / "none", {}).text("server", default="x") == Setting("x", "default")


def test_values_are_text(tmp_path: Path) -> None:
    """Numbers and booleans read as they are written."""
    path = tmp_path / "config.toml"
    path.write_text("transfers = 4\nverbose = true\n")
    settings = read_settings(path, {})

    assert settings.text("transfers").value == "4"
    assert settings.text("verbose").value == "true"


@pytest.mark.parametrize("content", ["server = ", "\xff"])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    """A file that is no TOML is a usage error that names it."""
    path = tmp_path / "config.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=r"config\.toml"):
        read_settings(path, {})


def test_a_table_is_no_value(tmp_path: Path) -> None:
    """A setting is one value."""
    path = tmp_path / "config.toml"
    path.write_text("[server]\nurl = 1\n")
    with pytest.raises(UsageError):
        read_settings(path, {}).text("server")
