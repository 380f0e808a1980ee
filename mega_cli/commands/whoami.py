"""`mega whoami`: the account, its server, quota and fingerprint."""

from __future__ import annotations

from mega_cli.account import account_info, open_session
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import size_text
from mega_cli.system.directories import open_home


@declare("whoami", examples=("mega whoami",))
def command(console: Console) -> None:
    """Show the account, its server, quota and fingerprint.

    Quota and use are what the server says; the fingerprint is what this device computes, and people can compare it.
    """
    info = account_info(open_session(open_home()), spoken_waits(console))
    if console.is_json:
        console.document(
            {
                "account": info.account,
                "server": info.origin,
                "server_url": info.server_url,
                "device": info.device_name,
                "quota_bytes": info.quota_bytes,
                "used_bytes": info.used_bytes,
                "fingerprint": " ".join(info.fingerprint_words),
            }
        )
        return
    reached = "" if info.server_url == info.origin else f" (reached at {info.server_url})"
    console.result(
        [
            f"account      {info.account}",
            f"server       {info.origin}{reached}",
            f"device       {info.device_name}",
            f"used         {size_text(info.used_bytes)} of {size_text(info.quota_bytes)}",
            f"fingerprint  {' '.join(info.fingerprint_words)}",
        ]
    )
