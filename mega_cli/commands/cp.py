"""`mega cp`: copy, uploading nothing."""

from __future__ import annotations

import click

from mega_cli.options.command import declare, dry_run_option
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.output.change import report_change
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import open_to_change
from mega_cli.system.directories import open_home
from mega_cli.volume.changes import copy


@declare("cp", examples=("mega cp /sample /photos",))
@click.argument("sources", nargs=-1, required=True, type=REMOTE_PATH, metavar="SRC...")
@click.argument("destination", type=REMOTE_PATH, metavar="DST")
@dry_run_option
def command(console: Console, sources: tuple[RemotePath, ...], destination: RemotePath, *, is_dry_run: bool) -> None:
    """Copy, uploading nothing.

    An existing folder DST receives SRC under its name, folders with all they hold; several SRC need a folder.
    """
    with open_to_change(open_home(), console.note, spoken_waits(console)) as session:
        summary = copy(session, sources, destination, is_dry_run=is_dry_run)
    report_change(console, f"copied to {destination}", summary, is_dry_run=is_dry_run)
