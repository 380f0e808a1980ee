"""The account of `mega quickstart`: found, signed in again, or made on the embedded server. It asks nobody itself."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mega_cli.account import login, open_session, signup
from mega_cli.api.address import parse_address
from mega_cli.crypto import randomness
from mega_cli.errors import NotLoggedInError, SafetyStopError
from mega_cli.model import Secret
from mega_cli.state.kit_file import reserved_kit
from mega_cli.state.private_files import make_private_folder
from mega_cli.system.directories import Home, open_home

AskPassword = Callable[[bool], Secret | None]
"""Asks for the password, a new one or the present one; None when nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Entered:
    """How the account was entered. `password` is one that was generated here and must be shown once, else empty."""

    home: Home
    is_new: bool
    kit_path: Path | None = None
    password: str = field(default="", repr=False)


def check_profile(home: Home, server_url: str, account: str) -> None:
    """Refuse to take the place of an account that lives elsewhere. Raises SafetyStopError."""
    if home.profile not in ("", parse_address(server_url).profile(account)):
        message = f"this device is set up for {home.profile}, and quickstart would take its place"
        raise SafetyStopError(message, "MEGA_HOME=~/mega-quickstart mega quickstart")


def enter_account(home: Home, server_url: str, account: str, ask: AskPassword) -> Entered:
    """Use the session there is, log in again, or sign up. Raises NotLoggedInError when a password is needed in vain."""
    if not home.profile:
        return _sign_up(home, server_url, account, ask)
    try:
        open_session(home)
    except NotLoggedInError:
        password = ask(False)
        if password is None:
            raise
        login(home, server_url, account, password)
    return Entered(home, is_new=False)


def _sign_up(home: Home, server_url: str, account: str, ask: AskPassword) -> Entered:
    given = ask(True)
    generated = "" if given is not None else generated_password()
    make_private_folder(home.directories.data)
    kit_path = home.directories.data / f"recovery-kit-{parse_address(server_url).profile(account)}.txt"
    with reserved_kit(kit_path) as kit:
        made = signup(home, server_url, account, given or Secret(generated.encode()))
        kit.write(made.kit_text.encode())
    return Entered(open_home(), is_new=True, kit_path=kit_path, password=generated)


def generated_password() -> str:
    """Draw 120 bits and write them as six groups of four letters and digits."""
    letters = base64.b32encode(randomness.random_bytes(15)).decode("ascii").lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
