"""Changes single values of `config.toml` and leaves every comment and blank line where the user put it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from mega_cli.errors import UsageError


def set_value(path: Path, key: str, value: str | int | bool | list[str]) -> None:  # noqa: FBT001 -- a value, whatever its type
    """Let a dotted key stand in the file, which is made if need be. Raises UsageError when it is not TOML."""
    document = _read(path)
    *tables, name = key.split(".")
    at: MutableMapping[str, Any] = document
    for table in tables:
        if not isinstance(at.setdefault(table, tomlkit.table()), MutableMapping):
            raise UsageError(f"{path}: {table} is a value, and {key} needs a table of that name", "mega config edit")
        at = at[table]
    at[name] = value
    _write(path, tomlkit.dumps(document))


def unset_value(path: Path, key: str) -> bool:
    """Take a dotted key out of the file, and tell whether it was there. Raises UsageError when it is not TOML."""
    document = _read(path)
    *tables, name = key.split(".")
    at: Any = document
    for table in tables:
        at = at.get(table) if isinstance(at, MutableMapping) else None
    if not isinstance(at, MutableMapping) or name not in at:
        return False
    del at[name]
    _write(path, tomlkit.dumps(document))
    return True


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", "mega config edit") from error


def _write(path: Path, text: str) -> None:
    """Put the file in place whole. A link in its place, as keepers of dotfiles have it, stays a link."""
    real = path.resolve()
    real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = real.with_name(f".{real.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    if real.exists():
        temporary.chmod(real.stat().st_mode & 0o777)
    temporary.replace(real)
