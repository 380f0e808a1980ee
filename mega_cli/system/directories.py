"""Where everything lies (house.md 5): settings, state, trust, cache, logs and run-time files, each in its own place.

`MEGA_HOME` moves all of them under one folder. State folders are 0700. This module names places and keeps the pointer
to the current profile; it reads no other file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mega_cli.errors import NotInitialisedError, UsageError

_APP: Final = "mega"
_POINTER: Final = "current"


@dataclass(frozen=True, slots=True)
class Directories:
    """The folders of one user on one machine."""

    config: Path
    data: Path
    cache: Path
    logs: Path
    runtime: Path

    @property
    def config_file(self) -> Path:
        """Say where the user's settings lie."""
        return self.config / "config.toml"

    @property
    def log_file(self) -> Path:
        """Say where the log lies."""
        return self.logs / "mega.log"

    @property
    def seen_links_file(self) -> Path:
        """Say where it is kept how new the links of others were; no account is needed for it, and no clean-up may."""
        return self.data / "links-seen.db"

    @property
    def accounts(self) -> Path:
        """Say where the profiles lie."""
        return self.data / "accounts"


def find_directories(environ: Mapping[str, str] | None = None) -> Directories:
    """Resolve the folders from the environment; makes none of them."""
    known = os.environ if environ is None else environ
    base = known.get("MEGA_HOME", "")
    if base:
        home = Path(base).expanduser().absolute()
        return Directories(home, home, home / "cache", home / "logs", home / "run")
    from platformdirs import PlatformDirs  # noqa: PLC0415 -- 10 ms that a run with MEGA_HOME does not need

    places = PlatformDirs(_APP, appauthor=False)
    data = places.user_data_path
    boot = known.get("XDG_RUNTIME_DIR", "")  # without one, a private folder of ours is safer than one in /tmp
    runtime = Path(boot) / _APP if boot else data / "run"
    return Directories(places.user_config_path, data, places.user_cache_path, places.user_log_path, runtime)


@dataclass(frozen=True, slots=True)
class Home:
    """The folders, and the profile in use: one account at one server, `<account>@<host>`; "" when there is none."""

    directories: Directories
    profile: str = ""
    wanted: str = ""
    """A profile that was asked for by name and is not here; a login or signup may make it."""

    @property
    def folder(self) -> Path:
        """Say where the profile's state lies. Raises NotInitialisedError without a profile."""
        if self.wanted:
            raise NotInitialisedError(f"there is no profile {self.wanted} on this device", "mega whoami --all")
        if not self.profile:
            message = "there is no account on this device yet"
            raise NotInitialisedError(
                message, "begin with: mega quickstart; or see: mega signup --help, mega login --help"
            )
        return self.directories.accounts / self.profile

    def profiles(self) -> list[str]:
        """Name the profiles of this device."""
        return _profiles(self.directories)

    @property
    def session_file(self) -> Path:
        """Say where the session lies: master key and token."""
        return self.folder / "session.json"

    @property
    def account_key_file(self) -> Path:
        """Say where the account key lies, if the account has one; a logout leaves it."""
        return self.folder / "account-key"

    @property
    def trust_file(self) -> Path:
        """Say where the pins lie; nothing but the trust store touches it."""
        return self.folder / "trust.db"

    @property
    def index_file(self) -> Path:
        """Say where the content index lies; it may be deleted."""
        return self.folder / "index.db"

    @property
    def posted_file(self) -> Path:
        """Say where it is kept what was last posted of the account's links; it may be deleted."""
        return self.folder / "links.db"

    @property
    def daemon_log_file(self) -> Path:
        """Say where the log of the profile's daemon lies. Raises NotInitialisedError without a profile."""
        return self.directories.logs / f"daemon-{self.folder.name}.log"

    @property
    def sync_folder(self) -> Path:
        """Say where the list of synced folders and their state lie."""
        return self.folder / "sync"

    @property
    def pages_file(self) -> Path:
        """Say where the page cache lies; it may be deleted."""
        return self.directories.cache / self.profile / "pages.db"

    def with_profile(self, profile: str) -> Home:
        """Give the same folders with another profile."""
        return Home(self.directories, profile)

    def make_current(self) -> None:
        """Remember this profile, whose folder exists, as the one that commands use."""
        accounts = self.directories.accounts
        temporary = accounts / f".{_POINTER}.{os.getpid()}"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(self.profile + "\n")
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty pointer: it would know no account
        temporary.replace(accounts / _POINTER)


def open_home(environ: Mapping[str, str] | None = None) -> Home:
    """Resolve the folders and the profile: the one that `MEGA_PROFILE` names, else the one that logged in last.

    A profile is named in full, or by its account where that is enough. `MEGA_HOME` chooses another set of folders.
    Raises UsageError for a name that fits several.
    """
    known = os.environ if environ is None else environ
    directories = find_directories(known)
    wanted = known.get("MEGA_PROFILE", "")
    if wanted:
        return _named(directories, wanted)
    try:
        profile = (directories.accounts / _POINTER).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        profile = ""
    # A pointer names a folder beside it, never a path; a damaged one names nothing.
    if Path(profile).name != profile or profile == ".." or not profile.isprintable():
        profile = ""
    return Home(directories, profile)


def _named(directories: Directories, wanted: str) -> Home:
    """Find the profile of a name among those that are here, so that no name can be a path."""
    here = _profiles(directories)
    fitting = [wanted] if wanted in here else [name for name in here if name.rpartition("@")[0] == wanted]
    if len(fitting) > 1:
        raise UsageError(f"several profiles are of an account {wanted}", f"name one of: {', '.join(fitting)}")
    return Home(directories, fitting[0]) if fitting else Home(directories, wanted=wanted)


def _profiles(directories: Directories) -> list[str]:
    try:
        return sorted(folder.name for folder in directories.accounts.iterdir() if folder.is_dir())
    except FileNotFoundError:
        return []
