"""`mega quickstart`: start a server on this machine, store a folder and prove it."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import click

from mega_cli.account import open_volume
from mega_cli.account.pace import open_pace
from mega_cli.api.pace import Pace
from mega_cli.api.rates import Timetable
from mega_cli.daemon.embedded_server import EmbeddedServer
from mega_cli.daemon.first_account import check_profile, enter_account, finish_first_run
from mega_cli.daemon.sample_folder import sample_folder
from mega_cli.errors import SomeItemsFailedError, UsageError
from mega_cli.localfs.compare import compare_folders
from mega_cli.model import Secret
from mega_cli.options.command import declare
from mega_cli.options.password import PasswordSource, has_terminal, password_options
from mega_cli.options.transfer import bwlimit_option
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.quickstart import report_entered, report_listing, report_round_trip, report_stored, suggest_next
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import open_to_change
from mega_cli.system.directories import Home, open_home
from mega_cli.volume.browse import list_path
from mega_cli.volume.get import get
from mega_cli.volume.put import put
from mega_cli.volume.requests import GetOptions, PutOptions

_LISTED = 20


@declare("quickstart", examples=("mega quickstart", "mega quickstart /etc/skel"))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--account", envvar="MEGA_ACCOUNT", default="owner", show_default=True, help="The account to make or use."
)
@bwlimit_option
@password_options
def command(
    console: Console, folder: Path | None, account: str, limit: Timetable | None, password: PasswordSource
) -> None:
    """Start a server on this machine, store a folder and prove it.

    Starts the embedded server on loopback, creates an account on first use, stores FOLDER (or a sample), lists it,
    fetches it back and compares. On a terminal the server stays until Ctrl-C. Run again, it uploads nothing twice.
    """
    home = open_home()
    source = (folder or sample_folder(home.directories.data)).resolve()
    if not source.name:
        message = "quickstart stores a folder, not the whole disk"
        raise UsageError(message, "mega quickstart FOLDER")
    console.when_interrupted = "run the same command again: what was done is kept, and it goes on from there"

    def ask(is_new: bool) -> Secret | None:  # noqa: FBT001 -- the one thing that is asked about
        question = f"New password for {account}" if is_new else f"Password for {account}"
        return password.ask(question, is_new=is_new) if has_terminal() else password.given()

    with EmbeddedServer(home) as server:
        check_profile(home, server.url, account)
        server.start(home, account)
        entered = enter_account(home, server.url, account, ask)
        report_entered(
            console,
            server.url,
            account,
            is_new=entered.is_new,
            password=entered.password,
            kit_path=entered.kit_path,
        )
        finish_first_run(entered.home)
        failed = _store_and_prove(console, entered.home, source, open_pace(entered.home, limit))
        is_staying = has_terminal() and not server.was_running
        has_to_start = not is_staying and not server.was_running
        suggest_next(console, RemotePath.parse(source.name), server.command_line if has_to_start else [])
        if is_staying:
            stays = f"mega: the server stays at {server.url} until Ctrl-C; its data is in {server.data_dir}"
            server.stay(lambda: console.note(stays))
            console.note("mega: the server has stopped; the same command starts it again")
    if failed:
        raise failed


def _store_and_prove(console: Console, home: Home, source: Path, pace: Pace) -> SomeItemsFailedError | None:
    """Put, list, get and compare; give the error to end with when items failed."""
    stored = RemotePath.parse(source.name)
    with shown_progress(console) as progress, open_to_change(home, console.note, progress, pace) as session:
        put_summary = put(session, [str(source)], RemotePath(), PutOptions(), progress)
    report_stored(console, put_summary, progress.skipped_bytes)
    listed = set(progress.listed)
    with open_volume(home) as session:
        listing = iter(list_path(session, stored, is_recursive=True))
        report_listing(console, stored, list(islice(listing, _LISTED)), sum(1 for _ in listing))
    with tempfile.TemporaryDirectory(prefix="mega-quickstart-") as fetched:
        with shown_progress(console) as progress, open_volume(home, progress, pace) as session:
            get_summary = get(session, [stored], fetched, GetOptions(), progress)
        comparison = compare_folders(str(source), str(Path(fetched) / source.name))
    problems = (*put_summary.problems, *get_summary.problems)
    return report_round_trip(console, problems, comparison, listed | progress.listed)
