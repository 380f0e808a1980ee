"""The profiles of this device: one account at one server each. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from mega_cli.account.access import known_account
from mega_cli.errors import NotInitialisedError
from mega_cli.system.directories import Home


@dataclass(frozen=True, slots=True)
class Profile:
    """One account that this device knows."""

    name: str
    """What `--profile` takes."""
    account: str
    origin: str
    is_signed_in: bool
    is_current: bool


def list_profiles(home: Home) -> list[Profile]:
    """List the profiles by name; a folder in which nobody ever logged in is none."""
    found = []
    for name in home.profiles():
        own = home.with_profile(name)
        try:
            origin, account = known_account(own)
        except NotInitialisedError:
            continue
        found.append(Profile(name, account, origin, own.session_file.exists(), name == home.profile))
    return found
