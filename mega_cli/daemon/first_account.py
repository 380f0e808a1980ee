"""The account of `mega quickstart`: found, signed in again, or made on the embedded server. It asks nobody itself.

What a first run draws (the signup request, the kit, a generated password) is on the disk, 0600, before the server hears
of it, and stays until the password was shown. So a run that is killed at any moment goes on when it is run again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from mega_cli.account import PreparedSignup, complete_signup, login, open_session, prepare_signup
from mega_cli.account.connection import place_of
from mega_cli.api.address import parse_address
from mega_cli.api.messages import SignupRequest
from mega_cli.crypto import randomness
from mega_cli.errors import MegaError, NotLoggedInError, SafetyStopError
from mega_cli.model import Secret
from mega_cli.state.kit_file import KitFile
from mega_cli.state.private_files import write_private_file
from mega_cli.system.directories import Home, open_home

AskPassword = Callable[[bool], Secret | None]
"""Asks for the password, a new one or the present one; None when nobody can be asked."""


_FORMAT: Final = 1


class FirstRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a first run drew."""

    format: int
    request: SignupRequest
    kit_text: str
    password: str
    """The generated password; empty when a person chose it."""

    def __repr__(self) -> str:
        return "FirstRun(…)"


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


def unfinished_run(home: Home) -> FirstRun | None:
    """Read what a first run left that did not come to its end, if there was one."""
    try:
        found = msgspec.json.decode(_file(home).read_bytes(), type=FirstRun)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = None  # the cause would quote secrets
    if found is None or found.format != _FORMAT:
        message = f"{_file(home)} is damaged"
        raise SafetyStopError(message, "MEGA_HOME=~/mega-quickstart mega quickstart")
    return found


def finish_first_run(home: Home) -> None:
    """Forget what the first run drew: its password was shown."""
    _file(home).unlink(missing_ok=True)


def enter_account(home: Home, server_url: str, account: str, ask: AskPassword) -> Entered:
    """Use the session there is, log in again, or sign up. Raises NotLoggedInError when a password is needed in vain."""
    first = unfinished_run(home)
    if not home.profile:
        return _sign_up(home, server_url, account, ask, first)
    try:
        open_session(home)
    except NotLoggedInError:
        password = ask(False)
        if password is None:
            raise
        login(home, server_url, account, password)
    if first is not None:
        return Entered(home, is_new=True, kit_path=_kit_path(home, server_url, account), password=first.password)
    return Entered(home, is_new=False)


def _sign_up(home: Home, server_url: str, account: str, ask: AskPassword, first: FirstRun | None) -> Entered:
    if first is None:
        given = ask(True)
        generated = "" if given is not None else generated_password()
        password = given or Secret(generated.encode())
        prepared = prepare_signup(server_url, account, password)
        first = FirstRun(_FORMAT, prepared.request, prepared.kit_text, generated)
        write_private_file(_file(home), msgspec.json.encode(first))
    else:
        given = Secret(first.password.encode()) if first.password else ask(False)
        if given is None:
            message = "the first run was cut, and the password that was chosen then is needed again"
            raise NotLoggedInError(message, "run it on a terminal, or add --password-file FILE")
        password = given
        place = place_of(first.request.account, server_url)
        prepared = PreparedSignup(place, first.request, first.kit_text)
    kit = KitFile(_kit_path(home, server_url, prepared.place.account))
    try:
        complete_signup(home, prepared, password, kit)
    except MegaError:
        if not kit.path.exists():  # the server refused: nothing was made
            finish_first_run(home)
        raise
    return Entered(open_home(), is_new=True, kit_path=kit.path, password=first.password)


def _file(home: Home) -> Path:
    return home.directories.data / "first-run.json"


def _kit_path(home: Home, server_url: str, account: str) -> Path:
    return home.directories.data / f"recovery-kit-{parse_address(server_url).profile(account)}.txt"


def generated_password() -> str:
    """Draw 120 bits and write them as six groups of four letters and digits."""
    letters = base64.b32encode(randomness.random_bytes(15)).decode("ascii").lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
