"""`mega df`: quota, used and free space, and when space comes back."""

from __future__ import annotations

from mega_cli.account import account_info, open_session
from mega_cli.options.command import declare, human_option
from mega_cli.output.console import Console
from mega_cli.output.listing import size_writer
from mega_cli.output.progress import spoken_waits
from mega_cli.system.directories import open_home

_WHEN_FREED = (
    "Removed and replaced files, the trash and all history count as used. A server frees what no mark has named for "
    "30 days; this version of mega sends no marks yet, so nothing is freed."
)


@declare("df", examples=("mega df -h", "mega df --json"))
@human_option
def command(console: Console, *, is_human: bool) -> None:
    """Show quota, used and free space.

    The figures are what the server says. Removing a file or emptying the trash frees nothing by itself: history keeps
    it until a sweep of the server, which waits for the marks that a later version sends.
    """
    info = account_info(open_session(open_home()), spoken_waits(console))
    free_bytes = max(0, info.quota_bytes - info.used_bytes)
    if console.is_json:
        console.document(
            {
                "quota_bytes": info.quota_bytes,
                "used_bytes": info.used_bytes,
                "free_bytes": free_bytes,
                "frees_space": False,
                "when_freed": _WHEN_FREED,
            }
        )
        return
    size_text = size_writer(is_human=is_human)
    used_share = 100 * info.used_bytes / info.quota_bytes if info.quota_bytes else 100
    sizes = "".join(f"{size_text(size):>12} " for size in (info.quota_bytes, info.used_bytes, free_bytes))
    console.result([f"{'quota':>12} {'used':>12} {'free':>12}  use", f"{sizes}{used_share:3.0f}%"])
    console.note(f"mega: {_WHEN_FREED}")
