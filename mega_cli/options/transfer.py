"""How fast, with how many threads, and what a transfer may delete: what put and get declare alike."""

from __future__ import annotations

from typing import Final

import click

from mega_cli.api.rates import Timetable, parse_rates
from mega_cli.options.command import Decorator
from mega_cli.volume.requests import TRANSFERS, TRANSFERS_MOST


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
