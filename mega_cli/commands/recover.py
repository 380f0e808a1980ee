"""`mega recover`: come back with the recovery kit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from mega_cli.account import complete_recovery, open_recovery, place_of
from mega_cli.errors import UsageError
from mega_cli.formats.recovery_kit import Kit, decode_account_key, read_kit
from mega_cli.model import Network
from mega_cli.options.command import declare
from mega_cli.options.connection import known_place_options, network_options
from mega_cli.options.password import (
    PasswordSource,
    account_key_option,
    ask_letters,
    new_password_options,
    secret_text,
)
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.state.kit_file import KitFile
from mega_cli.system.directories import open_home


@dataclass(frozen=True, slots=True)
class _Letters:
    """Where the recovery secret and the account key are read from; "" asks, or does without."""

    kit_file: str
    account_key_file: str

    def kit(self) -> Kit:
        """Read the kit, or ask for the bare secret. Raises UsageError without either."""
        text = secret_text(self.kit_file) if self.kit_file else ask_letters("Recovery secret (14 groups of four)")
        if not text.strip():
            message = "a recovery secret is needed, and there is no terminal to ask on"
            raise UsageError(message, "give --kit-file FILE (- is standard input)")
        return read_kit(text)


def _letter_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command both options as `letters: _Letters`."""

    @click.option(
        "--kit-file",
        metavar="FILE",
        default="",
        help="Read the recovery kit, or the bare secret, from a file; - is standard input, /dev/fd/3 a descriptor.",
    )
    @account_key_option
    @functools.wraps(function)
    def with_letters(*args: object, kit_file: str, account_key_file: str, **named: object) -> object:
        return function(*args, letters=_Letters(kit_file, account_key_file), **named)

    return with_letters


@declare(
    "recover",
    examples=(
        "mega recover alice --server https://cloud.example.org --kit-file mega-recovery-kit-alice.txt",
        "mega recover alice --server https://cloud.example.org",
    ),
)
@known_place_options
@_letter_options
@click.option(
    "--recovery-kit",
    "kit_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the new recovery kit.  [default: mega-recovery-kit-ACCOUNT-TIME.txt]",
)
@network_options
@new_password_options
def command(
    console: Console,
    account: str,
    server_url: str,
    connect_to: str,
    letters: _Letters,
    kit_path: Path | None,
    new_password: PasswordSource,
    network: Network,
) -> None:
    """Come back with the recovery kit.

    Sets a new password, writes a new recovery kit (the old one opens nothing any more), signs every other device out
    and this one in. With --kit-file the account's fingerprint is compared with the one in the kit; a kit that names
    its account needs neither ACCOUNT nor --server. An account key goes on when the kit, this device or
    --account-key-file brings it; with the bare secret alone, the new password stands without one.
    """
    kit = letters.kit()
    account, server_url = account or kit.account, server_url or kit.origin
    if not account or not server_url:
        message = "ACCOUNT and --server are needed: the recovery secret alone does not name them"
        raise UsageError(message, "mega recover --help")
    place = place_of(account, server_url, connect_to, network)
    path = kit_path or Path(f"mega-recovery-kit-{account}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt")
    new_kit = KitFile(path)
    new_kit.check_absent()
    account_key = decode_account_key(secret_text(letters.account_key_file)) if letters.account_key_file else None
    home = open_home()
    with open_recovery(home, place, kit, account_key=account_key, on_wait=spoken_waits(console).waiting) as opened:
        secret = new_password.ask(f"New password for {account}", is_new=True)
        console.when_interrupted = f"keep both recovery kits: if {path} was written, either may be the right one"
        session = complete_recovery(home, opened, secret, new_kit)
    if console.is_json:
        console.document({"account": account, "server": session.origin, "recovery_kit": str(path.absolute())})
        return
    console.result(f"recovery kit: {path.absolute()}")
    console.note(f"mega: signed in as {account} with the new password; print the new kit and destroy the old one")
