"""`mega signup`: create an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

import click

from mega_cli.account import signup
from mega_cli.options.command import declare
from mega_cli.options.connection import account_argument, device_name_option, insecure_http_option, server_option
from mega_cli.options.password import PasswordSource, password_options
from mega_cli.output.console import Console
from mega_cli.state.kit_file import reserved_kit
from mega_cli.system.directories import open_home


@declare("signup", examples=("mega signup alice --server https://cloud.example.org",))
@account_argument
@server_option
@click.option(
    "--invite-file",
    metavar="FILE",
    type=click.File("r", encoding="utf-8"),
    help="Read the invitation from a file; - is standard input (also: MEGA_INVITE).",
)
@click.option(
    "--recovery-kit",
    "kit_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the recovery kit.  [default: mega-recovery-kit-ACCOUNT.txt]",
)
@device_name_option
@insecure_http_option
@password_options
def command(
    console: Console,
    account: str,
    server_url: str,
    invite_file: TextIO | None,
    kit_path: Path | None,
    device_name: str,
    password: PasswordSource,
    *,
    insecure_http: bool,
) -> None:
    """Create an account on a server.

    Signs in on this device and writes the recovery kit: the only way back when the password is forgotten. The server
    never learns the password.
    """
    invite = invite_file.read().strip() if invite_file else os.environ.pop("MEGA_INVITE", "")
    path = kit_path or Path(f"mega-recovery-kit-{Path(account).name}.txt")
    secret = password.ask(f"New password for {account}", is_new=True)
    with reserved_kit(path) as kit:
        made = signup(
            open_home(),
            server_url,
            account,
            secret,
            invite=invite,
            device_name=device_name,
            insecure_http=insecure_http,
        )
        kit.write(made.kit_text.encode())
    if console.is_json:
        console.document({"account": account, "server": made.session.origin, "recovery_kit": str(path.absolute())})
        return
    console.result(f"recovery kit: {path.absolute()}")
    console.note(f"mega: signed up and signed in as {account}; print the recovery kit, then keep it off this device")
