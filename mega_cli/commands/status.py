"""`mega status`: how the synced folders stand at this moment, or one path in them."""

from __future__ import annotations

from pathlib import Path

import click

from mega_cli.daemon import client
from mega_cli.daemon.status import PairStatus
from mega_cli.errors import MegaError, UsageError
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.status import (
    NO_DAEMON,
    NO_PAIRS,
    daemon_fields,
    daemon_line,
    exit_code_of,
    idle_fields,
    pair_fields,
    pair_line,
    standing_line,
    status_lines,
    with_details,
)
from mega_cli.output.status_path import path_code, path_fields, path_lines
from mega_cli.output.status_watch import choose_watch
from mega_cli.sync.pairs import open_pairs
from mega_cli.sync.syncs import list_pairs
from mega_cli.sync.why import why
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home, open_home


@declare("status", examples=("mega status", "mega status notes.txt", "mega status --watch"))
@click.argument("path", required=False, metavar="[PATH]", type=click.Path(path_type=Path))
@click.option("--watch", "is_watching", is_flag=True, help="Go on showing how it stands, until Ctrl-C.")
def command(console: Console, path: Path | None, *, is_watching: bool) -> None:
    """Show how the synced folders stand, or a file or folder in them.

    A line a folder: up to date, scanning, syncing, paused, offline, held, stalled, conflicts, frozen, and what to do
    where something is to be done. A path is synced, pending, uploading, downloading, ignored, stalled or blocked (of a
    folder that is said of itself, not of what lies in it); mega why says more. Exits with 6 when something waits for
    you, with 3 when something stands still, with 5 without the server, with 1 without the daemon, and with the code of
    the trouble when a folder is frozen.
    """
    home = open_home()
    if is_watching:
        if path is not None:
            raise UsageError("only all folders can be watched, not one path", "mega status --watch")
        _watch(console, home)
        return
    reply = client.status(home)
    pairs = reply.pairs if reply else []
    at = None if path is None else open_pairs(home).at(path)
    if path is not None and at is None:
        _show_path(console, home, path, pairs)
        return
    idle = [one for one in list_pairs(home, but=[pair.id for pair in pairs]) if at in (None, one.pair)]
    pairs = [pair for pair in pairs if at is None or pair.id == at.id]
    now_ns = SystemClock().now_ns()
    lines = [pair_line(pair) for pair in pairs]
    if console.verbosity > 0:
        lines = [with_details(line, pair) for line, pair in zip(lines, pairs, strict=True)]
    lines += [standing_line(one, now_ns) for one in idle]
    if console.is_json:
        every = [*map(pair_fields, pairs), *map(idle_fields, idle)]
        console.document({"daemon": daemon_fields(reply.daemon if reply else None), "pairs": every, "path": None})
    else:
        is_missed = reply is None and any(one.pair.is_background for one in idle)
        if reply is not None and console.verbosity > 0:
            console.result(daemon_line(reply.daemon))
        console.result([*(NO_DAEMON if is_missed else ()), *status_lines(lines)])
        if not lines:
            console.note(NO_PAIRS)
    _exit(exit_code_of(lines))


def _show_path(console: Console, home: Home, path: Path, pairs: list[PairStatus]) -> None:
    """Say how one file or folder stands."""
    answer = why(home, path)
    status = next((pair for pair in pairs if pair.id == answer.pair.id), None)
    if console.is_json:
        fields = {"daemon": None, "pairs": [] if status is None else [pair_fields(status)]}
        console.document({**fields, "path": path_fields(answer, status)})
    else:
        console.result(path_lines(answer, status))
    _exit(path_code(answer))


def _watch(console: Console, home: Home) -> None:
    """Show each change until the user has seen enough, or the daemon ends."""
    shown = choose_watch(console)
    is_running = False
    try:
        for reply in client.follow(home):
            is_running = True
            shown.show(reply)
    except KeyboardInterrupt:
        return  # it is how one leaves: nothing was interrupted
    finally:
        shown.close()
    message = "the daemon has ended" if is_running else "the daemon does not run, so there is nothing to watch"
    raise MegaError(message, "mega daemon start")


def _exit(code: int) -> None:
    if code:
        raise click.exceptions.Exit(code)
