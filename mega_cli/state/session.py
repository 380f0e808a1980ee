"""The session file: the master key and the token of one account on one device, 0600.

Whoever reads this file is the user. It is written by login alone and erased by logout; it is never printed, and its
secrets never show in `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from mega_cli.errors import NotLoggedInError
from mega_cli.model import Network, Secret
from mega_cli.state.private_files import write_private_file

_FORMAT: Final = 1
_KEY_BYTES: Final = 32
_DEVICE_BYTES: Final = 16
_EPOCHS: Final = range(1, 2**32)


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in device."""

    account: str
    origin: str
    """The name the account was made under; part of every derived key."""
    server_url: str
    """Where that origin is reached today."""
    token: Secret
    session_id: str
    master_key: Secret
    epoch: int
    device_id: bytes
    """16 random bytes, drawn at login."""
    device_name: str
    network: Network = field(default_factory=Network)


class _SessionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is written.

    Fields with a default were added later: older files lack them, and older versions of mega read a file that has none.
    """

    format: int
    account: str
    origin: str
    server_url: str
    insecure_http: bool
    token: bytes
    session_id: str
    master_key: bytes
    epoch: int
    device_id: bytes
    device_name: str
    ca_file: str = ""
    proxy: str = ""

    def __repr__(self) -> str:
        return "_SessionFile(…)"


def save_session(path: Path, session: Session) -> None:
    """Write the session atomically, readable by its owner alone."""
    content = _SessionFile(
        format=_FORMAT,
        account=session.account,
        origin=session.origin,
        server_url=session.server_url,
        insecure_http=session.network.insecure_http,
        token=session.token.reveal(),
        session_id=session.session_id,
        master_key=session.master_key.reveal(),
        epoch=session.epoch,
        device_id=session.device_id,
        device_name=session.device_name,
        ca_file=session.network.ca_file,
        proxy=session.network.proxy,
    )
    write_private_file(path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def load_session(path: Path) -> Session:
    """Read the session. Raises NotLoggedInError when there is none, or when the file is damaged."""
    hint = "log in: mega login"
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_SessionFile)
    except FileNotFoundError as error:
        message = "this device is not logged in"
        raise NotLoggedInError(message, hint) from error
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise _damaged(path) from None  # the cause would quote the file, and the file is secret
    is_usable = content.epoch in _EPOCHS and content.token.isascii()
    sizes = (len(content.master_key), len(content.device_id))
    if content.format != _FORMAT or sizes != (_KEY_BYTES, _DEVICE_BYTES) or not is_usable:
        raise _damaged(path)
    return Session(
        account=content.account,
        origin=content.origin,
        server_url=content.server_url,
        token=Secret(content.token),
        session_id=content.session_id,
        master_key=Secret(content.master_key),
        epoch=content.epoch,
        device_id=content.device_id,
        device_name=content.device_name,
        network=Network(content.insecure_http, content.ca_file, content.proxy),
    )


def erase_session(path: Path) -> None:
    """Remove the session file; one that does not exist is fine."""
    path.unlink(missing_ok=True)


def _damaged(path: Path) -> NotLoggedInError:
    return NotLoggedInError(f"the session file {path} is damaged", "log in again: mega login")
