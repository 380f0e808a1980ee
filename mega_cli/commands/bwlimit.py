"""`mega bwlimit`: show or set the bandwidth limit, also of transfers that are running."""

from __future__ import annotations

import click

from mega_cli.account.pace import limit_path, local_minute
from mega_cli.api.rates import parse_rates, rate_text
from mega_cli.errors import UsageError
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.state.limit_file import erase_limit, read_limit, write_limit
from mega_cli.system.directories import open_home


@declare(
    "bwlimit",
    examples=(
        "mega bwlimit 512K",
        "mega bwlimit 1M:off",
        "mega bwlimit '08:00,512K 23:00,off'",
        "mega bwlimit",
        "mega bwlimit --reset",
    ),
)
@click.argument("rate", required=False, metavar="[RATE]")
@click.option("--reset", "is_reset", is_flag=True, help="Let every run keep to its own --bwlimit again.")
def command(console: Console, rate: str | None, *, is_reset: bool) -> None:
    """Show or set the bandwidth limit, also of running transfers.

    RATE holds for every transfer of this account on this device: those that are running obey within a second or two,
    later ones unless they have a --bwlimit of their own. It is one rate (512K, a second), UP:DOWN, off, or a timetable.
    """
    if rate is not None and is_reset:
        message = "a rate and --reset say different things"
        raise UsageError(message, "mega bwlimit --help")
    path = limit_path(open_home())
    if is_reset:
        erase_limit(path)
    elif rate is not None:
        parse_rates(rate)
        write_limit(path, rate)
    found = read_limit(path)
    now = None if found is None else parse_rates(found.text).at(local_minute())
    if console.is_json:
        console.document(
            {
                "limit": None if found is None else found.text,
                "up_bytes_per_s": None if now is None else now.up,
                "down_bytes_per_s": None if now is None else now.down,
            }
        )
    elif found is None or now is None:
        console.result("not set: each run keeps to its own --bwlimit")
    else:
        console.result(f"{found.text} (now {rate_text(now.up)} up, {rate_text(now.down)} down)")
