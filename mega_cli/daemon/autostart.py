"""Have the system start the daemon: a systemd user unit on Linux, a launchd agent on macOS. Never as root.

One file a profile, written whole, and on systemd the link that `systemctl --user enable` would make: so it also works
where no session of the user runs at the moment. Nothing is started or stopped here.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import plistlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol, final

from mega_cli.errors import MegaError
from mega_cli.state.private_files import write_private_file
from mega_cli.system.directories import Home

_PLACES: Final = ("MEGA_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
"""Variables that say where everything lies: a service does not read the user's shell profile."""
_DAEMON_RELOAD_S: Final = 10.0


class Autostart(Protocol):
    """How one system starts a profile's daemon."""

    @property
    def file(self) -> Path:
        """Say which file tells the system."""

    @property
    def is_on(self) -> bool:
        """Whether the system starts a daemon of this profile, be it by the program that runs now or another."""

    @property
    def is_current(self) -> bool:
        """Whether it starts this program, in this way."""

    @property
    def hint(self) -> str:
        """Say what is missing for a machine where nobody logs in; empty when nothing is."""

    def turn_on(self) -> None:
        """Have the daemon started from the next start of the machine, or the next login, on."""

    def turn_off(self) -> None:
        """Have it started no more."""


def autostart_of(home: Home) -> Autostart:
    """Give this system's way. Raises MegaError where there is none, NotInitialisedError without a profile."""
    words = [sys.executable, "-P", "-m", "mega_cli", "daemon", "run"]
    service = Service(home.folder.name, _name(home), words, _variables(home))
    system: str = sys.platform  # a text, or mypy would see one system only
    if system == "darwin":
        return LaunchAgent(service, Path.home())
    if system == "linux" and (Path("/run/systemd/system").is_dir() or shutil.which("systemctl")):
        return SystemdUnit(service, Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"))
    message = "this system has neither systemd nor launchd"
    raise MegaError(message, "have it run this at each start, as you: mega daemon start")


@final
@dataclass(frozen=True, slots=True)
class Service:
    """What is to be started."""

    profile: str
    name: str
    """Of the service: letters, digits, points and dashes."""
    words: list[str]
    variables: Mapping[str, str]


@final
@dataclass(frozen=True, slots=True)
class SystemdUnit:
    """A unit of the user's own manager."""

    service: Service
    config: Path
    """The user's folder of settings."""

    @property
    def file(self) -> Path:
        """Say which file tells the system."""
        return self.config / "systemd" / "user" / f"{self.service.name}.service"

    @property
    def is_on(self) -> bool:
        """Whether it is enabled."""
        return self.file.is_file() and self._link.is_symlink()

    @property
    def is_current(self) -> bool:
        """Whether it starts this program, in this way."""
        return self.is_on and self.file.read_bytes() == os.fsencode(self.text)

    @property
    def hint(self) -> str:
        """Say how it outlives the login, unless it does already."""
        user = getpass.getuser()
        return "" if (Path("/var/lib/systemd/linger") / user).exists() else f"loginctl enable-linger {user}"

    @property
    def text(self) -> str:
        """Write the unit: the template of the package, filled in."""
        template = (files("mega_cli") / "daemon" / "mega-daemon.service").read_text(encoding="utf-8")
        set_all = (f"Environment={_quoted(f'{name}={value}')}" for name, value in self.service.variables.items())
        # Not the program itself: systemd allows no quotes and no backslash in its path.
        command = " ".join(["/usr/bin/env", "--", *(_quoted(word).replace("$", "$$") for word in self.service.words)])
        return (
            template.replace("@PROFILE@", _escaped(self.service.profile))
            .replace("@ENVIRONMENT@", "\n".join(set_all))
            .replace("@COMMAND@", command)
        )

    def turn_on(self) -> None:
        """Write and enable it."""
        write_private_file(self.file, os.fsencode(self.text))
        self._link.parent.mkdir(mode=0o700, exist_ok=True)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(Path("..") / self.file.name)
        _tell_systemd()

    def turn_off(self) -> None:
        """Disable and remove it."""
        self._link.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)
        _tell_systemd()

    @property
    def _link(self) -> Path:
        return self.file.parent / "default.target.wants" / self.file.name


@final
@dataclass(frozen=True, slots=True)
class LaunchAgent:
    """An agent of the user's launchd. Untested on macOS itself."""

    service: Service
    user_folder: Path

    @property
    def file(self) -> Path:
        """Say which file tells the system."""
        return self.user_folder / "Library" / "LaunchAgents" / f"{self.service.name}.plist"

    @property
    def is_on(self) -> bool:
        """Whether it is there: launchd reads the folder at each login."""
        return self.file.is_file()

    @property
    def is_current(self) -> bool:
        """Whether it starts this program, in this way."""
        return self.is_on and self.file.read_bytes() == self.content

    @property
    def hint(self) -> str:
        """Nothing is known to be missing."""
        return ""

    @property
    def content(self) -> bytes:
        """Write the property list."""
        fields = {
            "Label": self.service.name,
            "ProgramArguments": self.service.words,
            "EnvironmentVariables": dict(self.service.variables),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,
            "ExitTimeOut": 10,
            "ProcessType": "Background",
        }
        return plistlib.dumps(fields)

    def turn_on(self) -> None:
        """Write it."""
        write_private_file(self.file, self.content)

    def turn_off(self) -> None:
        """Remove it."""
        self.file.unlink(missing_ok=True)


def _name(home: Home) -> str:
    """Name the service of a profile: readable, and never that of another, also of another MEGA_HOME."""
    told = re.sub(r"[^A-Za-z0-9.]+", "-", home.folder.name).strip("-")
    mark = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:8]
    return f"mega-{told}-{mark}"


def _variables(home: Home) -> dict[str, str]:
    known = {name: os.environ[name] for name in _PLACES if os.environ.get(name)}
    if "MEGA_HOME" in known:
        known["MEGA_HOME"] = str(Path(known["MEGA_HOME"]).expanduser().absolute())
    return {"MEGA_PROFILE": home.folder.name, **known}


def _escaped(text: str) -> str:
    """Write text so that systemd reads it as it is: no specifier, no end of line."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("%", "%%")


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _tell_systemd() -> None:
    """Have the user's manager read its units anew; where none runs, the next one reads them by itself."""
    program = shutil.which("systemctl")
    if program:
        words = [program, "--user", "--no-ask-password", "daemon-reload"]
        try:
            subprocess.run(words, check=False, capture_output=True, timeout=_DAEMON_RELOAD_S)  # noqa: S603 -- our words
        except (OSError, subprocess.TimeoutExpired):
            return
