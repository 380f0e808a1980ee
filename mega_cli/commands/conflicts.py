"""`mega conflicts`: files that were changed on both sides: list them, and say which version stays."""

from __future__ import annotations

from pathlib import Path

import click

from mega_cli.daemon.client import borrowed
from mega_cli.daemon.take_up import go_on
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.output.sync import conflict_fields
from mega_cli.output.units import moment_text
from mega_cli.sync.decisions import Keep, list_conflicts, resolve
from mega_cli.sync.pairs import open_pairs
from mega_cli.system.directories import open_home


@declare("conflicts ls", examples=("mega conflicts ls", "mega conflicts ls --json"))
def list_command(console: Console) -> None:
    """List the conflict copies that this device made: when, the copy, and what it is a copy of."""
    found = list_conflicts(open_home())
    if console.is_json:
        console.listing({}, "conflicts", (conflict_fields(conflict) for conflict in found))
    else:
        console.result(
            f"{moment_text(one.row.at_ns)}  {one.copy}  (of {one.path or 'a file that is gone'})" for one in found
        )


@declare("conflicts resolve", examples=("mega conflicts resolve --keep other notes.txt",))
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    required=True,
    type=click.Choice([keep.value for keep in Keep]),
    help="this: your version, the conflict copy, takes the name; other: what has the name stays; both: both stay.",
)
def resolve_command(console: Console, path: Path, keep: str) -> None:
    """Settle a conflict; PATH is the conflict copy, or what it is a copy of.

    The version that goes lies in the local trash; the daemon, or the next run, tells the other devices.
    """
    home = open_home()
    with borrowed(home, open_pairs(home).holding(path)[0].id):
        conflict = resolve(home, path, Keep(keep))
    is_daemons = go_on(home, conflict.pair, console.note)
    if console.is_json:
        console.document({"message_type": "summary", "keep": keep, **conflict_fields(conflict)})
    elif keep == Keep.BOTH:
        console.note("mega: both stay")
    elif is_daemons:
        console.note("mega: settled here; the daemon tells the other side")
    else:
        console.note(f"mega: settled here; for the other side: {conflict.pair.command}")


command = MegaGroup(
    "conflicts", "List files that were changed on both sides, and settle them.", [list_command, resolve_command]
)
