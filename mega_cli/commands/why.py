"""`mega why`: why a file is synced, waits, or is left out."""

from __future__ import annotations

from pathlib import Path

import click

from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.why import why_fields, why_lines
from mega_cli.sync.why import why
from mega_cli.system.directories import open_home


@declare("why", examples=("mega why notes.txt", "mega why --json notes.txt"))
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
def command(console: Console, path: Path) -> None:
    """Say why a file is synced, waits or is left out.

    PATH is a file or folder on this disk, in a synced folder. Only this device is asked: what changed elsewhere since
    the last run is not known.
    """
    answer = why(open_home(), path)
    if console.is_json:
        console.document(why_fields(answer))
    else:
        console.result(why_lines(answer))
