"""`mega syncs`: list the folders that are synced, steer them, see what would be done, and sync one no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import click

from mega_cli.daemon import client
from mega_cli.errors import MegaError, UsageError
from mega_cli.options.command import MegaGroup, declare
from mega_cli.options.pause import parse_pause
from mega_cli.options.sync import complete_pair
from mega_cli.output.console import Console
from mega_cli.output.progress import shown_progress
from mega_cli.output.run import report_run
from mega_cli.output.status import pair_line
from mega_cli.output.syncs import paused_text, standing_fields, standing_table
from mega_cli.share.healing import open_to_change
from mega_cli.sync.pair_run import stored, sync_pair
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.sync.syncing import RunOptions
from mega_cli.sync.syncs import forget, list_pairs
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home, open_home

_NS_A_MS: Final = 1_000_000


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


@declare("syncs pause", examples=("mega syncs pause", "mega syncs pause 30m", "mega syncs pause 4f1c09a7 2h"))
@click.argument("words", nargs=-1, metavar="[ID|LOCAL] [30m|2h|until resumed]", shell_complete=complete_pair)
def pause_command(console: Console, words: tuple[str, ...]) -> None:
    """Have the daemon leave a folder alone: for a time, or until it is resumed.

    All folders of the daemon when none is named. It holds with and without a running daemon, and over its end.
    """
    home = open_home()
    wanted = parse_pause(words, SystemClock().now_ns() // _NS_A_MS)
    pairs = [open_pairs(home).pause(pair, wanted.until_ms) for pair in _chosen(home, wanted.pair)]
    client.tell_reload(home, console.note)
    _report(console, pairs, [f"{paused_text(pair)}; to go on before: mega syncs resume {pair.id}" for pair in pairs])


@declare("syncs resume", examples=("mega syncs resume", "mega syncs resume 4f1c09a7"))
@click.argument("word", default="", metavar="[ID|LOCAL]", shell_complete=complete_pair)
def resume_command(console: Console, word: str) -> None:
    """Have the daemon go on with a folder that was paused or is frozen, and look at all of it.

    All folders of the daemon when none is named.
    """
    home = open_home()
    pairs = [open_pairs(home).pause(pair, None) for pair in _chosen(home, word)]
    client.tell_reload(home, console.note)
    is_running = all(client.wake(home, pair.id) for pair in pairs)
    what = "goes on" if is_running else "goes on when the daemon runs: mega daemon start"
    _report(console, pairs, [what for _ in pairs])


@declare("syncs now", examples=("mega syncs now", "mega syncs now /home/alice/Documents"))
@click.argument("word", default="", metavar="[ID|LOCAL]", shell_complete=complete_pair)
def now_command(console: Console, word: str) -> None:
    """Have the daemon look at a folder now, whatever it waited for.

    All folders of the daemon when none is named. It waits for nothing: mega status --watch shows how it goes.
    """
    home = open_home()
    pairs = _chosen(home, word)
    if not all(client.wake(home, pair.id) for pair in pairs):
        raise _not_running()
    now_ms = SystemClock().now_ns() // _NS_A_MS
    paused = "is paused and stays so; to go on: mega syncs resume {}"
    said = [paused.format(pair.id) if pair.is_paused(now_ms) else "is synced now" for pair in pairs]
    _report(console, pairs, said)


@declare("syncs verify", examples=("mega syncs verify", "mega syncs verify /home/alice/Documents"))
@click.argument("word", default="", metavar="[ID|LOCAL]", shell_complete=complete_pair)
def verify_command(console: Console, word: str) -> None:
    """Have the daemon read every file of a folder again, however unchanged it looks.

    What differs from what was synced is synced. All folders of the daemon when none is named.
    """
    home = open_home()
    pairs = _chosen(home, word)
    if not all(client.verify(home, pair.id) for pair in pairs):
        raise _not_running()
    _report(console, pairs, ["every file is read again; to see how it goes: mega status" for _ in pairs])


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


def _chosen(home: Home, word: str) -> list[Pair]:
    """Give the pair of a word, or all that are the daemon's. Raises MissingItemError, UsageError."""
    pairs = open_pairs(home)
    chosen = [pairs.find(word)] if word else [pair for pair in pairs.all() if pair.is_background]
    if not chosen:
        raise UsageError("no folder is synced by the daemon yet", "mega sync --help")
    for pair in chosen:
        if not pair.is_background:
            hint = f"to sync it now: {pair.command}; by the daemon: {replace(pair, is_background=True).command}"
            raise UsageError(f"{pair.local} is synced by hand, not by the daemon", hint)
    return chosen


def _not_running() -> MegaError:
    return MegaError("the daemon does not run", "mega daemon start")


def _report(console: Console, pairs: Sequence[Pair], said: Sequence[str]) -> None:
    """Say what becomes of each pair."""
    if console.is_json:
        until_ms = pairs[0].paused_until_ms or 0
        fields = {"pairs": [pair.id for pair in pairs], "paused_until_ms": until_ms}
        console.document({"message_type": "summary", **fields})
        return
    for pair, words in zip(pairs, said, strict=True):
        console.note(f"mega: {pair.local}: {words}")


command = MegaGroup(
    "syncs",
    "List the folders that are synced; pause, resume or hurry them, sync one no more.",
    [list_command, pause_command, resume_command, now_command, plan_command, verify_command, remove_command],
)
