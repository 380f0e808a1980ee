"""The recovery kit's way onto the disk: a new file that only its owner may read, written before the account is made.

It never overwrites: the old file may be the only copy of another account's kit. Under its name there is a whole kit or
nothing, whenever the process is killed or the power fails.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mega_cli.crypto import randomness
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
        temporary = self.path.with_name(f".mega-kit-{randomness.random_bytes(8).hex()}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _take_name(temporary, self.path)
        except FileExistsError:
            if self.path.read_bytes() == data:
                return
            raise self._taken() from None
        finally:
            with suppress(OSError):  # at worst a second copy stays, as private as the first
                temporary.unlink(missing_ok=True)
        try:
            _sync_folder(self.path.parent)
        except OSError:
            self.forget()
            raise

    def forget(self) -> None:
        """Remove it: its account was not made."""
        self.path.unlink(missing_ok=True)

    def _taken(self) -> UsageError:
        return UsageError(f"{self.path} exists, and a recovery kit never replaces a file", self.hint)


def _take_name(temporary: Path, path: Path) -> None:
    """Give a whole file its name, in one step that never replaces. Raises FileExistsError."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links, such as a memory stick's
        if path.exists():
            raise FileExistsError from None
        temporary.rename(path)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows cannot open a folder, and journals names itself."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
