"""Folders for the files that a target writes: in memory where there is such a place, for nothing here must survive."""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
INSIDE = "FUZZ_SCRATCH"
"""Names a folder of the caller's: libFuzzer ends a process without any farewell, so somebody else must tidy up."""


def scratch_folder() -> Path:
    """Make an empty folder that this process alone may enter, and that goes when it ends."""
    place = os.environ.get(INSIDE) or (_MEMORY if _MEMORY.is_dir() else None)
    made = tempfile.TemporaryDirectory(prefix="mega-fuzz-", dir=place)
    atexit.register(made.cleanup)
    return Path(made.name)
