"""Make an account: draw its secrets, seal both slots, sign certificate and record 1, post everything at once, log in.

The server gets public keys, slots it cannot open, and an empty volume. The recovery kit is on the disk before anything
is posted, and is taken away only when the server has refused: no account exists whose kit was lost. Posting the same
request again is safe, so a signup that was cut may be completed later.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, Protocol

from mega_cli.account import connection
from mega_cli.account.connection import Place, check_origin, place_of
from mega_cli.account.login import identity_of, keep, prove
from mega_cli.account.passwords import judge_password
from mega_cli.account.slots import Master, kdf_of, password_part, recovery_part
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import ErrorCode, SignupRequest
from mega_cli.crypto import randomness
from mega_cli.crypto.keys import FIRST_EPOCH, MasterKeys
from mega_cli.crypto.passwords import DEFAULT_POLICY, SECRET_BYTES, SERVER_SALT_BYTES, password_key
from mega_cli.errors import IntegrityError, MegaError, PermissionRefusedError, SafetyStopError, TemporaryError
from mega_cli.formats.idcert import encode_idcert, fingerprint
from mega_cli.formats.recovery_kit import kit_text
from mega_cli.formats.root_record import FIRST_REVISION, NO_PREV, RootBody, record_header, seal_root_record
from mega_cli.formats.words import fingerprint_words
from mega_cli.model import Network, Pin, Secret
from mega_cli.state.account_key import save_account_key
from mega_cli.state.session import Session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home

_ID_BYTES: Final = 16


class KitKeeper(Protocol):
    """Where the recovery kit goes."""

    def keep(self, kit_text: str) -> None:
        """Store the kit durably, for its owner alone. Raises when it cannot: then no account is made."""

    def forget(self) -> None:
        """Take it away again: the server refused, so it is the kit of no account."""


@dataclass(frozen=True, slots=True)
class PreparedSignup:
    """An account that is not made yet."""

    place: Place
    request: SignupRequest = field(repr=False)
    kit_text: str = field(repr=False)
    """The page to print; it holds the recovery secret."""
    prk: Secret | None = field(default=None, repr=False)
    """The stretched password; None when it was prepared by an earlier run."""
    account_key: Secret | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The secrets of a new account, and its salt."""

    server_salt: bytes
    mk: Secret
    recovery_secret: bytes = field(repr=False)


