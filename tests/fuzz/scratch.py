"""Folders for the files that a target writes: in memory where there is such a place, for nothing here must survive."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")


def scratch_folder() -> Path:
    """Make an empty folder that this process alone may enter, and that goes when it ends."""
    made = tempfile.TemporaryDirectory(prefix="mega-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
    atexit.register(made.cleanup)
    return Path(made.name)
