"""`mega state`: the newest revision, and six words to compare it by."""

from __future__ import annotations

from mega_cli.account import open_volume
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import age_text, moment_text, rfc3339
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import open_home
from mega_cli.volume.state import volume_state

_NS_A_MS = 1_000_000


@declare("state", examples=("mega state",))
def command(console: Console) -> None:
    """Show the newest revision and six words to compare it by.

    Two devices that show the same words see the same files: no server can show each of them something else.
    """
    with open_volume(open_home(), spoken_waits(console)) as session:
        state = volume_state(session)
    if console.is_json:
        console.document(
            {
                "revision": state.revision,
                "time": rfc3339(state.time_ms * _NS_A_MS),
                "time_ms": state.time_ms,
                "words": list(state.words),
                "digest": state.digest.hex(),
                "is_pinned": state.is_pinned,
            }
        )
        return
    age = age_text((SystemClock().now_ms() - state.time_ms) / 1000)
    console.result(
        [
            f"revision  {state.revision}",
            f"age       {age} ({moment_text(state.time_ms * _NS_A_MS)})",
            f"words     {' '.join(state.words)}",
            f"digest    {state.digest.hex()}",
        ]
    )
    if not state.is_pinned:
        console.note("mega: this device saw this volume for the first time: compare the words with another device")
