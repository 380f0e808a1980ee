"""Writes the man pages from the commands' help: `man/mega.1`, and `man/mega-<command>.1` for each command.

`test_man.py` holds the files to what this module would write; they are stored so that building a wheel needs no code of
the project. It is no part of the product. No library fits: click-man knows neither our examples nor nested commands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from mega_cli.main import COMMANDS, VERSION, mega
from tests.house.make_docs import command_named, context_of, with_subcommands

MAN: Final = Path(__file__).parents[2] / "man"
_WRITTEN: Final = "2026-11-22"
"""Of the help: mandoc asks for a date, and the day of a build would change the files."""
_ROFF: Final = str.maketrans({"\\": "\\e", "-": "\\-", "~": "\\(ti", "^": "\\(ha"})
_SEE_ALSO: Final = "Every option is also a variable, and a setting: see mega\\-config(1)."


def man_pages() -> dict[str, str]:
    """Write every page, by file name."""
    names = [name for section in COMMANDS.values() for name in section]
    pages = {f"mega-{words.replace(' ', '-')}.1": _command_page(words) for words in with_subcommands(names)}
    return {"mega.1": _first_page(), **pages}


def _first_page() -> str:
    lines = [_title("mega"), ".SH NAME", f"mega \\- {_plain(mega.help or '')}", ".SH SYNOPSIS", ".B mega"]
    lines += [".RI [ OPTIONS ]", ".I COMMAND", ".RI [ ARGUMENTS ]"]
    for section, commands in COMMANDS.items():
        lines.append(f".SH {section.upper()} COMMANDS")
        for name, line in commands.items():
            lines += [".TP", f".BR mega\\-{_plain(name)} (1)", _plain(line)]
    lines += [".SH OPTIONS", *_options(mega, click.Context(mega, info_name="mega"))]
    lines += [".SH EXIT STATUS", "0 is success; docs/exit\\-codes.md lists the others."]
    return "\n".join(lines) + "\n"


def _command_page(words: str) -> str:
    command, context = command_named(words), context_of(words)
    summary, _, description = inspect.cleandoc(command.help or "").partition("\n\n")
    usage = " ".join(command.collect_usage_pieces(context))
    title = f"mega-{words.replace(' ', '-')}"
    lines = [_title(title), ".SH NAME", f"{_plain(title)} \\- {_plain(summary).rstrip('.')}", ".SH SYNOPSIS"]
    lines += [f".B mega {_plain(words)}", _plain(usage)]
    if description:
        lines += [".SH DESCRIPTION", *_paragraphs(description)]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for name, below in command.commands.items():
            lines += [".TP", f".BR {_plain(title)}\\-{_plain(name)} (1)", _plain((below.help or "").splitlines()[0])]
    lines += [".SH OPTIONS", *_options(command, context), ".SH EXAMPLES", ".nf"]
    lines += [*map(_plain, command.examples), ".fi", ".SH SEE ALSO", ".BR mega (1)", ".br", _SEE_ALSO]
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return f'.TH "{_plain(name.upper())}" "1" "{_WRITTEN}" "mega {VERSION}" "mega"'


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield ".TP"
            yield f".B {_plain(record[0])}"
            yield _plain(record[1])


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _plain(" ".join(paragraph.replace("\b", "").split()))


def _plain(text: str) -> str:
    """Write a text so that roff reads no command in it: backslashes, hyphens, dots and quotes that begin a line."""
    escaped = re.sub(r"\s+", " ", text).translate(_ROFF)
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def main() -> None:
    """Write the pages, and take away those of commands that are gone."""
    MAN.mkdir(exist_ok=True)
    pages = man_pages()
    for path in MAN.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (MAN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
