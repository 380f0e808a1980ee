"""`mega ls`: list a folder."""

from __future__ import annotations

import click

from mega_cli.options.command import declare, human_option
from mega_cli.options.link import WHERE, visiting_options
from mega_cli.output.console import Console
from mega_cli.output.listing import entry_fields, long_line, shown_name, size_writer
from mega_cli.output.progress import spoken_waits
from mega_cli.share.places import Visiting, Where, open_files
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import list_path


@declare("ls", examples=("mega ls -lh /", "mega ls --recursive --json /sample"))
@click.argument("path", type=WHERE, default="/")
@click.option("-l", "is_long", is_flag=True, help="Show mode, size and time.")
@human_option
@click.option("-r", "--recursive", "is_recursive", is_flag=True, help="List all folders below.")
@visiting_options
def command(
    console: Console, path: Where, visiting: Visiting, *, is_long: bool, is_human: bool, is_recursive: bool
) -> None:
    """List a folder.

    PATH is / when it is left out; a link, LINK or LINK:/PATH, needs no account. A folder's name ends with a slash.
    """
    with open_files(open_home(), path, visiting, spoken_waits(console)) as (files, below):
        listing = list_path(files, below, is_recursive=is_recursive)
        if console.is_json:
            console.listing({"path": str(below)}, "entries", map(entry_fields, listing))
        elif is_long:
            size_text = size_writer(is_human=is_human)
            console.result(long_line(entry, size_text) for entry in listing)
        else:
            console.result(shown_name(entry) for entry in listing)
