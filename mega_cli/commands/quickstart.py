"""`mega quickstart`: start a server on this machine, store a folder, prove it, and mirror it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import click

from mega_cli.account import open_volume
from mega_cli.account.pace import open_pace
from mega_cli.api.pace import Pace
from mega_cli.api.rates import Timetable
from mega_cli.daemon.client import borrowed, tell_reload
from mega_cli.daemon.embedded_server import EmbeddedServer
from mega_cli.daemon.first_account import check_profile, enter_account, finish_first_run
from mega_cli.daemon.sample_folder import sample_folder, sample_place
from mega_cli.errors import (
    LockedError,
    MissingItemError,
    PermissionRefusedError,
    SafetyStopError,
    SomeItemsFailedError,
    UsageError,
)
from mega_cli.localfs.compare import compare_folders
from mega_cli.model import Secret
from mega_cli.options.command import declare
from mega_cli.options.password import PasswordSource, has_terminal, password_options
from mega_cli.options.transfer import bwlimit_option
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.quickstart import (
    report_entered,
    report_listing,
    report_mirrored,
    report_round_trip,
    report_stored,
    report_unmirrored,
    suggest_next,
)
from mega_cli.paths.filters import Filters, literal_pattern
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import open_to_change
from mega_cli.sync.pair_run import Wanted, hand_over, sync_pair
from mega_cli.sync.pairs import open_pairs
from mega_cli.sync.syncing import RunOptions
from mega_cli.system.directories import Home, open_home
from mega_cli.volume.browse import list_path
from mega_cli.volume.get import get
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import GetOptions, PutOptions

_LISTED = 20
_OWN: Final = ".mega"
"""What a mirrored folder holds for mega itself; it is neither stored nor compared."""
_REFUSED: Final = (UsageError, SafetyStopError, LockedError, MissingItemError, PermissionRefusedError)
"""Why a folder may be stored and not mirrored: it holds mega's own files, is synced elsewhere, is another one now."""


@declare("quickstart", examples=("mega quickstart", "mega quickstart --account alice"))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--account", envvar="MEGA_ACCOUNT", default="owner", show_default=True, help="The account to make or use."
)
@bwlimit_option
@password_options
def command(
    console: Console, folder: Path | None, account: str, limit: Timetable | None, password: PasswordSource
) -> None:
    """Start a server on this machine, store a folder, prove it, and mirror it.

    Starts the embedded server on loopback, creates an account on first use, stores FOLDER (or a sample), lists it,
    fetches it back and compares. Then FOLDER and its copy are kept the same: on a terminal until Ctrl-C, with the
    server; elsewhere once. Run again, it uploads nothing twice.
    """
    home = open_home()
    source = (folder or sample_folder(sample_place(os.environ))).resolve()
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
        run = _Run(console, entered.home, source, open_pace(entered.home, limit))
        if run.is_known:
            run.mirror_once()  # what was changed elsewhere since: the put below must not take it back
        failed = run.store_and_prove()
        is_staying = has_terminal()
        is_mirrored = run.hand_over() if is_staying else run.is_known or run.mirror_once()
        has_to_start = not is_staying and not server.was_running
        suggest_next(console, run.stored, server.command_line if has_to_start else [])
        if is_staying and not server.was_running:
            _stay(run, server, is_mirrored=is_mirrored)
    if failed:
        raise failed


def _stay(run: _Run, server: EmbeddedServer, *, is_mirrored: bool) -> None:
    """Keep the server, and mirror the folder, until Ctrl-C."""
    from mega_cli.daemon.staying import stay  # noqa: PLC0415 -- the engine's 100 ms, for who stays

    console = run.console

    def announce() -> None:
        if is_mirrored:
            console.note(f"mega: {run.source} and {run.stored} are kept the same while this runs; see: mega status")
        console.note(f"mega: the server stays at {server.url} until Ctrl-C; its data is in {server.data_dir}")

    stay(server, run.home, announce, console.log_level)
    console.note("mega: the server has stopped; the same command starts it again")


@dataclass(frozen=True)
class _Run:
    """What one call works on."""

    console: Console
    home: Home
    source: Path
    pace: Pace

    @property
    def stored(self) -> RemotePath:
        """Say where the folder lies in the volume."""
        return RemotePath.parse(self.source.name)

    @property
    def is_known(self) -> bool:
        """Whether the folder was mirrored before."""
        pair = open_pairs(self.home).at(self.source)
        return pair is not None and pair.remote == self.stored

    def store_and_prove(self) -> SomeItemsFailedError | None:
        """Put, list, get and compare; give the error to end with when items failed."""
        console, home = self.console, self.home
        options = PutOptions(Filters((literal_pattern(f"{self.source.name}/{_OWN}"),)))
        with shown_progress(console) as progress, open_to_change(home, console.note, progress, self.pace) as session:
            put_summary = put(session, [str(self.source)], RemotePath(), options, progress)
        report_stored(console, put_summary, progress.skipped_bytes)
        listed = set(progress.listed)
        with open_volume(home) as session:
            listing = iter(list_path(session, self.stored, is_recursive=True))
            report_listing(console, self.stored, list(islice(listing, _LISTED)), sum(1 for _ in listing))
        with tempfile.TemporaryDirectory(prefix="mega-quickstart-") as fetched:
            with shown_progress(console) as progress, open_volume(home, progress, self.pace) as session:
                get_summary = get(session, [self.stored], fetched, GetOptions(), progress)
            comparison = compare_folders(str(self.source), str(Path(fetched) / self.source.name), but=_OWN.encode())
        problems = (*put_summary.problems, *get_summary.problems)
        return report_round_trip(console, problems, comparison, listed | progress.listed)

    def mirror_once(self) -> bool:
        """Sync the folder with its copy; what forbids it is said and ends nothing."""
        wanted, console = Wanted(self.source, self.stored), self.console
        pair = open_pairs(self.home).at(self.source)
        is_first = not self.is_known
        try:
            self._check_writable()
            with (
                _same_time(self.source if is_first else None),
                borrowed(self.home, pair and pair.id),
                shown_progress(console) as progress,
                open_to_change(self.home, console.note, progress, self.pace) as session,
            ):
                report = sync_pair(self.home, session, wanted, RunOptions(), progress, console.note)
        except _REFUSED as error:
            return report_unmirrored(console, error)
        return report_mirrored(console, report)

    def hand_over(self) -> bool:
        """Make the folder the daemon's; what forbids it is said and ends nothing."""
        console = self.console
        try:
            self._check_writable()
            with open_to_change(self.home, console.note, SilentProgress()) as session, _same_time(self.source):
                hand_over(self.home, session, Wanted(self.source, self.stored), SilentProgress(), console.note)
                (self.source / _OWN).mkdir(0o700, exist_ok=True)
        except _REFUSED as error:
            return report_unmirrored(console, error)
        tell_reload(self.home, console.note)
        return True

    def _check_writable(self) -> None:
        """Raise PermissionRefusedError for a folder that nothing can come down to."""
        if not os.access(self.source, os.W_OK | os.X_OK):
            raise PermissionRefusedError(f"{self.source} cannot be written to", "name a folder of your own")


@contextmanager
def _same_time(folder: Path | None) -> Iterator[None]:
    """Keep a folder's time: that mega's own folder came into it is no change of the user's, to be stored again."""
    before = None if folder is None else folder.stat()
    yield
    if folder is not None and before is not None:
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
