"""`mega daemon`: the process that syncs in the background: start and stop it, run it here, read its log."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Final

import click

from mega_cli.account import open_session
from mega_cli.daemon import client
from mega_cli.daemon.detach import DETACHED, UP, start_daemon
from mega_cli.daemon.presence import is_running, read_address
from mega_cli.errors import TemporaryError
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.output.units import counted
from mega_cli.system.directories import Home, open_home

_STOP_S: Final = 8.0
"""How long it may take to hang up, and then to be gone."""
_END_S: Final = 2.0
_LOOK_S: Final = 0.05
_FOLLOW_S: Final = 0.2
_BUSY: Final = ("starting", "scanning", "syncing")


@declare("daemon status", examples=("mega daemon status", "mega daemon status --json"))
def status_command(console: Console) -> None:
    """Say whether the daemon of this profile runs.

    How its folders stand says mega status.
    """
    home = open_home()
    log_file = home.daemon_log_file
    found = client.status(home)
    if console.is_json:
        daemon = found and found.daemon
        fields = {"pid": daemon.pid, "version": daemon.version, "started_ms": daemon.started_ms} if daemon else {}
        console.document({"running": found is not None, "log": str(log_file), **fields})
    elif found is None:
        console.result("the daemon does not run")
        console.note("mega: to start it: mega daemon start")
    else:
        console.result(f"the daemon runs as process {found.daemon.pid} and syncs {counted(len(found.pairs), 'folder')}")


@declare("daemon start", examples=("mega daemon start",))
def start_command(console: Console) -> None:
    """Start the daemon of this profile in the background.

    It syncs what mega sync was given, needs no terminal, and runs until mega daemon stop or the machine ends. To have
    it run after each start of the machine: mega autostart on.
    """
    home = open_home()
    open_session(home)
    is_new = start_daemon(home, console.log_level)
    address = read_address(home)
    pid = address.pid if address else None
    if console.is_json:
        console.document({"message_type": "summary", "started": is_new, "pid": pid})
    else:
        console.note(f"mega: the daemon {'is up' if is_new else 'runs already'}, as process {pid}")


@declare("daemon run", examples=("mega daemon run", "mega daemon run -v"))
def run_command(console: Console) -> None:
    """Run the daemon of this profile here, until Ctrl-C or mega daemon stop.

    Fit for service managers: it tells systemd when it is up (Type=notify), and SIGTERM ends it in order within five
    seconds. -v shows its log.
    """
    from mega_cli.daemon.process import Daemon, leave_streams, log_thread_failures  # noqa: PLC0415 -- only a daemon
    from mega_cli.daemon.supervisor import Supervisor  # noqa: PLC0415 -- the engine's 100 ms, for a daemon alone
    from mega_cli.system.daemon_log import start_daemon_log  # noqa: PLC0415 -- the same

    home = open_home()
    open_session(home)
    is_detached = bool(os.environ.pop(DETACHED, ""))

    def begin() -> None:
        start_daemon_log(home.daemon_log_file, console.log_level, is_shown=console.verbosity > 0)
        log_thread_failures()

    def ready() -> None:
        if is_detached:
            os.write(sys.stderr.fileno(), f"{UP}\n".encode())
            leave_streams()
        else:
            console.note(f"mega: the daemon of {home.profile} is up; Ctrl-C ends it")

    Daemon(home, Supervisor(home)).run(begin, ready)


@declare("daemon stop", examples=("mega daemon stop",))
def stop_command(console: Console) -> None:
    """Stop the daemon of this profile, and wait until it has ended.

    What is at hand is brought to a point where it goes on later; nothing is lost. It takes five seconds at most.
    """
    home = open_home()
    is_told = _ask_to_stop(console, home)
    address = read_address(home)
    deadline_s = time.monotonic() + _END_S
    while is_running(home):
        if time.monotonic() > deadline_s:
            at_once = f"to end it at once, which loses nothing: kill -9 {address.pid}" if address else ""
            raise TemporaryError("the daemon does not end", at_once or "run the same command again")
        time.sleep(_LOOK_S)
    if console.is_json:
        console.document({"message_type": "summary", "stopped": is_told})
    else:
        console.note(f"mega: the daemon {'has ended' if is_told else 'did not run'}")


def _ask_to_stop(console: Console, home: Home) -> bool:
    """Have it stop, and say what it waits for until it hangs up. Gives whether one ran."""
    is_told, named = False, set()
    for now in client.stop(home, _STOP_S):
        is_told = True
        for pair in now.pairs:
            if pair.state in _BUSY and pair.id not in named:
                named.add(pair.id)
                console.note(f"mega: waiting for {pair.local}: {pair.state}")
    return is_told


@declare("daemon logs", examples=("mega daemon logs", "mega daemon logs -f", "mega daemon logs -n 1000"))
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=50, show_default=True, help="How many lines.")
@click.option("-f", "--follow", "is_followed", is_flag=True, help="Go on with what is written, until Ctrl-C.")
def logs_command(console: Console, count: int, *, is_followed: bool) -> None:
    """Show the end of the daemon's log.

    No names of files and no contents are in it: it can be shown to others.
    """
    from mega_cli.system.daemon_log import read_daemon_log  # noqa: PLC0415 -- logging's 15 ms, for this alone

    wait = (lambda: time.sleep(_FOLLOW_S)) if is_followed else None
    with suppress(KeyboardInterrupt):  # how following ends, and no interruption
        for line in read_daemon_log(open_home().daemon_log_file, count, wait):
            if console.is_json:
                console.document({"line": line})
            else:
                console.result(line)
                if is_followed:
                    sys.stdout.flush()


command = MegaGroup(
    "daemon",
    "Start and stop the process that syncs in the background, and read its log.",
    [status_command, start_command, run_command, stop_command, logs_command],
)
