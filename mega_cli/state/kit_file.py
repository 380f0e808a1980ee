"""The recovery kit's way onto the disk: a new file that only its owner may read, reserved before the account is made.

So an account never exists whose kit could not be written. It never overwrites: the old file may be the only copy of
another account's kit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mega_cli.errors import UsageError


@contextmanager
def reserved_kit(path: Path) -> Iterator[BinaryIO]:
    """Make the file 0600 and give it to be written; a block that fails leaves none. Raises UsageError, OSError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        msg = f"{path} exists, and a recovery kit never replaces a file"
        raise UsageError(msg, "name another file") from None
    with os.fdopen(handle, "wb") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
