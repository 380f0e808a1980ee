"""`mega delete-account`: delete the account at the server."""

from __future__ import annotations

import click

from mega_cli.account import check_deletion, delete_account
from mega_cli.errors import UsageError
from mega_cli.options.command import declare, yes_option
from mega_cli.options.password import PasswordSource, has_terminal, password_options
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.system.directories import open_home


@declare(
    "delete-account",
    examples=("mega delete-account alice", "mega delete-account alice --yes --password-file password.txt"),
)
@click.argument("account")
@yes_option
@password_options
def command(console: Console, account: str, password: PasswordSource, *, is_sure: bool) -> None:
    """Delete the account and everything in it, for good.

    Asks for the account's name once more, and for the password. It cannot be undone: files, history and trash are gone,
    no recovery kit brings them back, every device is signed out. Copies in backups of the server last until those are
    deleted; what other devices have fetched stays there.
    """
    home = open_home()
    origin = check_deletion(home, account)
    if not is_sure:
        _confirm(console, account, origin)
    secret = password.ask(f"Password for {account}")
    console.when_interrupted = f"the account may be deleted or not; to be sure: mega delete-account {account}"
    delete_account(home, account, secret, on_wait=spoken_waits(console).waiting)
    if console.is_json:
        console.document({"account": account, "server": origin, "is_deleted": True})
    console.note(f"mega: the account {account} at {origin} is deleted; this device keeps only what it pinned of it")


def _confirm(console: Console, account: str, origin: str) -> None:
    if not has_terminal():
        message = "deleting an account needs a person, or --yes"
        raise UsageError(message, f"mega delete-account {account} --yes")
    console.note(f"mega: {account} at {origin}: files, history and trash are deleted, and nothing brings them back")
    typed = click.prompt("Type the account's name to delete it", err=True, default="", show_default=False)
    if typed.strip() != account:
        message = "that is not the account's name; nothing was deleted"
        raise UsageError(message, f"mega delete-account {account}")
