"""This device's own ignore rules: the file `ignore.local` beside `config.toml`, gitignore syntax, the user's own.

They hold for every pair of the device and come after all others. Nothing here writes the file.
"""

from __future__ import annotations

from pathlib import Path

from mega_cli.errors import UsageError
from mega_cli.paths.ignore import RULE_FILE_MAX_BYTES, read_rule_file
from mega_cli.system.directories import Home


def device_file(home: Home) -> Path:
    """Say where the rules lie."""
    return home.directories.config / "ignore.local"


def device_lines(home: Home) -> tuple[str, ...]:
    """Read the rules; none when there is no file. Raises UsageError for what means nothing."""
    path = device_file(home)
    try:
        with path.open("rb") as file:
            raw = file.read(RULE_FILE_MAX_BYTES + 1)
    except FileNotFoundError:
        return ()
    try:
        read_rule_file(raw)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from error
    return tuple(raw.decode("utf-8-sig").split("\n"))
