"""The account key of one profile: a file that only its owner may read, and that a logout leaves (`account-key.md`).

It holds the letters that the recovery kit shows, so that either can be copied by hand. It is never sent.
"""

from __future__ import annotations

from pathlib import Path

from mega_cli.errors import SafetyStopError, UsageError
from mega_cli.formats.recovery_kit import decode_account_key, encode_account_key
from mega_cli.model import Secret
from mega_cli.state.private_files import write_private_file


def load_account_key(path: Path) -> Secret | None:
    """Read the key; None when this device has none. Raises SafetyStopError when the file is damaged."""
    try:
        return decode_account_key(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (UsageError, UnicodeDecodeError):
        message = f"the account key in {path} is damaged"
        raise SafetyStopError(message, "copy it anew: mega login --account-key-file FILE (the recovery kit)") from None


def save_account_key(path: Path, key: Secret) -> None:
    """Keep the key durably, 0600, in place of another."""
    write_private_file(path, f"{encode_account_key(key)}\n".encode())


def erase_account_key(path: Path) -> None:
    """Remove the file; one that does not exist is fine."""
    path.unlink(missing_ok=True)
