"""`mega rm`: move to the trash."""

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
from mega_cli.volume.changes import remove


@declare("rm", examples=("mega rm /milk.txt", "mega rm -r -n /photos"))
@click.argument("paths", nargs=-1, required=True, type=REMOTE_PATH, metavar="PATH...")
@click.option("-r", "--recursive", "is_recursive", is_flag=True, help="Remove folders with all they hold.")
@dry_run_option
def command(console: Console, paths: tuple[RemotePath, ...], *, is_recursive: bool, is_dry_run: bool) -> None:
    """Move to the trash.

    Nothing is deleted: what is in the trash keeps its content, and still counts as used.
    """
    with open_to_change(open_home(), console.note, spoken_waits(console)) as session:
        summary = remove(session, paths, is_recursive=is_recursive, is_dry_run=is_dry_run)
    report_change(console, "moved to the trash", summary, is_dry_run=is_dry_run)
