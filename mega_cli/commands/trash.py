"""`mega trash`: list what was removed, put it back, or empty the trash."""

from __future__ import annotations

from collections.abc import Mapping

import click

from mega_cli.account import open_volume
from mega_cli.errors import SomeItemsFailedError, UsageError
from mega_cli.options.amounts import MOMENT
from mega_cli.options.command import Decorator, MegaGroup, declare, dry_run_option, human_option, yes_option
from mega_cli.options.completion import complete_path
from mega_cli.options.password import has_terminal
from mega_cli.output.change import report_change
from mega_cli.output.console import Console
from mega_cli.output.listing import KIND_NAMES, size_writer
from mega_cli.output.local_trash import list_local, restore_local
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import counted, moment_text, rfc3339
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import open_to_change
from mega_cli.system.directories import open_home
from mega_cli.volume.trash import Trashed, empty, list_trash, restore

_NS_A_MS = 1_000_000
_STAYS = "history keeps what was in it, and it counts as used, until the server sweeps it: mega df"


local_option: Decorator = click.option(
    "--local", "is_local", is_flag=True, help="The trash of this device's synced folders: what sync took away here."
)


@declare("trash ls", examples=("mega trash ls -lh", "mega trash ls --local", "mega trash ls --json"))
@click.option("-l", "is_long", is_flag=True, help="Show when it was removed and its size too.")
@human_option
@local_option
def list_command(console: Console, *, is_long: bool, is_human: bool, is_local: bool) -> None:
    """List the trash, the oldest first: id and former path."""
    if is_local:
        list_local(console, open_home(), size_writer(is_human=is_human) if is_long else None)
        return
    with open_volume(open_home(), spoken_waits(console)) as session:
        found = list_trash(session)
        if console.is_json:
            fields = (trashed_fields(trashed, trashed.size_bytes(session.pages)) for trashed in found)
            console.listing({}, "entries", fields)
            return
        size_text = size_writer(is_human=is_human)
        for trashed in found:
            when = moment_text(trashed.removed_ms * _NS_A_MS)
            facts = f"{size_text(trashed.size_bytes(session.pages)):>12}  {when}  " if is_long else ""
            end = "/" if trashed.entry.kind == "d" else ""
            console.result(f"{trashed.id}  {facts}{trashed.origin or '?'}{end}")


@declare(
    "trash restore",
    examples=(
        "mega trash restore /milk.txt",
        "mega trash restore 20260102T030405678-0a1b2c3d --to /found",
        "mega trash restore --local 4f1c09a7-12",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="ID|PATH...")
@click.option(
    "--to",
    "destination",
    metavar="DST",
    shell_complete=complete_path,
    help="Put it in this folder, or call it this; with --local a path on this disk.",
)
@local_option
@dry_run_option
def restore_command(
    console: Console, words: tuple[str, ...], destination: str | None, *, is_local: bool, is_dry_run: bool
) -> None:
    """Put entries back to where they came from.

    Folders that are missing on the way are made. What would stand where something is already stays in the trash and is
    listed: exit code 3. With --local it gets a number beside that, and the next run syncs it as a new file.
    """
    if is_local:
        restore_local(console, open_home(), words, destination, is_dry_run=is_dry_run)
        return
    target = None if destination is None else RemotePath.parse(destination)
    with open_to_change(open_home(), console.note, spoken_waits(console), is_thorough=True) as session:
        summary = restore(session, words, target, is_dry_run=is_dry_run)
    for problem in summary.problems:
        console.problem(problem.path, problem.message)
    if console.is_json:
        console.document(
            {
                "message_type": "summary",
                "restored": summary.restored,
                "problems": len(summary.problems),
                "revision": summary.revision,
                "dry_run": is_dry_run,
            }
        )
    else:
        console.result(summary.restored)
    if summary.problems:
        raise SomeItemsFailedError(
            f"{counted(len(summary.problems), 'item')} could not be restored, listed above",
            "move away what is there, or choose another place: mega trash restore ID --to DST",
        )


@declare("trash empty", examples=("mega trash empty --older-than 30d", "mega trash empty -y"))
@click.option(
    "--older-than", "before_ns", type=MOMENT, metavar="WHEN", help="Only what was removed before: 30d, 2026-01-31."
)
@yes_option
@dry_run_option
def empty_command(console: Console, before_ns: int | None, *, is_sure: bool, is_dry_run: bool) -> None:
    """Take everything out of the trash.

    History keeps what was in it until the server sweeps it, and it counts as used until then.
    """
    with open_to_change(open_home(), console.note, spoken_waits(console)) as session:
        names = {
            trashed.entry.name
            for trashed in list_trash(session)
            if before_ns is None or 0 < trashed.removed_ms * _NS_A_MS < before_ns  # 0: nobody knows when
        }
        if names and not is_dry_run and not is_sure:
            _ask(f"Take {counted(len(names), 'item')} out of the trash for good?")
        summary = empty(session, names, is_dry_run=is_dry_run)
    report_change(console, "taken out of the trash", summary, is_dry_run=is_dry_run)
    if summary.items:
        console.note(f"mega: {_STAYS}")


def _ask(question: str) -> None:
    """Have a person agree. Raises UsageError without a terminal, Abort at a no."""
    if not has_terminal():
        raise UsageError("emptying the trash asks first, and there is no terminal to ask on", "mega trash empty -y")
    click.confirm(question, abort=True, err=True)


def trashed_fields(trashed: Trashed, size_bytes: int) -> Mapping[str, object]:
    """Build the JSON object of an entry; `origin` is null when it is not known."""
    removed_ns = trashed.removed_ms * _NS_A_MS
    return {
        "id": trashed.id,
        "name": trashed.entry.name,
        "origin": None if trashed.origin is None else str(trashed.origin),
        "kind": KIND_NAMES.get(trashed.entry.kind, "unknown"),
        "size_bytes": size_bytes,
        "removed": rfc3339(removed_ns),
        "removed_ms": trashed.removed_ms,
    }


command = MegaGroup(
    "trash", "List what was removed, put it back, or empty the trash.", [list_command, restore_command, empty_command]
)
