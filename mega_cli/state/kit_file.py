"""The recovery kit's way onto the disk: a new file that only its owner may read, written before the account is made.

It never overwrites: the old file may be the only copy of another account's kit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mega_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class KitFile:
    """A recovery kit at `path`."""

    path: Path
    hint: str = "name another file"
    """What to do when the file exists."""

    def check_absent(self) -> None:
        """Say early what `keep` would say. Raises UsageError."""
        if self.path.exists():
            raise self._taken()

    def keep(self, kit_text: str) -> None:
        """Write the kit durably, 0600; the same kit may be there already. Raises UsageError, OSError."""
        data = kit_text.encode()
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if self.path.read_bytes() == data:
                return
            raise self._taken() from None
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.forget()
            raise
        if os.name != "nt":  # Windows cannot open a folder, and journals names itself
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def forget(self) -> None:
        """Remove it: its account was not made."""
        self.path.unlink(missing_ok=True)

    def _taken(self) -> UsageError:
        return UsageError(f"{self.path} exists, and a recovery kit never replaces a file", self.hint)
