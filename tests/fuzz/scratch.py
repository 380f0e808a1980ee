"""Folders for the files that a target writes: in memory where there is such a place, for nothing here must survive."""

from __future__ import annotations

import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_alive: list[tempfile.TemporaryDirectory[str]] = []
"""A folder goes when the process ends, not with the call that made it."""


def scratch_folder() -> Path:
    """Make an empty folder that this process alone may enter."""
    made = tempfile.TemporaryDirectory(prefix="mega-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
    _alive.append(made)
    return Path(made.name)
