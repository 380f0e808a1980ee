"""`mega mkdir`: make folders."""

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
from mega_cli.volume.changes import make_folder


@declare("mkdir", examples=("mega mkdir -p /photos/2026/summer",))
@click.argument("paths", nargs=-1, required=True, type=REMOTE_PATH, metavar="PATH...")
@click.option("-p", "--parents", "with_parents", is_flag=True, help="Make parents too; a folder that exists is fine.")
@dry_run_option
def command(console: Console, paths: tuple[RemotePath, ...], *, with_parents: bool, is_dry_run: bool) -> None:
    """Make folders."""
    with open_to_change(open_home(), console.note, spoken_waits(console)) as session:
        for path in paths:
            summary = make_folder(session, path, with_parents=with_parents, is_dry_run=is_dry_run)
            report_change(console, f"made for {path}", summary, is_dry_run=is_dry_run)
