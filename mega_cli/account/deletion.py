"""Delete the account at the server, for good, and erase what this device keeps of it; the pins stay.

It takes a fresh signature of the password's key: neither a stolen token nor a stolen device is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from mega_cli.account import connection
from mega_cli.account.access import forget_account, open_session
from mega_cli.account.connection import Place
from mega_cli.account.login import PRESENT_HINT, told_kdf
from mega_cli.account.passwords import check_length
from mega_cli.account.slots import SignedChange
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import DeleteRequest, ErrorCode
from mega_cli.crypto.passwords import login_keys_from_password, password_key
from mega_cli.errors import MegaError, NotLoggedInError, UsageError
from mega_cli.model import Secret
from mega_cli.state.account_key import load_account_key
from mega_cli.system.directories import Home


def check_deletion(home: Home, account: str) -> str:
    """Give the origin of the account that would be deleted. Raises UsageError unless it is the one signed in here."""
    session = open_session(home)
    if session.account != account:
        message = f"this device is signed in as {session.account}, not as {account}"
        raise UsageError(message, "name the account, or its profile: mega --profile NAME delete-account ACCOUNT")
    return session.origin


def delete_account(
    home: Home, account: str, password: Secret, *, on_wait: Callable[[str], None] = lambda _reason: None
) -> None:
    """Delete the account, then erase session, account key, index and caches here.

    After a lost answer, a refusal means that the account is gone if this device's session is gone with it. Raises
    NotLoggedInError for a wrong password; any error whose hint says so when nobody knows: then it may be run again.
    """
    check_deletion(home, account)
    check_length(password)
    session = open_session(home)
    place = Place(session.account, session.origin, home.profile, session.server_url, session.network)
    with closing(connection.connect_session(session, on_wait=on_wait)) as client:
        salt, policy = told_kdf(client, home, place)
        account_key = load_account_key(home.account_key_file)
        prk = password_key(password, salt, place.account, place.origin, policy, account_key)
        change = SignedChange(client, place.origin, DeleteRequest(account=place.account, key="password"))
        try:
            _delete(client, change, login_keys_from_password(prk).login_seed)
        except MegaError as error:
            if change.is_in_doubt:
                error.hint = f"the account may be deleted or not; run it again: mega delete-account {account}"
            raise
    forget_account(home)


def _delete(client: ServerClient, change: SignedChange, login_seed: bytes) -> None:
    """Send the deletion, and tell a wrong password from an account that a lost try has deleted already."""
    try:
        change.send(login_seed)
    except NotLoggedInError as error:
        if change.is_in_doubt and not _is_signed_in(client):
            return
        change.is_in_doubt = False
        if error.details.get("code") == ErrorCode.LOGIN_REFUSED:
            error.message, error.hint = "the password is wrong; nothing was deleted", PRESENT_HINT
        raise


def _is_signed_in(client: ServerClient) -> bool:
    """Say whether the server still knows this device's session, which goes with its account."""
    try:
        client.me()
    except NotLoggedInError:
        return False
    return True
