"""`mega cat`: print files."""

from __future__ import annotations

import sys

import click

from mega_cli.account import open_volume
from mega_cli.account.pace import open_pace
from mega_cli.api.rates import Timetable
from mega_cli.options.command import declare
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.options.transfer import bwlimit_option
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import RemotePath
from mega_cli.system.directories import open_home
from mega_cli.volume.get import cat


@declare("cat", examples=("mega cat /sample/README.txt",))
@click.argument("paths", nargs=-1, required=True, type=REMOTE_PATH, metavar="PATH...")
@bwlimit_option
def command(console: Console, paths: tuple[RemotePath, ...], limit: Timetable | None) -> None:
    """Print files.

    Writes the bytes of one file after another to standard output. Each piece is verified before it is written.
    """
    progress = spoken_waits(console)
    home = open_home()
    with open_volume(home, progress, open_pace(home, limit)) as session:
        for path in paths:
            cat(session, path, sys.stdout.buffer, progress)
