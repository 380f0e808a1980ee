"""How fast, with how many threads, and what a transfer may delete: what put and get declare alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click

from mega_cli.api.rates import Timetable, parse_rates
from mega_cli.errors import UsageError
from mega_cli.options.command import Decorator
from mega_cli.volume.requests import TRANSFERS, TRANSFERS_MOST, MostDeleted


class TimetableType(click.ParamType[Timetable]):
    """Turns a bandwidth limit into a `Timetable` at the door."""

    name = "rate"

    def convert(
        self,
        value: str | Timetable,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002 -- click's signature
    ) -> Timetable:
        """Parse the text. Raises UsageError."""
        return value if isinstance(value, Timetable) else parse_rates(value)


TIMETABLE: Final = TimetableType()


@dataclass(frozen=True, slots=True)
class Moving:
    """How put and get move bytes, and what they delete at the end."""

    limit: Timetable | None
    transfers: int
    deletes: MostDeleted | None


bwlimit_option: Decorator = click.option(
    "--bwlimit",
    "limit",
    type=TIMETABLE,
    metavar="RATE",
    envvar="MEGA_BWLIMIT",
    help="Move at most so much a second: 512K, 1M:off (up:down), off, or '08:00,512K 23:00,off'. While it runs: "
    "mega bwlimit.",
)
transfers_option: Decorator = click.option(
    "--transfers",
    type=click.IntRange(1, TRANSFERS_MOST),
    default=TRANSFERS,
    show_default=True,
    metavar="N",
    help="How many threads move bytes.",
)
_MOST = re.compile(r"(\d{1,12})(%?)", re.ASCII)
_WHOLE_PERCENT = 100


def moving_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give put and get --bwlimit, --transfers, --delete and --max-delete; their function gets `moving: Moving`."""

    @bwlimit_option
    @transfers_option
    @click.option(
        "--delete",
        "is_deleting",
        is_flag=True,
        help="At the end, delete in the folders copied to what the folders copied from do not have; what is excluded "
        "stays. Nothing is deleted when an item failed or a source is empty.",
    )
    @click.option(
        "--max-delete",
        "most",
        metavar="N|N%",
        default="50%",
        show_default=True,
        help="With --delete: delete nothing if it would be more than so many items, or than such a share of them.",
    )
    @functools.wraps(function)
    def with_moving(
        *args: object, limit: Timetable | None, transfers: int, is_deleting: bool, most: str, **named: object
    ) -> object:
        found = _MOST.fullmatch(most)
        if found is None or (found[2] and int(found[1]) > _WHOLE_PERCENT):
            raise UsageError(f"not a number of items or a share of them: {most!r}", "such as --max-delete 20 or 10%")
        number = int(found[1])
        deletes = MostDeleted(percent=number) if found[2] else MostDeleted(count=number)
        return function(*args, moving=Moving(limit, transfers, deletes if is_deleting else None), **named)

    return with_moving
