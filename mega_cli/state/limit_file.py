"""The bandwidth limit of a profile: one line of text that `mega bwlimit` writes and running transfers look at.

It holds no secret and is worth nothing: without it every run keeps to its own limit. Whoever reads it judges the text.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from mega_cli.state.private_files import write_private_file

_MOST_BYTES = 4_096


class LimitSet(NamedTuple):
    """What was set, and when: the same text set again is another setting."""

    text: str
    mtime_ns: int


def read_limit(path: Path) -> LimitSet | None:
    """Read what is set; None when nothing is, or when it cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode()
            return LimitSet(text.strip(), os.fstat(file.fileno()).st_mtime_ns)
    except (OSError, UnicodeDecodeError):
        return None


def write_limit(path: Path, text: str) -> None:
    """Set the limit, whole or not at all."""
    write_private_file(path, text.encode() + b"\n")


def erase_limit(path: Path) -> None:
    """Let every run keep to its own limit again; nothing set is fine."""
    path.unlink(missing_ok=True)
