"""How deep folders may lie, and the one place that gives the interpreter room for it.

A disk's paths end at 4,096 bytes, so 2,047 folders in one another is the most that a put can meet; a volume's tree has
no such end, and a move can make it deeper. Whoever walks down asks here. The walks of a put, of an edit and of a copy
recurse in plain Python, at most `FRAMES_A_FOLDER` calls a folder, which CPython from 3.11 on keeps on its heap and not
on the C stack; generators do take the C stack, so whatever yields walks with a list of its own.
"""

from __future__ import annotations

import sys
from typing import Final

from mega_cli.errors import LimitError

MOST_FOLDERS: Final = 2_048
"""Folders in one another below `/`."""
FRAMES_A_FOLDER: Final = 3
_OTHER_FRAMES: Final = 2_000


def allow_depth() -> None:
    """Let the interpreter recurse as deep as the deepest tree needs; again does no harm."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES_A_FOLDER * MOST_FOLDERS + _OTHER_FRAMES))


def refuse_too_deep(folders: int) -> None:
    """Raise LimitError for a folder that lies below `folders` others, `/` included, when that is too deep."""
    if folders > MOST_FOLDERS:
        raise LimitError(f"folders lie more than {MOST_FOLDERS:,} deep in one another", "move some of them up: mega mv")
