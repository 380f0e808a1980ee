"""`mega cat`: print files."""

from __future__ import annotations

import sys

import click

from mega_cli.account.pace import open_pace
from mega_cli.api.rates import Timetable
from mega_cli.options.command import declare
from mega_cli.options.link import WHERE, visiting_options
from mega_cli.options.transfer import bwlimit_option
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.share.places import Visiting, Where, open_all
from mega_cli.system.directories import open_home
from mega_cli.volume.get import cat


@declare("cat", examples=("mega cat /sample/README.txt",))
@click.argument("paths", nargs=-1, required=True, type=WHERE, metavar="PATH...")
@bwlimit_option
@visiting_options
def command(console: Console, paths: tuple[Where, ...], limit: Timetable | None, visiting: Visiting) -> None:
    """Print files.

    Writes the bytes of one file after another to standard output. Each piece is verified before it is written. PATH may
    be a link, LINK or LINK:/PATH.
    """
    progress = spoken_waits(console)
    home = open_home()
    with open_all(home, paths, visiting, progress, open_pace(home, limit)) as found:
        for files, path in found:
            cat(files, path, sys.stdout.buffer, progress)
