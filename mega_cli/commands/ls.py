"""`mega ls`: list a folder."""

from __future__ import annotations

import click

from mega_cli.account import open_volume
from mega_cli.options.command import declare, human_option
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.output.console import Console
from mega_cli.output.listing import entry_fields, long_line, shown_name, size_writer
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import RemotePath
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import list_path


@declare("ls", examples=("mega ls -lh /", "mega ls --recursive --json /sample"))
@click.argument("path", type=REMOTE_PATH, default="/")
@click.option("-l", "is_long", is_flag=True, help="Show mode, size and time.")
@human_option
@click.option("-r", "--recursive", "is_recursive", is_flag=True, help="List all folders below.")
def command(console: Console, path: RemotePath, *, is_long: bool, is_human: bool, is_recursive: bool) -> None:
    """List a folder.

    PATH is / when it is left out. A folder's name ends with a slash.
    """
    with open_volume(open_home(), spoken_waits(console)) as session:
        listing = list_path(session, path, is_recursive=is_recursive)
        if console.is_json:
            console.listing({"path": str(path)}, "entries", map(entry_fields, listing))
        elif is_long:
            size_text = size_writer(is_human=is_human)
            console.result(long_line(entry, size_text) for entry in listing)
        else:
            console.result(shown_name(entry) for entry in listing)
