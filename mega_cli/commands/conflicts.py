"""`mega conflicts`: files that were changed on both sides: list them, and say which version stays, or merge both."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from mega_cli.account import open_volume
from mega_cli.daemon.client import borrowed
from mega_cli.daemon.take_up import go_on
from mega_cli.errors import UsageError
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.sync import conflict_fields
from mega_cli.output.units import moment_text
from mega_cli.sync.decisions import Conflict, Keep, find_conflict, list_conflicts, resolve
from mega_cli.sync.merging import begin_merge, end_merge
from mega_cli.sync.pairs import open_pairs
from mega_cli.system.directories import Home, open_home
from mega_cli.system.merge_tool import merge


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
    if found:
        copy = shlex.quote(str(found[0].copy))
        console.note(
            f"mega: to settle it: mega conflicts resolve --keep local {copy}; or --keep remote, both; or --merge"
        )


_KEPT: Final = {**{str(keep): keep for keep in Keep}, "this": Keep.LOCAL, "other": Keep.REMOTE}
"""What is typed; the last two are older words for the first two."""


@declare(
    "conflicts resolve",
    examples=(
        "mega conflicts resolve --keep remote notes.txt",
        "mega conflicts resolve --merge notes.txt",
    ),
)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    metavar="local|remote|both",
    type=click.Choice(list(_KEPT)),
    help="local: your version, the conflict copy, takes the name; remote: what has the name stays; both: both stay.",
)
@click.option("--merge", "is_merge", is_flag=True, help="Put the changes of both versions into one file.")
@click.pass_context
def resolve_command(context: click.Context, console: Console, path: Path, *, keep: str | None, is_merge: bool) -> None:
    """Settle a conflict; PATH is the conflict copy, or what it is a copy of.

    The version that goes lies in the local trash; the daemon, or the next run, tells the other devices.

    --merge gives both versions, and the one they were made from, which is in the volume's history, to $MERGETOOL, or
    without one to git merge-file. The tool finds the paths BASE, LOCAL (yours), REMOTE and MERGED, which it writes, in
    its environment, in place of $BASE, $LOCAL, $REMOTE and $MERGED in its command line (such as 'meld $LOCAL $BASE
    $REMOTE -o $MERGED'), or as its last arguments. When it ends with another exit code than 0, or places are left that
    both versions changed, nothing is changed, and the exit code is 6.
    """
    is_typed = context.get_parameter_source("keep") is ParameterSource.COMMANDLINE
    if (is_merge and is_typed) or not (is_merge or keep):
        raise UsageError("say either which version stays, or --merge", "mega conflicts resolve --keep both PATH")
    home, word = open_home(), "merge" if is_merge else str(_KEPT[keep or "both"])
    if is_merge:
        conflict = _merge(home, console, path)
    else:
        with borrowed(home, open_pairs(home).holding(path)[0].id):
            conflict = resolve(home, path, Keep(word))
    is_daemons = go_on(home, conflict.pair, console.note)
    if console.is_json:
        console.document({"message_type": "summary", "keep": word, **conflict_fields(conflict)})
    elif word == Keep.BOTH:
        console.note("mega: both stay")
    elif is_daemons:
        console.note("mega: settled here; the daemon tells the other side")
    else:
        console.note(f"mega: settled here; for the other side: {conflict.pair.command}")


def _merge(home: Home, console: Console, path: Path) -> Conflict:
    """Merge a conflict. Nothing is held while the user's tool runs."""
    conflict = find_conflict(home, path)
    with open_volume(home, spoken_waits(console)) as session:
        merging = begin_merge(home, session, conflict)
    merged = merge(merging.name, merging.versions, os.environ, merging.keep_hint)
    with borrowed(home, conflict.pair.id):
        end_merge(home, merging, merged)
    return conflict


command = MegaGroup(
    "conflicts", "List files that were changed on both sides, and settle them.", [list_command, resolve_command]
)
