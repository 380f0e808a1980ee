"""Files that only their owner may read: 0600 in a 0700 folder, replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from mega_cli.crypto import randomness


def make_private_folder(path: Path) -> None:
    """Make the folder and whatever is missing above it, and let nobody else into any of them."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


def write_private_file(path: Path, data: bytes) -> None:
    """Replace the file by `data`: after a crash it holds the old bytes or the new ones, readable by the owner alone."""
    make_private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{randomness.random_bytes(8).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name != "nt":  # Windows cannot open a folder, and journals the rename itself
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def touch_private_file(path: Path) -> None:
    """Make an empty file that only its owner may read, unless it exists: SQLite keeps the mode it finds."""
    make_private_folder(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
