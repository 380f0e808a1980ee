"""`mega syncs`: list the folders that are synced, steer them, see what would be done, and sync one no more."""

from __future__ import annotations

import click

from mega_cli.commands.syncs_daemon import now_command, pause_command, resume_command, verify_command
from mega_cli.daemon import client
from mega_cli.options.command import MegaGroup, declare
from mega_cli.options.sync import complete_pair
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.run import report_run
from mega_cli.output.status import pair_line
from mega_cli.output.syncs import standing_fields, standing_table
from mega_cli.share.healing import open_to_change
from mega_cli.sync.pair_run import stored, sync_pair
from mega_cli.sync.pairs import open_pairs
from mega_cli.sync.syncing import RunOptions
from mega_cli.sync.syncs import forget, list_pairs
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import open_home


@declare("syncs ls", examples=("mega syncs ls", "mega syncs ls -v"))
def list_command(console: Console) -> None:
    """List the folders that are synced, and by whom: the daemon, or once at a time by mega sync --once.

    Of the daemon's it says how they stand now, of the others how the last run ended. What changed since then is not
    looked at: mega syncs plan does that. -v names what stands still.
    """
    home = open_home()
    found = list_pairs(home, wants_items=console.verbosity > 0 or console.is_json)
    if console.is_json:
        console.listing({}, "pairs", (standing_fields(standing) for standing in found))
    else:
        reply = client.status(home)
        now = {pair.id: pair_line(pair).words for pair in reply.pairs} if reply else {}
        console.result(standing_table(found, now, SystemClock().now_ns()))


@declare("syncs plan", examples=("mega syncs plan", "mega syncs plan /home/alice/Documents"))
@click.argument("word", default="", metavar="[ID|LOCAL]", shell_complete=complete_pair)
def plan_command(console: Console, word: str) -> None:
    """Show what the next run would do.

    As mega sync --once --dry-run with the folders of the pair. The only pair need not be named.
    """
    home = open_home()
    wanted = stored(home, word)
    known = open_pairs(home).at(wanted.local)
    with (
        client.borrowed(home, known and known.id),
        shown_progress(console, is_dry_run=True) as progress,
        open_to_change(home, console.note, progress) as session,
    ):
        report = sync_pair(home, session, wanted, RunOptions(is_dry_run=True), progress, console.note)
    report_run(console, report)


@declare("syncs rm", examples=("mega syncs rm 4f1c09a7", "mega syncs rm /home/alice/Documents"))
@click.argument("word", metavar="ID|LOCAL", shell_complete=complete_pair)
def remove_command(console: Console, word: str) -> None:
    """Sync a folder no more.

    Both folders stay as they are, the local trash in .mega too. Syncing them again joins both sides and deletes
    nothing.
    """
    home = open_home()
    with client.borrowed(home, open_pairs(home).find(word).id):
        pair = forget(home, word)
        client.tell_reload(home, console.note)  # before it is given back: the daemon drops it
    if console.is_json:
        console.document({"message_type": "summary", "pair": pair.id, "local": str(pair.local)})
    else:
        console.note(f"mega: {pair.local} is synced no more; nothing in it was changed")


command = MegaGroup(
    "syncs",
    "List the folders that are synced; pause, resume or hurry them, see what would be done, sync one no more.",
    [list_command, pause_command, resume_command, now_command, plan_command, verify_command, remove_command],
)
