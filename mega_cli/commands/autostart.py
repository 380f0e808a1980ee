"""`mega autostart`: have the system start the daemon, or no more."""

from __future__ import annotations

from mega_cli.daemon.autostart import Autostart, autostart_of
from mega_cli.options.command import MegaGroup, declare
from mega_cli.output.console import Console
from mega_cli.system.directories import open_home


@declare("autostart status", examples=("mega autostart status", "mega autostart status --json"))
def status_command(console: Console) -> None:
    """Say whether the daemon of this profile starts by itself."""
    system = autostart_of(open_home())
    if console.is_json:
        console.document({"autostart": system.is_on, "current": system.is_current, "file": str(system.file)})
    elif not system.is_on:
        console.result("off: the daemon starts when you say so")
    elif system.is_current:
        console.result(f"on: {system.file}")
    else:
        console.result(f"on, but for another program or another place of mega: {system.file}")
        console.note("mega: to have it start this one: mega autostart on")


@declare("autostart on", examples=("mega autostart on",))
def on_command(console: Console) -> None:
    """Have the daemon of this profile start by itself, from the next start of the machine or your next login on.

    A systemd user unit on Linux, a launchd agent on macOS; root is not needed. It starts nothing now: mega daemon
    start does.
    """
    system = autostart_of(open_home())
    system.turn_on()
    _report(console, system)
    if system.hint:
        console.note(f"mega: to have it run while you are not logged in, on a server: {system.hint}")


@declare("autostart off", examples=("mega autostart off",))
def off_command(console: Console) -> None:
    """Have the daemon of this profile start by itself no more; one that runs goes on."""
    system = autostart_of(open_home())
    system.turn_off()
    _report(console, system)


def _report(console: Console, system: Autostart) -> None:
    if console.is_json:
        fields = {"autostart": system.is_on, "file": str(system.file), "hint": system.hint if system.is_on else ""}
        console.document({"message_type": "summary", **fields})
    elif system.is_on:
        console.note(f"mega: the daemon starts by itself from the next login on: {system.file}")
    else:
        console.note("mega: the daemon does not start by itself any more")


command = MegaGroup(
    "autostart",
    "Have the daemon start with the machine, or no more.",
    [status_command, on_command, off_command],
)
