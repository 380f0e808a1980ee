"""`mega sync`: keep a local and a remote folder the same, by the daemon or once."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from mega_cli.account.pace import open_pace
from mega_cli.daemon.client import borrowed
from mega_cli.daemon.take_up import take_up
from mega_cli.errors import UsageError
from mega_cli.options.command import declare
from mega_cli.options.completion import complete_local_then_remote
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.options.sync import Run, run_options
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.run import report_run
from mega_cli.output.take_up import begun_fields, begun_lines
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode
from mega_cli.share.healing import open_to_change
from mega_cli.sync.pair_run import Wanted, hand_over, sync_pair
from mega_cli.sync.pairs import open_pairs
from mega_cli.system.directories import Home, open_home
from mega_cli.volume.progress import SilentProgress

_OF_A_RUN: Final = {
    "deletes": "--max-delete",
    "is_resync": "--resync",
    "limit": "--bwlimit",
    "transfers": "--transfers",
}
"""Options that say how one run goes; the daemon has its own ways."""


@declare(
    "sync",
    examples=(
        "mega sync /home/alice/Documents /Documents",
        "mega sync --once /home/alice/Documents /Documents",
        "mega sync --once --dry-run /home/alice/Documents /Documents",
        "mega sync --once --mode backup-up /etc/skel /backup/skel",
    ),
)
@click.argument("local", metavar="LOCAL", type=click.Path(path_type=Path), shell_complete=complete_local_then_remote)
@click.argument("remote", metavar="REMOTE", type=REMOTE_PATH)
@click.option("--once", "is_once", is_flag=True, help="Sync now and end, without the daemon.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="two-way (the default); mirror-up: REMOTE becomes what LOCAL is; mirror-down: LOCAL becomes what REMOTE is; "
    "backup-up: as mirror-up, and nothing is removed there. A pair keeps its mode.",
)
@run_options
@click.pass_context
def command(
    context: click.Context,
    console: Console,
    local: Path,
    remote: RemotePath,
    mode: str | None,
    run: Run,
    *,
    is_once: bool,
) -> None:
    """Keep a local and a remote folder the same.

    The daemon does it from now on, and is started if it does not run; mega status says how it goes. With --once it is
    done now, once, by this command: fit for cron.

    What is changed on either side is changed on the other; what is deleted goes to a trash. The first run joins both
    sides and deletes nothing. LOCAL is made if only its last name is missing, REMOTE with all that is missing. A file
    that was changed on both sides becomes two: yours under another name. Many deletions at once wait for mega held
    (exit code 6), and nothing happens to a folder that is not mounted (exit code 7). Two runs of one folder never
    overlap (exit code 11). .megaignore leaves things out, as .gitignore does.
    """
    home = open_home()
    wanted = Wanted(local, remote, None if mode is None else Mode(mode))
    if not is_once and not run.options.is_dry_run:
        _refuse_run_options(context, wanted)
        _hand_over(console, home, wanted)
        return
    pace = open_pace(home, run.rate)
    console.when_interrupted = "run the same command again: what was done is kept, and it goes on from there"
    known = open_pairs(home).at(local)
    with (
        borrowed(home, known and known.id),
        shown_progress(console, is_dry_run=run.options.is_dry_run) as progress,
        open_to_change(home, console.note, progress, pace) as session,
    ):
        report = sync_pair(home, session, wanted, run.options, progress, console.note)
    report_run(console, report)


def _hand_over(console: Console, home: Home, wanted: Wanted) -> None:
    """Make it the daemon's, and see that it has it."""
    with open_to_change(home, console.note, SilentProgress()) as session:
        pair = hand_over(home, session, wanted, SilentProgress(), console.note)
    taken = take_up(home, pair.id, console.log_level)
    if console.is_json:
        console.document(begun_fields(pair, taken))
    else:
        for line in begun_lines(pair, taken):
            console.note(line)


def _refuse_run_options(context: click.Context, wanted: Wanted) -> None:
    """Refuse what was typed and would not be heeded. Raises UsageError."""
    typed = [name for name in _OF_A_RUN if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if typed:
        plain = shlex.join(("mega", "sync", str(wanted.local), str(wanted.remote)))
        also = "; for the daemon: mega bwlimit" if typed == ["limit"] else ""
        message = f"{_OF_A_RUN[typed[0]]} says how one run goes, and the daemon syncs all the time"
        raise UsageError(message, f"add --once; or leave it away: {plain}{also}")
