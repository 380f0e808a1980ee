"""`mega config`: show, set and edit the defaults in config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from mega_cli.errors import MissingItemError, UsageError
from mega_cli.options.command import MegaGroup, declare
from mega_cli.options.settings import Setting, check_document, every_setting, origin_of
from mega_cli.output.console import Console
from mega_cli.system.config import read_config
from mega_cli.system.config_edit import set_value, unset_value
from mega_cli.system.directories import find_directories

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_FIRST_LINES = "# Defaults for the options of mega's commands. What there is: mega config show\n"


@declare("config show", examples=("mega config show --origin", "mega config show put"))
@click.argument("prefix", default="", metavar="[KEY]")
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value comes from.")
def show_command(console: Console, prefix: str, *, with_origin: bool) -> None:
    """Show every setting and its value.

    KEY shows that setting, or all of a command: put. A setting is the default of an option; the option itself and its
    MEGA_ variable come first.
    """
    path, every = _file(), _settings()
    values = check_document(read_config(path), every, path)
    shown = {key: one for key, one in every.items() if not prefix or key == prefix or key.startswith(prefix + ".")}
    if not shown:
        raise MissingItemError(f"there is no setting {prefix}", "mega config show")
    rows = [(key, *origin_of(setting, values, path)) for key, setting in shown.items()]
    if console.is_json:
        settings = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
        console.document({"file": str(path), "settings": settings})
        return
    width = max(len(key) for key in shown)
    for key, value, origin in rows:
        console.result(f"{key:<{width}}  {_text(value)}" + (f"  ({origin})" if with_origin else ""))


@declare(
    "config set", examples=("mega config set get.overwrite if-changed", "mega config set put.exclude '*.tmp' '*.log'")
)
@click.argument("setting", metavar="KEY")
@click.argument("words", nargs=-1, required=True, metavar="VALUE...")
def set_command(console: Console, setting: str, words: tuple[str, ...]) -> None:
    """Write a setting into config.toml; comments there stay.

    An option that may be repeated takes several values.
    """
    known = _setting(_settings(), setting)
    if len(words) > 1 and not known.option.multiple:
        raise UsageError(f"{setting} takes one value", f"mega config set {setting} VALUE")
    value = _value(known, words)
    known.check(value, "this value", f"mega config show {setting}")
    set_value(_file(), setting, value)
    _report(console, {"key": setting, "value": value, "file": str(_file())}, f"{setting} is now {_text(value)}")


@declare("config unset", examples=("mega config unset get.overwrite",))
@click.argument("setting", metavar="KEY")
def unset_command(console: Console, setting: str) -> None:
    """Take a setting out of config.toml, known or not."""
    if not unset_value(_file(), setting):
        raise MissingItemError(f"{_file()} does not set {setting}", "mega config show --origin")
    _report(console, {"key": setting, "value": None, "file": str(_file())}, f"{setting} is not set any more")


@declare("config edit", examples=("mega config edit",))
def edit_command(console: Console) -> None:
    """Open config.toml in your editor, and check it afterwards.

    The editor is VISUAL or EDITOR.
    """
    path = _file()
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(_FIRST_LINES, encoding="utf-8")
    click.edit(filename=str(path))
    check_document(read_config(path), _settings(), path)
    _report(console, {"file": str(path)}, f"{path} is in order")


command = MegaGroup(
    "config",
    "Show, set and edit the defaults of all options.",
    [show_command, set_command, unset_command, edit_command],
)


def _file() -> Path:
    return find_directories().config_file


def _settings() -> dict[str, Setting]:
    """Give every key, by importing every command: only this command pays for that."""
    table = click.get_current_context().find_root().command
    assert isinstance(table, click.Group), "the root is mega itself"
    return every_setting(table)


def _setting(every: Mapping[str, Setting], key: str) -> Setting:
    if key not in every:
        raise UsageError(f"there is no setting {key}", "for what there is: mega config show")
    return every[key]


def _value(setting: Setting, words: tuple[str, ...]) -> str | int | bool | list[str]:
    """Choose how TOML writes what was typed: true or false for a switch, a number for a number, else text."""
    if setting.option.multiple:
        return list(words)
    (word,) = words
    if setting.option.is_flag:
        if word.lower() not in _WORDS:
            raise UsageError(f"{setting.key} is true or false, not {word}", f"mega config set {setting.key} true")
        return _WORDS[word.lower()]
    is_number = isinstance(setting.option.type, click.types.IntParamType) and word.isascii() and word.isdigit()
    return int(word) if is_number else word


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _report(console: Console, fields: Mapping[str, object], sentence: str) -> None:
    if console.is_json:
        console.document(fields)
    else:
        console.note(f"mega: {sentence}")
