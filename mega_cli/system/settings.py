"""The user's settings: option > `MEGA_*` > config.toml > default, and where each value came from.

The program reads the file and never writes it here. Secrets are no settings.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mega_cli.errors import UsageError

Origin = Literal["option", "environment", "config", "default"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from."""

    value: str
    origin: Origin


class Settings:
    """What the environment and the file say."""

    def __init__(self, config: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def text(self, name: str, *, option: str | None = None, default: str = "") -> Setting:
        """Resolve a setting named in lower case, such as `server` (`MEGA_SERVER`). Raises UsageError on a table."""
        if option is not None:
            return Setting(option, "option")
        variable = "MEGA_" + name.upper().replace("-", "_")
        if self._environ.get(variable):
            return Setting(self._environ[variable], "environment")
        value = self._config.get(name)
        if value is None:
            return Setting(default, "default")
        if not isinstance(value, str | int | float):
            message = f"the setting {name!r} in config.toml is no single value"
            raise UsageError(message)
        return Setting(str(value).lower() if isinstance(value, bool) else str(value), "config")


def read_settings(config_file: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file, which need not exist. Raises UsageError when it is not TOML."""
    try:
        config = tomllib.loads(config_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        config = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{config_file} cannot be read: {error}"
        raise UsageError(message, "correct or remove the file") from error
    return Settings(config, os.environ if environ is None else environ)
