"""The user's `config.toml`, read. It belongs to the user: nothing here writes it, and what it may say is known above.

Only what a running command needs is here; `mega config` edits the file with `mega_cli.system.config_edit`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mega_cli.errors import UsageError

Table = dict[str, Any]
"""What TOML holds: tables, lists, texts, numbers, booleans, times."""


def read_config(path: Path) -> Table:
    """Read the file; one that is not there says nothing. Raises UsageError, with the line, when it is not TOML."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    import tomllib  # noqa: PLC0415 -- 6 ms that a device without a config.toml does not pay

    try:
        return tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, of a number of 5,000 digits; of 500 brackets
        raise UsageError(f"{path} is not TOML: {error}", "mega config edit") from error
