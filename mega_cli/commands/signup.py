"""`mega signup`: create an account."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click

from mega_cli.account import complete_signup, prepare_signup
from mega_cli.account.signup import network_words
from mega_cli.model import Network
from mega_cli.options.command import declare
from mega_cli.options.connection import account_argument, device_name_option, network_options, server_option
from mega_cli.options.password import PasswordSource, password_options
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.state.kit_file import KitFile
from mega_cli.system.directories import open_home


@dataclass(frozen=True, slots=True)
class _KitWords:
    """Where the recovery kit goes, and whether it shows an account key."""

    path: Path | None
    has_account_key: bool


def _kit_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command both options as `kit_words: _KitWords`."""

    @click.option(
        "--recovery-kit",
        "kit_path",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where to write the recovery kit.  [default: mega-recovery-kit-ACCOUNT.txt]",
    )
    @click.option(
        "--account-key",
        "has_account_key",
        is_flag=True,
        help="Draw an account key too: a new device needs it besides the password. The recovery kit shows it.",
    )
    @functools.wraps(function)
    def with_kit(*args: object, kit_path: Path | None, has_account_key: bool, **named: object) -> object:
        return function(*args, kit_words=_KitWords(kit_path, has_account_key), **named)

    return with_kit


@declare("signup", examples=("mega signup alice --server https://cloud.example.org",))
@account_argument
@server_option
@click.option(
    "--invite-file",
    metavar="FILE",
    type=click.File("r", encoding="utf-8"),
    help="Read the invitation from a file; - is standard input (also: MEGA_INVITE).",
)
@_kit_options
@device_name_option
@network_options
@password_options
def command(
    console: Console,
    account: str,
    server_url: str,
    invite_file: TextIO | None,
    kit_words: _KitWords,
    device_name: str,
    password: PasswordSource,
    network: Network,
) -> None:
    """Create an account on a server.

    Signs in on this device and writes the recovery kit: the only way back when the password is forgotten. The server
    never learns the password. With --account-key a second secret is drawn, which this device keeps and the kit shows:
    then a password that is guessed or seen opens nothing on any other device.
    """
    invite = invite_file.read().strip() if invite_file else os.environ.pop("MEGA_INVITE", "")
    path = kit_words.path or Path(f"mega-recovery-kit-{Path(account).name}.txt")
    line = shlex.join(["mega", "login", account, "--server", server_url, *network_words(network)])
    kit = KitFile(path, f"if an earlier signup was cut, its account may exist: {line}; else add --recovery-kit FILE")
    kit.check_absent()
    secret = password.ask(f"New password for {account}", is_new=True)
    on_wait = spoken_waits(console).waiting
    prepared = prepare_signup(
        server_url,
        account,
        secret,
        invite=invite,
        has_account_key=kit_words.has_account_key,
        network=network,
        on_wait=on_wait,
    )
    console.when_interrupted = f"the account may have been made, so {path} is kept; see: {line}"
    session = complete_signup(open_home(), prepared, secret, kit, device_name=device_name, on_wait=on_wait)
    if console.is_json:
        console.document({"account": account, "server": session.origin, "recovery_kit": str(path.absolute())})
        return
    console.result(f"recovery kit: {path.absolute()}")
    console.note(f"mega: signed up and signed in as {account}; print the recovery kit, then keep it off this device")
