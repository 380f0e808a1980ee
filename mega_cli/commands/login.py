"""`mega login`: sign in on this device."""

from __future__ import annotations

from mega_cli.account import account_fingerprint, known_place, login_at, place_of
from mega_cli.errors import NotLoggedInError, UsageError
from mega_cli.formats.recovery_kit import decode_account_key
from mega_cli.model import Network, Secret
from mega_cli.options.command import declare
from mega_cli.options.connection import device_name_option, known_place_options, network_options
from mega_cli.options.password import (
    PasswordSource,
    account_key_option,
    ask_letters,
    password_options,
    secret_text,
)
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.state.session import Session
from mega_cli.system.directories import open_home


@declare(
    "login",
    examples=(
        "mega login",
        "mega login alice --server https://cloud.example.org",
        "mega login alice --server https://cloud.example.org --password-command 'pass show mega'",
        "mega login alice --server https://cloud.example.org --account-key-file mega-recovery-kit-alice.txt",
        "mega login --connect-to https://new.example.org",
    ),
)
@known_place_options
@device_name_option
@network_options
@password_options
@account_key_option
def command(
    console: Console,
    account: str,
    server_url: str,
    connect_to: str,
    device_name: str,
    password: PasswordSource,
    account_key_file: str,
    network: Network,
) -> None:
    """Sign in on this device.

    The password is stretched here and never sent; from then on a key in a file that only you may read is enough.
    Without ACCOUNT and --server it is the account that was signed in here last, reached as before; with --connect-to as
    well, the account goes on at a server that has moved.
    """
    home = open_home()
    is_named = bool(account)
    if not account and not server_url:
        place = known_place(home, connect_to, network)
    elif account and server_url:
        place = place_of(account, server_url, connect_to, network)
    else:
        message = "ACCOUNT and --server belong together"
        raise UsageError(message, "mega login --help")
    account_key = decode_account_key(secret_text(account_key_file)) if account_key_file else None
    secret = password.ask(f"Password for {place.account}")

    def enter(key: Secret | None) -> Session:
        on_wait = spoken_waits(console).waiting
        return login_at(home, place, secret, account_key=key, device_name=device_name, on_wait=on_wait)

    try:
        session = enter(account_key)
    except NotLoggedInError:
        letters = "" if account_key else ask_letters("Refused. The account key, if the account has one (else Enter)")
        if not letters:
            raise
        session = enter(decode_account_key(letters))
    words = " ".join(account_fingerprint(session))
    if console.is_json:
        console.document(
            {
                "account": session.account,
                "server": session.origin,
                "device": session.device_name,
                "fingerprint": words,
            }
        )
    console.note(f"mega: signed in as {session.account} at {session.origin}")
    if is_named:
        console.note(f"mega: its fingerprint, which the recovery kit must show as well: {words}")
