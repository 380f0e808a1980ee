"""`mega sessions`: the signed-in devices."""

from __future__ import annotations

import click

from mega_cli.account import end_other_sessions, end_sessions, list_sessions
from mega_cli.errors import MissingItemError, UsageError
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.table import columns
from mega_cli.output.units import age_text
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import open_home


@declare("sessions ls", examples=("mega sessions ls", "mega sessions ls --json"))
def show(console: Console) -> None:
    """List the signed-in devices, the last used first.

    Names and times are what the server says; the time of use is kept to the hour.
    """
    sessions = list_sessions(open_home(), spoken_waits(console))
    if console.is_json:
        console.document(
            {
                "sessions": [
                    {
                        "id": session.session_id,
                        "device": session.device_name,
                        "created_ms": session.created_ms,
                        "used_ms": session.used_ms,
                        "is_current": session.is_current,
                    }
                    for session in sessions
                ]
            }
        )
        return
    now_ms = SystemClock().now_ms()
    rows = [
        (
            session.session_id,
            session.device_name or "-",
            age_text((now_ms - session.created_ms) / 1000),
            age_text((now_ms - session.used_ms) / 1000),
            "this device" if session.is_current else "",
        )
        for session in sessions
    ]
    console.result(columns([("id", "device", "signed in", "last used", ""), *rows]))


@declare("sessions kill", examples=("mega sessions kill 0123456789abcdef", "mega sessions kill --others"))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--others", "kills_others", is_flag=True, help="Sign out every device but this one.")
def kill(console: Console, ids: tuple[str, ...], *, kills_others: bool) -> None:
    """Sign devices out by their ids.

    A device that is signed out keeps nothing it could ask the server with. What it has fetched stays on it; if it was
    stolen, change the password too.
    """
    if bool(ids) == kills_others:
        message = "name the sessions to end, or give --others"
        raise UsageError(message, "mega sessions")
    home, progress = open_home(), spoken_waits(console)
    if kills_others:
        ended = [session.session_id for session in end_other_sessions(home, progress)]
        missing: list[str] = []
    else:
        missing = end_sessions(home, ids, progress)
        ended = [id_ for id_ in dict.fromkeys(ids) if id_ not in missing]
    if console.is_json:
        console.document({"ended": ended})
    console.note(f"mega: sessions ended: {len(ended)}")
    if missing:
        raise MissingItemError(f"there is no such session: {', '.join(missing)}", "mega sessions")


command = MegaGroup("sessions", "List the signed-in devices, or sign some of them out.", [show, kill])
