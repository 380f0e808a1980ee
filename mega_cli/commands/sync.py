"""`mega sync`: bring a local and a remote folder together, once."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mega_cli.account.pace import open_pace
from mega_cli.errors import UsageError
from mega_cli.options.command import declare
from mega_cli.options.completion import complete_local_then_remote
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.options.sync import Run, run_options
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.run import report_run
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode
from mega_cli.share.healing import open_to_change
from mega_cli.sync.pair_run import Wanted, sync_pair
from mega_cli.system.directories import open_home


@declare(
    "sync",
    examples=(
        "mega sync --once /home/alice/Documents /Documents",
        "mega sync --once --dry-run /home/alice/Documents /Documents",
        "mega sync --once --mode backup-up /etc/skel /backup/skel",
    ),
)
@click.argument("local", metavar="LOCAL", type=click.Path(path_type=Path), shell_complete=complete_local_then_remote)
@click.argument("remote", metavar="REMOTE", type=REMOTE_PATH)
@click.option("--once", "is_once", is_flag=True, help="Sync now and end; this version knows no other way.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="two-way (the default); mirror-up: REMOTE becomes what LOCAL is; mirror-down: LOCAL becomes what REMOTE is; "
    "backup-up: as mirror-up, and nothing is removed there. A pair keeps its mode.",
)
@run_options
def command(console: Console, local: Path, remote: RemotePath, mode: str | None, run: Run, *, is_once: bool) -> None:
    """Bring a local and a remote folder together.

    What was changed on either side since the last run is changed on the other; what is deleted goes to a trash. The
    first run joins both sides and deletes nothing. LOCAL is made if only its last name is missing, REMOTE with all
    that is missing. A file that was changed on both sides becomes two: yours under another name. Fit for cron: a
    second run at the same time ends with exit code 11, many deletions at once wait for mega held (exit code 6), and
    nothing happens to a folder that is not mounted (exit code 7). .megaignore leaves things out, as .gitignore does.
    """
    if not is_once:
        message = "this version syncs when it is called, and not by itself"
        raise UsageError(message, shlex.join(("mega", "sync", "--once", str(local), str(remote))))
    home = open_home()
    pace = open_pace(home, run.rate)
    wanted = Wanted(local, remote, None if mode is None else Mode(mode))
    console.when_interrupted = "run the same command again: what was done is kept, and it goes on from there"
    with (
        shown_progress(console, is_dry_run=run.options.is_dry_run) as progress,
        open_to_change(home, console.note, progress, pace) as session,
    ):
        report = sync_pair(home, session, wanted, run.options, progress, console.note)
    report_run(console, report)
