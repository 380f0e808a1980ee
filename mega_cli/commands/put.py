"""`mega put`: store files and folders."""

from __future__ import annotations

import io
import sys
from typing import Literal

import click

from mega_cli.account.pace import open_pace
from mega_cli.errors import UsageError
from mega_cli.options.command import declare, dry_run_option
from mega_cli.options.completion import complete_local_then_remote
from mega_cli.options.selection import source_filter_options
from mega_cli.options.transfer import Moving, moving_options
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.summary import report_transfer
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import open_to_change
from mega_cli.system.directories import open_home
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions, PutStream


@declare(
    "put",
    examples=(
        "mega put --exclude '*.log' /etc/skel /backup",
        "mega put --delete --dry-run /etc/skel /backup",
        "mega put --bwlimit '08:00,512K 23:00,off' /etc/skel /backup",
        "echo 'remember the milk' | mega put - /notes.txt",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="SRC... [DST]", shell_complete=complete_local_then_remote)
@source_filter_options
@click.option("-x", "--one-file-system", "stays", is_flag=True, help="Do not cross into other file systems.")
@click.option(
    "--compression",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Compress where it helps; off for data that is compressed already.",
)
@moving_options
@dry_run_option
def command(
    console: Console,
    words: tuple[str, ...],
    filters: Filters,
    *,
    stays: bool,
    compression: Literal["on", "off"],
    moving: Moving,
    is_dry_run: bool,
) -> None:
    """Store files and folders.

    Copies as cp -r does: an existing folder DST receives SRC under its name; without DST it is /. A file that is
    there already is replaced, and history keeps the old one; a file that is the same is skipped. SRC may be - for
    standard input; DST is then the file's path.
    """
    *sources, destination = words if len(words) > 1 else (*words, "/")
    if "" in sources:  # an unset variable, and not the whole present folder
        message = "the name of what to put is empty"
        raise UsageError(message, "for the present folder: mega put .")
    options = PutOptions(
        filters=filters,
        is_dry_run=is_dry_run,
        compress=compression == "on",
        stays_on_one_filesystem=stays,
        transfers=moving.transfers,
        deletes=moving.deletes,
    )
    home = open_home()
    pace = open_pace(home, moving.limit)
    console.when_interrupted = "run the same command again: what was sent is kept, and it goes on from there"
    with (
        shown_progress(console, is_dry_run=is_dry_run) as progress,
        open_to_change(home, console.note, progress, pace) as session,
    ):
        found = [_standard_input() if source == "-" else source for source in sources]
        summary = put(session, found, RemotePath.parse(destination), options, progress)
    report_transfer(
        console,
        progress,
        summary,
        is_dry_run=is_dry_run,
        when_failed="everything else is stored; mend what is listed and run the same command again",
    )


def _standard_input() -> PutStream:
    stream = sys.stdin.buffer
    assert isinstance(stream, io.BufferedIOBase), "standard input is open for reading"
    return PutStream(stream)
