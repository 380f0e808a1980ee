"""`mega logout`: sign out and forget this device's keys."""

from __future__ import annotations

from mega_cli.account import logout
from mega_cli.daemon import client
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.system.directories import open_home


@declare("logout", examples=("mega logout",))
def command(console: Console) -> None:
    """Sign out and forget this device's keys.

    What the device has seen of the server stays pinned, so that a later login cannot be shown an older state.
    """
    home = open_home()
    try:
        logout(home, spoken_waits(console))
    finally:
        client.tell_reload(home, console.note)  # it holds keys as well, and lets go of them when it looks
    console.note("mega: signed out; this device holds no key any more")
