"""`mega trust`: what this device pins, and the only way on after a rollback or a fork."""

from __future__ import annotations

import click

from mega_cli.account import Shown, accept_head, shown_head, trust_view
from mega_cli.daemon import client
from mega_cli.errors import SafetyStopError, UsageError
from mega_cli.options.command import MegaGroup, declare, yes_option
from mega_cli.options.password import has_terminal
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import age_text, moment_text, size_text
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import open_home

_NS_A_MS = 1_000_000


@declare("trust show", examples=("mega trust show",))
def show(console: Console) -> None:
    """Show what this device pins of the account.

    The newest revision it has seen, six words to compare it by, the account's identity, and the floor under the
    password's derivation. The time is the server's copy of that very revision, when it still shows it.
    """
    view = trust_view(open_home(), spoken_waits(console))
    pinned = view.pinned
    if console.is_json:
        console.document(
            {
                "account": view.account,
                "server": view.origin,
                "pinned": None if pinned is None else _fields(pinned),
                "identity": view.fixed.identity.hex(),
                "fingerprint": " ".join(view.fingerprint_words),
                "server_salt": view.fixed.server_salt.hex(),
                "least_passes": view.fixed.policy.passes,
                "least_memory_bytes": view.fixed.policy.memory_bytes,
            }
        )
        return
    floor = f"at least {view.fixed.policy.passes} passes over {size_text(view.fixed.policy.memory_bytes)}"
    console.result(
        [
            f"account      {view.account} at {view.origin}",
            f"revision     {'none seen yet' if pinned is None else pinned.pin.revision}",
            f"time         {_time_text(pinned)}",
            f"words        {'-' if pinned is None else ' '.join(pinned.words)}",
            f"identity     {view.fixed.identity.hex()}",
            f"fingerprint  {' '.join(view.fingerprint_words) or '- (sign in to see it)'}",
            f"password     {floor}, salt {view.fixed.server_salt.hex()[:16]}...",
        ]
    )


@declare("trust accept", examples=("mega trust accept", "mega trust accept --to 41 --yes"))
@click.option(
    "--to",
    "revision",
    type=click.IntRange(min=1),
    metavar="REV",
    help="Accept only if the server shows exactly this revision.",
)
@yes_option
def accept(console: Console, revision: int | None, *, is_sure: bool) -> None:
    """Go on from what the server shows now, after exit code 15.

    Shows what is pinned and what the server shows, with the six words of both. Do it only when you know why the server
    went back, such as a restored backup: what was stored since then is not in what it shows.
    """
    home = open_home()
    pinned, shown = shown_head(home, spoken_waits(console))
    if pinned is not None and pinned.pin == shown.pin:
        if console.is_json:
            console.document({"pinned": _fields(pinned), "shown": _fields(shown), "is_accepted": False})
        console.note("mega: there is nothing to accept: what the server shows descends from what this device has seen")
        return
    if revision is not None and revision != shown.pin.revision:
        message = f"the server shows revision {shown.pin.revision}, not {revision}"
        raise SafetyStopError(message, "nothing was accepted; look first: mega trust accept")
    if not is_sure:
        _ask(console, pinned, shown)
    accept_head(home, pinned, shown)
    client.tell_wake(home, console.note)
    if console.is_json:
        before = None if pinned is None else _fields(pinned)
        console.document({"pinned": before, "shown": _fields(shown), "is_accepted": True})
    console.note(f"mega: this device goes on from revision {shown.pin.revision}")


def _ask(console: Console, pinned: Shown | None, shown: Shown) -> None:
    if not has_terminal():
        message = "accepting another history needs a person, or --yes"
        raise UsageError(message, f"mega trust accept --to {shown.pin.revision} --yes")
    if pinned is not None:
        console.note(f"mega: pinned  revision {pinned.pin.revision}: {' '.join(pinned.words)}")
    console.note(f"mega: shown   revision {shown.pin.revision}: {' '.join(shown.words)}; {_time_text(shown)}")
    if not click.confirm(
        "Does another device show the shown words, or do you know why the server went back?", err=True
    ):
        message = "nothing was accepted"
        raise SafetyStopError(message, "ask the server's administrator")


def _fields(shown: Shown) -> dict[str, object]:
    return {
        "revision": shown.pin.revision,
        "words": list(shown.words),
        "digest": shown.pin.digest.hex(),
        "time_ms": shown.time_ms,
    }


def _time_text(shown: Shown | None) -> str:
    if shown is None or shown.time_ms is None:
        return "- (the server does not show this revision)" if shown is not None else "-"
    age = age_text((SystemClock().now_ms() - shown.time_ms) / 1000)
    return f"{age} ({moment_text(shown.time_ms * _NS_A_MS)})"


command = MegaGroup("trust", "Show what this device pins, or accept what the server shows instead.", [show, accept])
