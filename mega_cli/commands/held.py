"""`mega held`: deletions that wait, because they look like an accident: list, approve or reject them."""

from __future__ import annotations

import click

from mega_cli.daemon.client import borrowed
from mega_cli.daemon.take_up import go_on
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.output.sync import held_fields, hold_line
from mega_cli.output.units import counted
from mega_cli.sync.decisions import Held, decide_hold, list_holds
from mega_cli.system.directories import open_home


@declare("held ls", examples=("mega held ls", "mega held ls --json"))
def list_command(console: Console) -> None:
    """List the deletions that wait: name, how many, on which side, and the first few paths."""
    found = list_holds(open_home())
    if console.is_json:
        console.listing({}, "held", (held_fields(held) for held in found))
    else:
        console.result(f"{hold_line(held.row)}  [{held.pair.local}]" for held in found)
    if found:
        name = found[0].row.name
        console.note(f"mega: to let it happen: mega held approve {name}; to have it back: mega held reject {name}")


@declare("held approve", examples=("mega held approve 4f1c09a7",))
@click.argument("name", metavar="NAME")
def approve_command(console: Console, name: str) -> None:
    """Let deletions happen, by the daemon or with the next run; what goes lies in a trash afterwards."""
    _decide(console, name, is_approved=True)


@declare("held reject", examples=("mega held reject 4f1c09a7",))
@click.argument("name", metavar="NAME")
def reject_command(console: Console, name: str) -> None:
    """Have what was deleted brought back, by the daemon or with the next run.

    What was deleted here is fetched again, what was deleted in the volume is put there again.
    """
    _decide(console, name, is_approved=False)


def _decide(console: Console, name: str, *, is_approved: bool) -> None:
    home = open_home()
    pair = next((held.pair.id for held in list_holds(home) if held.row.name == name), None)
    with borrowed(home, pair):
        held = decide_hold(home, name, is_approved=is_approved)
    _report(console, held, is_approved=is_approved, is_daemons=go_on(home, held.pair, console.note))


def _report(console: Console, held: Held, *, is_approved: bool, is_daemons: bool) -> None:
    if console.is_json:
        fields = {"message_type": "summary", "name": held.row.name, "pair": held.pair.id, "is_approved": is_approved}
        console.document(fields)
        return
    count = counted(held.row.files, "file") if held.row.files else counted(len(held.row.ids), "folder")
    what = "will be deleted" if is_approved else "will be brought back"
    console.note(f"mega: {count} {what} by the {'daemon' if is_daemons else f'next run: {held.pair.command}'}")


command = MegaGroup(
    "held",
    "List deletions that wait for your word, approve or reject them.",
    [list_command, approve_command, reject_command],
)
