"""`mega import`: copy what a link names into one's own volume."""
# ruff: noqa: N999 -- the command's name is a keyword; `mega_cli.main` imports modules by the names of commands

from __future__ import annotations

import click

from mega_cli.account.pace import open_pace
from mega_cli.api.rates import Timetable
from mega_cli.options.command import declare
from mega_cli.options.link import LINK, visiting_options
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.options.transfer import bwlimit_option
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.summary import report_transfer
from mega_cli.paths.remote import RemotePath
from mega_cli.share.copy_in import copy_in
from mega_cli.share.healing import open_to_change
from mega_cli.share.places import Visiting, open_visit
from mega_cli.share.visit import LinkAddress
from mega_cli.system.directories import open_home


@declare("import", examples=("mega import link: /from-bob", "mega import link:/summer /photos"))
@click.argument("link", type=LINK, metavar="LINK[:/PATH]")
@click.argument("destination", type=REMOTE_PATH, metavar="DST", default="/")
@bwlimit_option
@visiting_options
def command(
    console: Console, link: LinkAddress, destination: RemotePath, limit: Timetable | None, visiting: Visiting
) -> None:
    """Copy what a link names into your own files.

    An existing folder DST, / when it is left out, receives it under its name. The copy is yours, under your own keys,
    and stays when the link ends. Everything is uploaded, whatever you store already, so that nobody learns from it what
    that is; nothing is replaced. link: stands for the link in the variable MEGA_LINK.
    """
    home = open_home()
    pace = open_pace(home, limit)
    with (
        shown_progress(console) as progress,
        open_to_change(home, console.note, progress, pace) as session,
        open_visit(home, link, visiting, progress, pace) as opened,
    ):
        summary = copy_in(session, opened, opened.entry_at(link.path), destination, progress)
    report_transfer(console, progress, summary, is_dry_run=False, when_failed="everything else was copied")