def prepare_signup(
    server_url: str,
    account: str,
    password: Secret,
    *,
    invite: str = "",
    has_account_key: bool = False,
    network: Network | None = None,
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> PreparedSignup:
    """Draw and seal everything for a new account, after a look at the server; nothing is posted and nothing kept.

    With an account key, the password alone opens nothing: devices keep the key, and the kit shows it.
    Raises UsageError for a bad name or a weak password, PolicyError when the server's accounts belong elsewhere.
    """
    place = place_of(account, server_url, network=network)
    judge_password(password, account)
    with closing(connection.connect(place.server_url, place.network, on_wait=on_wait)) as client:
        check_origin(client, place.origin)
    drawn = _Drawn(
        randomness.random_bytes(SERVER_SALT_BYTES),
        Secret(randomness.random_bytes(SECRET_BYTES)),
        randomness.random_bytes(SECRET_BYTES),
    )
    account_key = Secret(randomness.random_bytes(SECRET_BYTES)) if has_account_key else None
    prk = password_key(password, drawn.server_salt, account, place.origin, DEFAULT_POLICY, account_key)
    request = _request(place, drawn, prk, invite)
    words = fingerprint_words(fingerprint(request.idcert))
    text = kit_text(account, place.origin, drawn.recovery_secret, words, account_key)
    return PreparedSignup(place, request, text, prk, account_key)


def complete_signup(
    home: Home,
    prepared: PreparedSignup,
    password: Secret,
    kit: KitKeeper,
    *,
    device_name: str = "",
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> Session:
    """Keep the kit, make the account, log in; its profile becomes the current one. May be repeated after a failure.

    The kit stays when the account may exist, and the error's hint says how to go on. Raises PermissionRefusedError when
    the server takes no new accounts, MegaError when the name is taken, SafetyStopError when this device remembers
    another account of that name there: then there is no kit either.
    """
    place, request = prepared.place, prepared.request
    own = home.with_profile(place.profile)
    _refuse_second_account(own, prepared)
    kit.keep(prepared.kit_text)
    with closing(connection.connect(place.server_url, place.network, on_wait=on_wait)) as client:
        _post(client, prepared, kit)
        try:
            salt = request.kdf.server_salt
            prk = prepared.prk or password_key(
                password, salt, place.account, place.origin, DEFAULT_POLICY, prepared.account_key
            )
            session = prove(client, place, prk, salt, DEFAULT_POLICY, device_name=device_name)
            if (
                encode_idcert(MasterKeys(session.master_key, session.epoch), place.account, place.origin)
                != request.idcert
            ):
                raise IntegrityError
            keep(own, session, AccountPin(salt, DEFAULT_POLICY, identity_of(session)))
            _pin_first(own, session, request.root_record)
            if prepared.account_key is not None:
                save_account_key(own.account_key_file, prepared.account_key)
        except MegaError as error:
            error.hint = f"the account is made and its recovery kit kept; go on with: {login_line(place)}"
            raise
    return session


def _refuse_second_account(own: Home, prepared: PreparedSignup) -> None:
    """Stop before anything is posted when the pins of an earlier account would lock this device out of the new one."""
    if not own.trust_file.exists():
        return
    trust = TrustStore(own.trust_file)
    try:
        pinned = trust.account_pin(prepared.place.origin, prepared.place.account)
    finally:
        trust.close()
    if pinned is not None and pinned.server_salt != prepared.request.kdf.server_salt:
        raise SafetyStopError(
            f"this device remembers another account {prepared.place.account} at {prepared.place.origin}",
            f"to use it: {login_line(prepared.place)}   if it is gone for good: rm {shlex.quote(str(own.trust_file))}",
        )


def login_line(place: Place) -> str:
    """Write the command that logs in to an account."""
    words = ["mega", "login", place.account, "--server", place.origin, *network_words(place.network)]
    return shlex.join(words)


def network_words(network: Network) -> list[str]:
    """Write the options that lead over the same network again."""
    words = ["--insecure-http"] if network.insecure_http else []
    words += ["--ca-file", network.ca_file] if network.ca_file else []
    return [*words, "--proxy", network.proxy] if network.proxy else words


_REFUSALS: Final = (
    ErrorCode.ACCOUNT_EXISTS,
    ErrorCode.BAD_REQUEST,
    ErrorCode.FORBIDDEN,
    ErrorCode.SIGNUP_REFUSED,
    ErrorCode.UNSUPPORTED_VERSION,
)
"""Answers that say for certain that no account was made; after any other the kit stays."""


def _post(client: ServerClient, prepared: PreparedSignup, kit: KitKeeper) -> None:
    """Post the account; tell an answer that refuses it from none, or one that cannot be read."""
    try:
        client.signup(prepared.request)
    except (TemporaryError, IntegrityError) as error:
        error.hint = f"the account may have been made, so its recovery kit is kept; see: {login_line(prepared.place)}"
        raise
    except MegaError as error:
        if error.details.get("code") in _REFUSALS:
            kit.forget()
        if error.details.get("code") == ErrorCode.ACCOUNT_EXISTS:
            error.hint = f"choose another name; or, if it is yours: {login_line(prepared.place)}"
        elif isinstance(error, PermissionRefusedError):
            error.hint = (
                "the code is unknown, used up or out of date: ask its administrator for another"
                if prepared.request.invite
                else "ask its administrator for a code (mega-server invite), then add: --invite-file FILE"
            )
        raise


def _request(place: Place, drawn: _Drawn, prk: Secret, invite: str) -> SignupRequest:
    """Seal and sign everything the server is to keep."""
    created_ms = time.time_ns() // 1_000_000
    master = Master(drawn.mk, FIRST_EPOCH, created_ms)
    by_password = password_part(place, prk, drawn.server_salt, DEFAULT_POLICY, master)
    by_recovery = recovery_part(place, drawn.recovery_secret, master)
    keys = MasterKeys(drawn.mk, FIRST_EPOCH)
    empty = RootBody(
        root=None,
        time_ms=created_ms,
        device_id=randomness.random_bytes(_ID_BYTES),
        device_seq=1,
        commit_nonce=randomness.random_bytes(_ID_BYTES),
    )
    return SignupRequest(
        account=place.account,
        kdf=kdf_of(drawn.server_salt, DEFAULT_POLICY),
        login_key=by_password.login_key,
        recovery_key=by_recovery.login_key,
        password_slot=by_password.slot,
        recovery_slot=by_recovery.slot,
        idcert=encode_idcert(keys, place.account, place.origin),
        root_record=seal_root_record(keys.volume_keys(), FIRST_REVISION, NO_PREV, empty),
        invite=invite,
    )


def _pin_first(own: Home, session: Session, record: bytes) -> None:
    """Pin revision 1, so that not even the first answer of the server is taken on trust."""
    header = record_header(record)
    trust = TrustStore(own.trust_file)
    try:
        pin = Pin(header.revision, header.digest)
        trust.raise_pin(session.origin, session.account, header.volume, header.epoch, [pin])
    finally:
        trust.close()
