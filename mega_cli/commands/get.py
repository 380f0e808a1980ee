"""`mega get`: fetch files and folders."""

from __future__ import annotations

import sys

import click

from mega_cli.account import open_volume
from mega_cli.account.pace import open_pace
from mega_cli.errors import UsageError
from mega_cli.options.command import declare, dry_run_option
from mega_cli.options.completion import complete_remote_then_local
from mega_cli.options.link import names_link, only_links, parse_where, visiting_options
from mega_cli.options.selection import filter_options
from mega_cli.options.transfer import Moving, moving_options
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress, spoken_waits
from mega_cli.output.summary import report_transfer
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.share.places import Visiting, get_links, open_all
from mega_cli.system.directories import open_home
from mega_cli.volume.get import cat, get
from mega_cli.volume.requests import GetOptions, Overwrite


@declare(
    "get",
    examples=(
        "mega get /sample /tmp",
        "mega get --overwrite if-changed /sample /tmp",
        "mega get --bwlimit 2M /sample /tmp",
        "mega get --with-trash / /tmp/everything",
    ),
)
@click.argument(
    "words", nargs=-1, required=True, metavar="PATH|LINK... [DST]", shell_complete=complete_remote_then_local
)
@filter_options
@click.option(
    "--overwrite",
    type=click.Choice(["always", "if-changed", "if-newer", "never"]),
    help="What to do with a file that is there and differs; without it such a file is left alone and listed.",
)
@moving_options
@click.option("--with-trash", is_flag=True, help="With /: what is in the trash too, in DST/.trash.")
@dry_run_option
@visiting_options
def command(
    console: Console,
    words: tuple[str, ...],
    visiting: Visiting,
    filters: Filters,
    overwrite: Overwrite | None,
    moving: Moving,
    *,
    with_trash: bool,
    is_dry_run: bool,
) -> None:
    """Fetch files and folders.

    Copies as cp -r does: an existing folder DST receives PATH under its name; without DST it is the current folder.
    A file that is there and the same is skipped. Nothing appears under its final name before every byte is verified.
    DST may be - for standard output. A link, LINK or LINK:/PATH, needs no account; link: stands for the one in the
    variable MEGA_LINK. The whole account: mega get --with-trash / DST; where each thing in DST/.trash came from says
    mega trash ls.
    """
    *sources, destination = words if len(words) > 1 and not names_link(words[-1]) else (*words, ".")
    if not destination:
        message = "the name of where to get to is empty"
        raise UsageError(message, "for the present folder: .")
    places = [parse_where(source) for source in sources]
    links = only_links(places)
    home = open_home()
    pace = open_pace(home, moving.limit)
    if destination == "-":
        waits = spoken_waits(console)
        with open_all(home, places, visiting, waits, pace) as found:
            for files, path in found:
                cat(files, path, sys.stdout.buffer, waits)
        return
    options = GetOptions(
        filters=filters,
        is_dry_run=is_dry_run,
        overwrite=overwrite or "refuse",
        with_trash=with_trash,
        transfers=moving.transfers,
        deletes=moving.deletes,
    )
    console.when_interrupted = "run the same command again: what was fetched is kept, and it goes on from there"
    with shown_progress(console, is_dry_run=is_dry_run) as progress:
        if links:
            summary = get_links(home, links, visiting, destination, options, progress, pace)
        else:
            paths = [where for where in places if isinstance(where, RemotePath)]
            with open_volume(home, progress, pace) as session:
                summary = get(session, paths, destination, options, progress)
    report_transfer(
        console,
        progress,
        summary,
        is_dry_run=is_dry_run,
        when_failed="everything else was fetched; --overwrite if-changed replaces files that differ",
    )
