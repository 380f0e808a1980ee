"""What several commands of `mega-server` declare alike: `--data`, sizes, the example, and the error with its exit code.

Every option also comes as MEGA_SERVER_<OPTION>, whatever the command. It does nothing but read what was typed, and open
the folder that was named.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import click

from mega_server.config import Config
from mega_server.protocol.limits import GIB, KIB, MIB
from mega_server.services.backend import Backend, initialise, open_backend
from mega_server.services.backups import WHOLE, Copied

F = TypeVar("F", bound=Callable[..., Any])
FAILED, NOT_FOUND, SAFETY, NOT_INITIALISED, LOCKED, PERMISSION, INTEGRITY, POLICY = 1, 4, 7, 10, 11, 13, 14, 17
SETTINGS: Final = {"auto_envvar_prefix": "MEGA_SERVER"}
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_LONGEST_S = 10 * 366 * 86_400
_LARGEST_BYTES = 2**62
# More digits are no number that 64 bits hold.
_DIGITS = 19
_UNITS = {"K": KIB, "M": MIB, "G": GIB, "T": 1024 * GIB}


class CommandError(click.ClickException):
    """A command failed: what went wrong, what to do about it, and the exit code of `docs/exit-codes.md`."""

    def __init__(self, exit_code: int, message: str, hint: str = "") -> None:
        """Keep a sentence and a hint."""
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it on the class, and reads it from self
        self.hint = hint

    def show(self, file: IO[str] | None = None) -> None:
        """Print the sentence and the hint on stderr."""
        click.echo(f"mega-server: error: {self.message}", file=file, err=True)
        if self.hint:
            click.echo(f"mega-server: hint: {self.hint}", file=file, err=True)


class SizeType(click.ParamType[int]):
    """A size such as 50G; K M G T are 1024-based."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the size in bytes."""
        if isinstance(value, int):
            return value
        digits, unit = (value[:-1], value[-1:].upper()) if value[-1:].upper() in _UNITS else (value, "")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS
        if not is_number or int(digits) * _UNITS.get(unit, 1) > _LARGEST_BYTES:
            self.fail(f"{value!r} is no size; write 500M or 50G", param, ctx)
        return int(digits) * _UNITS.get(unit, 1)


class FolderType(click.Path):
    """A folder, there or not. No name at all, as an unset variable gives, is not the present folder."""

    def __init__(self) -> None:
        """Take what a folder can be."""
        super().__init__(file_okay=False, readable=False, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Refuse the empty name."""
        if value == "":
            self.fail("the folder's name is empty", param, ctx)
        return super().convert(value, param, ctx)


class DurationType(click.ParamType[int]):
    """A time such as 12h or 7d; s m h d w."""

    name = "time"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the time in seconds; none is longer than ten years."""
        if isinstance(value, int):
            return value
        digits, unit = value[:-1], value[-1:]
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS
        if unit not in _SECONDS or not is_number or not 0 < int(digits) * _SECONDS[unit] <= _LONGEST_S:
            self.fail(f"{value!r} is no time; write 12h or 7d", param, ctx)
        return int(digits) * _SECONDS[unit]


def size_text(size_bytes: int) -> str:
    """Write a size for people, in the units of `SizeType`.

    >>> size_text(50 * GIB), size_text(1536), size_text(7)
    ('50G', '1.5K', '7')
    """
    fitting = [(unit, step) for unit, step in _UNITS.items() if size_bytes >= step]
    if not fitting:
        return str(size_bytes)
    unit, step = fitting[-1]
    return f"{size_bytes / step:.1f}".removesuffix(".0") + unit


def example(line: str) -> str:
    """Write the example below a command's help; the first character keeps click from joining the lines."""
    return f"\b\nExample:\n  {line}"


def data_option(command: F) -> F:
    """Add `--data`, the folder that a command works on."""
    return click.option(
        "--data",
        "data_dir",
        type=FolderType(),
        required=True,
        envvar="MEGA_SERVER_DATA",
        show_envvar=True,
        help="Folder that holds everything the server keeps.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "is_json", is_flag=True, help="Print one JSON document.")(command)


@contextmanager
def existing(data_dir: Path) -> Iterator[Backend]:
    """Open a server's folder; one that holds none is refused rather than made by a slip of the pen."""
    config = Config(data_dir=data_dir)
    if not (data_dir / "mega.db").exists() and not any(data_dir.glob("store/v/*")):
        hint = f"make one with: mega-server init --data {data_dir}"
        raise CommandError(NOT_INITIALISED, f"{data_dir} holds no server", hint)
    initialise(config)
    backend = open_backend(config)
    try:
        yield backend
    finally:
        backend.close()


def report_copy(done: Copied, place: Path, *, is_json: bool) -> None:
    """Say what a backup or a restore did. Raises CommandError when the source lacks packs."""
    lost = [f"{pack.volume.hex()}/{pack.name.hex()}" for pack in done.lost]
    if is_json:
        click.echo(json.dumps(dataclasses.asdict(done) | {"lost": lost}))
    else:
        for pack in lost:
            click.echo(f"damaged {pack}: lost or damaged where it was copied from, and not in the copy")
        click.echo(
            f"{place}: {done.packs} packs, {done.new_packs} of them new ({done.new_bytes} bytes), "
            f"{done.removed_packs} removed; database of {done.database_bytes} bytes"
        )
    if lost:
        kept = f"; what was whole is kept with {WHOLE}" if (place / WHOLE).exists() else ""
        hint = f"the copy is whole but for these{kept}: docs/operations.md, Lost packs and Repair"
        raise CommandError(INTEGRITY, f"{len(lost)} packs could not be copied: they are lost or damaged", hint)
