"""Come back with the recovery kit: one request brings a new password and a new secret, and ends every other session.

The new kit is on the disk before the request, and taken away only when the server has refused it: whatever happens in
between, one of two kits opens the account. What the server shows is compared with the pins and with the kit's
fingerprint before anything is sealed for it (attacks.md T06).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from mega_cli.account import connection
from mega_cli.account.access import account_fingerprint
from mega_cli.account.connection import Place, check_origin
from mega_cli.account.login import begin_session, identity_of, keep, session_of, told_kdf
from mega_cli.account.passwords import judge_password
from mega_cli.account.signup import KitKeeper, login_line
from mega_cli.account.slots import (
    Master,
    SignedChange,
    UnknownOutcomeError,
    kdf_of,
    password_part,
    recovery_part,
    stronger,
)
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import SlotsRequest
from mega_cli.crypto import randomness
from mega_cli.crypto.passwords import DEFAULT_POLICY, login_keys_from_recovery, password_key
from mega_cli.errors import MegaError, NotLoggedInError, UntrustedKeyError, UsageError
from mega_cli.formats.recovery_kit import RECOVERY_SECRET_BYTES, Kit, kit_text
from mega_cli.formats.slot import open_recovery_slot
from mega_cli.model import KdfPolicy, Secret
from mega_cli.state.account_key import load_account_key, save_account_key
from mega_cli.state.session import Session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home


@dataclass(slots=True)
class Recovery:
    """An account that a recovery secret has opened; nothing is changed yet."""

    place: Place
    client: ServerClient = field(repr=False)
    session: Session
    salt: bytes
    policy: KdfPolicy
    recovery_seed: bytes = field(repr=False)
    account_key: Secret | None
    is_complete: bool = False


@contextmanager
def open_recovery(
    home: Home,
    place: Place,
    kit: Kit,
    *,
    account_key: Secret | None = None,
    device_name: str = "",
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> Iterator[Recovery]:
    """Log in with the recovery secret and open its slot; unless `complete_recovery` follows, that session ends again.

    The account key is the one given, else the kit's, else the one this device keeps. Raises NotLoggedInError for a
    wrong secret or account; UsageError when the kit is of another account; PolicyError, IntegrityError; and
    UntrustedKeyError when the account's keys are not those of this device's pins or of the kit.
    """
    _check_kit(place, kit)
    own = home.with_profile(place.profile)
    keys = login_keys_from_recovery(kit.recovery_secret)
    with closing(connection.connect(place.server_url, place.network, on_wait=on_wait)) as client:
        check_origin(client, place.origin)
        salt, policy = told_kdf(client, own, place)
        try:
            reply = begin_session(client, place, "recovery", keys.login_seed, device_name)
        except NotLoggedInError as error:
            error.message = "wrong account name or recovery secret"
            error.hint = "check account and server; a kit is void once a newer one was made: look for a newer file"
            raise
    slot = open_recovery_slot(keys.wrap_key, place.account, place.origin, reply.slot)
    session = session_of(place, reply, slot, device_name)
    _check_keys(own, session, kit)
    known_key = account_key or kit.account_key or load_account_key(own.account_key_file)
    with closing(connection.connect_session(session, on_wait=on_wait)) as client:
        opened = Recovery(place, client, session, salt, policy, keys.login_seed, known_key)
        try:
            yield opened
        finally:
            if not opened.is_complete:
                with suppress(MegaError):  # whether the server hears it does not matter
                    client.one_try().logout(session.session_id)


def complete_recovery(home: Home, opened: Recovery, new: Secret, kit: KitKeeper) -> Session:
    """Set the new password, replace the recovery secret, end all other sessions, and stay signed in here.

    Raises UsageError for a weak password; UnknownOutcomeError when the answer was lost: then both kits are kept. After
    any other error nothing was changed, and there is no new kit, unless its hint says that both hold.
    """
    place, session = opened.place, opened.session
    judge_password(new, place.account)
    policy = stronger(opened.policy, DEFAULT_POLICY)
    prk = password_key(new, opened.salt, place.account, place.origin, policy, opened.account_key)
    master = Master(session.master_key, session.epoch, time.time_ns() // 1_000_000)
    secret = randomness.random_bytes(RECOVERY_SECRET_BYTES)
    by_password, by_recovery = (
        password_part(place, prk, opened.salt, policy, master),
        recovery_part(place, secret, master),
    )
    request = SlotsRequest(
        account=place.account,
        key="recovery",
        kdf=kdf_of(opened.salt, policy),
        login_key=by_password.login_key,
        password_slot=by_password.slot,
        recovery_key=by_recovery.login_key,
        recovery_slot=by_recovery.slot,
    )
    kit.keep(kit_text(place.account, place.origin, secret, list(account_fingerprint(session)), opened.account_key))
    try:
        SignedChange(opened.client, place.origin, request).settle(opened.recovery_seed, by_recovery.login_seed)
    except UnknownOutcomeError as error:
        error.message += ": keep both kits, one of them is void; the same holds for the two passwords"
        error.hint = "run mega recover again with the new kit, then with the old one"
        raise
    except MegaError:
        kit.forget()
        raise
    opened.is_complete = True
    own = home.with_profile(place.profile)
    try:
        keep(own, session, AccountPin(opened.salt, policy, identity_of(session)))
    except MegaError as error:
        error.hint = f"the new password and the new kit hold all the same; go on with: {login_line(place)}"
        raise
    if opened.account_key is not None:
        save_account_key(own.account_key_file, opened.account_key)
    return session


def _check_kit(place: Place, kit: Kit) -> None:
    """Refuse a kit of another account before anything is sent. Raises UsageError."""
    if (kit.account or place.account, kit.origin or place.origin) != (place.account, place.origin):
        message = f"this is the recovery kit of {kit.account} at {kit.origin}"
        raise UsageError(message, f"mega recover {kit.account} --server {kit.origin} --kit-file FILE")


def _check_keys(own: Home, session: Session, kit: Kit) -> None:
    """Compare the opened keys with what this device and the kit know. Raises UntrustedKeyError."""
    if own.trust_file.exists():
        with closing(TrustStore(own.trust_file)) as trust:
            trust.check_account_identity(session.origin, session.account, identity_of(session))
    if kit.fingerprint_words and kit.fingerprint_words != account_fingerprint(session):
        message = "the account's keys are not those whose fingerprint stands in the recovery kit"
        hint = "nothing was changed; the server may show you another account: do not store anything there"
        raise UntrustedKeyError(message, hint)
