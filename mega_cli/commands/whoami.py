"""`mega whoami`: the account, its server, quota and fingerprint; or every account of this device."""

from __future__ import annotations

import click

from mega_cli.account import account_info, list_profiles, open_session
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.table import columns
from mega_cli.output.units import size_text
from mega_cli.system.directories import open_home


@declare("whoami", examples=("mega whoami", "mega whoami --all"))
@click.option("--all", "shows_all", is_flag=True, help="List the profiles of this device instead; asks no server.")
def command(console: Console, *, shows_all: bool) -> None:
    """Show the account, its server, quota and fingerprint.

    Quota and use are what the server says; the fingerprint is what this device computes, and people can compare it.
    """
    if shows_all:
        _show_profiles(console)
        return
    home = open_home()
    info = account_info(open_session(home), spoken_waits(console))
    if console.is_json:
        console.document(
            {
                "account": info.account,
                "server": info.origin,
                "server_url": info.server_url,
                "profile": home.profile,
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
            f"profile      {home.profile}",
            f"device       {info.device_name}",
            f"used         {size_text(info.used_bytes)} of {size_text(info.quota_bytes)}",
            f"fingerprint  {' '.join(info.fingerprint_words)}",
        ]
    )


def _show_profiles(console: Console) -> None:
    profiles = list_profiles(open_home())
    if console.is_json:
        fields = [
            {
                "profile": profile.name,
                "account": profile.account,
                "server": profile.origin,
                "is_signed_in": profile.is_signed_in,
                "is_current": profile.is_current,
            }
            for profile in profiles
        ]
        console.document({"profiles": fields})
        return
    rows = [
        (
            "*" if profile.is_current else "",
            profile.name,
            profile.origin,
            "signed in" if profile.is_signed_in else "signed out",
        )
        for profile in profiles
    ]
    console.result(columns([("", "profile", "server", ""), *rows]))
