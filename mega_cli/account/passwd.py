"""Change the password: one request that replaces login key, parameters and slot together. The salt stays.

The master key in the new slot is the session's, so it is compared with the pinned identity first: a slot that held
anything else would lock its owner out. The old password opens the account until the server has answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from mega_cli.account import connection
from mega_cli.account.access import check_identity, open_session
from mega_cli.account.connection import Place
from mega_cli.account.login import PRESENT_HINT, identity_of, told_kdf
from mega_cli.account.passwords import check_length, judge_password
from mega_cli.account.slots import Master, SignedChange, UnknownOutcomeError, kdf_of, password_part, stronger
from mega_cli.api.messages import ErrorCode, SlotsRequest
from mega_cli.crypto.passwords import DEFAULT_POLICY, login_keys_from_password, password_key
from mega_cli.errors import MegaError, NotLoggedInError, UsageError
from mega_cli.model import Secret
from mega_cli.state.account_key import load_account_key
from mega_cli.state.session import Session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home


def change_password(
    home: Home,
    present: Secret,
    new: Secret,
    *,
    keeps_sessions: bool = False,
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> None:
    """Replace the password; every other session ends unless it is kept.

    Raises UsageError for a new password that is the present one or easy to guess; NotLoggedInError when the present one
    is wrong; UnknownOutcomeError when the answer was lost: then either may be the right one.
    """
    session = open_session(home)
    check_length(present)
    if present == new:
        message = "the new password is the present one"
        raise UsageError(message, "choose another")
    judge_password(new, session.account)
    place = Place(session.account, session.origin, home.profile, session.server_url, session.network)
    account_key = load_account_key(home.account_key_file)
    with closing(TrustStore(home.trust_file)) as trust:
        check_identity(trust, session)
        with closing(connection.connect_session(session, on_wait=on_wait)) as client:
            salt, policy = told_kdf(client, home, place)
            present_prk = password_key(present, salt, place.account, place.origin, policy, account_key)
            policy = stronger(policy, DEFAULT_POLICY)
            prk = password_key(new, salt, place.account, place.origin, policy, account_key)
            master = Master(session.master_key, session.epoch, time.time_ns() // 1_000_000)
            part = password_part(place, prk, salt, policy, master)
            request = SlotsRequest(
                account=place.account,
                key="password",
                kdf=kdf_of(salt, policy),
                login_key=part.login_key,
                password_slot=part.slot,
                ends_other_sessions=not keeps_sessions,
            )
            change = SignedChange(client, place.origin, request)
            _settle(change, login_keys_from_password(present_prk).login_seed, part.login_seed, session)
        try:
            trust.pin_account(place.origin, place.account, AccountPin(salt, policy, identity_of(session)))
        except MegaError as error:
            error.hint = "the new password holds all the same; see that the disk is writable and not full"
            raise


def _settle(change: SignedChange, present_seed: bytes, new_seed: bytes, session: Session) -> None:
    """Send the change, and say in words what a failure leaves."""
    try:
        change.settle(present_seed, new_seed)
    except UnknownOutcomeError as error:
        error.message += ": either password may be the right one"
        error.hint = (
            f"to find out, run: mega login {session.account} --server {session.origin} with the new password, "
            "then with the old one"
        )
        raise
    except NotLoggedInError as error:
        if error.details.get("code") == ErrorCode.LOGIN_REFUSED:
            error.message, error.hint = "the present password is wrong; nothing was changed", PRESENT_HINT
        raise
