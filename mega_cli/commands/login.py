"""`mega login`: sign in on this device."""

from __future__ import annotations

import click

from mega_cli.account import login
from mega_cli.options.command import declare
from mega_cli.options.connection import account_argument, device_name_option, insecure_http_option, server_option
from mega_cli.options.password import PasswordSource, password_options
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.system.directories import open_home


@declare(
    "login",
    examples=(
        "mega login alice --server https://cloud.example.org",
        "mega login alice --server https://cloud.example.org --password-command 'pass show mega'",
    ),
)
@account_argument
@server_option
@click.option("--connect-to", default="", metavar="URL", help="Reach the same server at another address.")
@device_name_option
@insecure_http_option
@password_options
def command(
    console: Console,
    account: str,
    server_url: str,
    connect_to: str,
    device_name: str,
    password: PasswordSource,
    *,
    insecure_http: bool,
) -> None:
    """Sign in on this device.

    The password is stretched here and never sent; from then on a key in a file that only you may read is enough.
    """
    session = login(
        open_home(),
        server_url,
        account,
        password.ask(f"Password for {account}"),
        device_name=device_name,
        connect_to=connect_to,
        insecure_http=insecure_http,
        on_wait=spoken_waits(console).waiting,
    )
    if console.is_json:
        console.document({"account": session.account, "server": session.origin, "device": session.device_name})
    console.note(f"mega: signed in as {session.account} at {session.origin}")
