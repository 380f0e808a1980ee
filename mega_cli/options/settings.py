"""What `config.toml` may say: defaults for the options of commands, and nothing else.

The keys are generated from the commands: `put.exclude` is `mega put --exclude`. A few stand at the top for every
command that has the option. Precedence is click's: option, MEGA_* variable, config.toml, default. A secret is no
option, so it is no key; a switch that belongs to one run (`--dry-run`, `--yes`, `--json`) is none either.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from mega_cli.errors import MegaError, UsageError
from mega_cli.system.config import Table, read_config
from mega_cli.system.directories import find_directories

AT_TOP_ALONE: Final = ("log_level", "no_color")
"""Options of every command: one key for all of them."""
EVERYWHERE: Final = ("bwlimit", "ca_file", "proxy", "transfers", *AT_TOP_ALONE)
"""Options that may stand at the top, for every command that has them."""
OF_ONE_RUN: Final = frozenset(
    ("all", "delete", "dry_run", "help", "json", "merge", "quiet", "reset", "verbose", "version", "with_trash", "yes")
)
UNCONFIGURED: Final = frozenset(("config", "completion"))
"""Commands that must work whatever config.toml says."""
_MOST_DOTS: Final = 4
"""No key has so many: a table that nests deeper is as unknown as it is, and need not be walked."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, and the option it is a default for."""

    key: str
    command: click.Command
    option: click.Option

    @property
    def name(self) -> str:
        """The key's last part."""
        return self.key.rpartition(".")[2]

    def check(self, value: object, where: str, hint: str = "") -> object:
        """Bring a value of the file into what click takes as a default. Raises UsageError, which names `where`.

        Without another `hint` it is the command that takes the value out of the file.
        """
        hint = hint or _unset(self.key)
        given = _as_words(value, self.option)
        if given is None:
            raise UsageError(f"{where}: {self.key} cannot be {_kind(value)}", hint)
        try:
            self.option.type_cast_value(click.Context(self.command), given)
        except (click.UsageError, MegaError) as error:
            raise UsageError(f"{where}: {self.key}: {error.message.rstrip('.')}", hint) from error
        return given

    def variable(self, environ: Mapping[str, str]) -> str:
        """Name the variable that says it, or the empty string."""
        named = [self.option.envvar] if isinstance(self.option.envvar, str) else list(self.option.envvar or ())
        return next((name for name in named if environ.get(name)), "")


def spelled(option: click.Option) -> str:
    """Give an option's long name as a key has it: `exclude_caches`."""
    return max(option.opts, key=len).lstrip("-").replace("-", "_")


def settings_of(command: click.Command, words: str) -> dict[str, Setting]:
    """Give the settings of one command by the last part of their keys."""
    if words.split(maxsplit=1)[0] in UNCONFIGURED:
        return {}
    prefix = words.replace(" ", ".")
    options = [option for option in command.params if isinstance(option, click.Option)]
    names = {spelled(option): option for option in options}
    return {
        name: Setting(f"{prefix}.{name}", command, option) for name, option in names.items() if name not in OF_ONE_RUN
    }


def every_setting(table: click.Group) -> dict[str, Setting]:
    """Give every key there is; this imports every command."""
    found: dict[str, Setting] = {}
    for words, command in _commands(table):
        for name, setting in settings_of(command, words).items():
            if name not in AT_TOP_ALONE:
                found[setting.key] = setting
            if name in EVERYWHERE and name not in found:
                found[name] = Setting(name, command, setting.option)
    return dict(sorted(found.items(), key=lambda item: ("." in item[0], item[0])))


def config_defaults(command: click.Command, words: str, parent: click.Context | None) -> dict[str, object]:
    """Read what config.toml says for one command, by the names of its parameters. Raises UsageError.

    Tables of other commands are not looked into: their commands are not imported.
    """
    path = find_directories().config_file
    known = settings_of(command, words)
    if not known or not path.is_file():
        return {}
    document = read_config(path)
    root = parent.find_root().command if parent is not None else None
    if isinstance(root, click.Group) and parent is not None:
        _refuse_unknown(document, {*root.list_commands(parent), *EVERYWHERE}, "", path)
    own: Any = document
    for word in words.split():
        own = own.get(word, {}) if isinstance(own, dict) else {}
    if not isinstance(own, dict):
        key = words.replace(" ", ".")
        raise UsageError(f"{path}: {key} is a table of settings, and a value stands there", _unset(key))
    below = set(command.commands) if isinstance(command, click.Group) else set()
    _refuse_unknown(own, (known.keys() - set(AT_TOP_ALONE)) | below, words.replace(" ", ".") + ".", path)
    told = {name: document[name] for name in EVERYWHERE if name in document} | own
    settings = [(setting, told[name]) for name, setting in known.items() if name in told]
    return {str(setting.option.name): setting.check(value, str(path)) for setting, value in settings}


def check_document(document: Table, every: Mapping[str, Setting], path: Path) -> dict[str, object]:
    """Check a whole file and give its values by key. Raises UsageError for the first that is unknown or wrong."""
    values = dict(_flat(document))
    _refuse_unknown(values, set(every), "", path)
    for key, value in values.items():
        every[key].check(value, str(path))
    return values


def origin_of(setting: Setting, config: Mapping[str, object], path: Path) -> tuple[object, str]:
    """Give a setting's value and where it comes from, for a run without options."""
    variable = setting.variable(os.environ)
    if variable:
        return os.environ[variable], f"environment {variable}"
    for key in (setting.key, setting.name):
        if key in config and (key == setting.key or setting.name in EVERYWHERE):
            return config[key], f"{path}" + (f" ({key})" if key != setting.key else "")
    default = setting.option.get_default(click.Context(setting.command), call=True)
    is_told = isinstance(default, str | int | float | list | tuple)
    return default if is_told and default != () else None, "default"


def _commands(table: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(table)
    for name in table.list_commands(context):
        command = table.get_command(context, name)
        assert command is not None, "the table names commands that exist"
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", found) for below, found in command.commands.items())


def _flat(document: Table, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, dict) and prefix.count(".") < _MOST_DOTS:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _refuse_unknown(found: Mapping[str, object], known: set[str], prefix: str, path: Path) -> None:
    for name in found:
        if name not in known:
            raise UsageError(f"{path}: there is no setting {prefix}{name}", _unset(prefix + name))


def _unset(key: str) -> str:
    """Write the command that mends the file; `mega config show` would meet the same mistake."""
    return shlex.join(["mega", "config", "unset", key])


def _as_words(value: object, option: click.Option) -> object:
    """Write a value as the command line would have it, so that one parser judges both; None for what it cannot be."""
    if isinstance(value, bool):
        return value if option.is_flag else None
    if option.is_flag:
        return None
    words = [str(item) for item in (value if isinstance(value, list) else [value]) if _is_word(item)]
    if isinstance(value, list):
        return words if option.multiple and len(words) == len(value) else None
    return (words if option.multiple else words[0]) if words else None


def _is_word(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return {list: "a list", dict: "a table", bool: "true or false"}.get(type(value), "that kind of value")
