"""Make an account: draw its secrets, seal both slots, sign certificate and record 1, post everything at once, log in.

The server gets public keys, slots it cannot open, and an empty volume. Master key and recovery secret leave this module
only inside its result; the caller shows the kit once or writes it 0600.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from mega_cli.account import connection
from mega_cli.account.connection import Place, check_origin, place_of
from mega_cli.account.login import identity_of, keep, prove
from mega_cli.account.passwords import judge_password
from mega_cli.api.messages import KdfParameters, SignupRequest
from mega_cli.crypto import randomness
from mega_cli.crypto.keys import FIRST_EPOCH, MasterKeys
from mega_cli.crypto.passwords import (
    ALGORITHM,
    DEFAULT_POLICY,
    SECRET_BYTES,
    SERVER_SALT_BYTES,
    login_keys_from_password,
    login_keys_from_recovery,
    password_key,
)
from mega_cli.crypto.signing import public_key
from mega_cli.errors import IntegrityError
from mega_cli.formats.idcert import encode_idcert, fingerprint
from mega_cli.formats.recovery_kit import kit_text
from mega_cli.formats.root_record import FIRST_REVISION, NO_PREV, RootBody, record_header, seal_root_record
from mega_cli.formats.slot import seal_password_slot, seal_recovery_slot
from mega_cli.formats.words import fingerprint_words
from mega_cli.model import Pin, Secret
from mega_cli.state.session import Session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A new account, logged in on this device."""

    session: Session
    recovery_secret: bytes = field(repr=False)
    kit_text: str = field(repr=False)
    """The page to print; it holds the recovery secret."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The secrets of a new account."""

    server_salt: bytes
    mk: Secret
    recovery_secret: bytes = field(repr=False)


def signup(
    home: Home,
    server_url: str,
    account: str,
    password: Secret,
    *,
    invite: str = "",
    device_name: str = "",
    insecure_http: bool = False,
) -> SignedUp:
    """Make an account and log in; its profile becomes the current one.

    Raises UsageError for a bad name or a weak password, PermissionRefusedError when the server takes no new accounts,
    MegaError when the name is taken.
    """
    place = place_of(account, server_url, "", insecure_http=insecure_http)
    judge_password(password, account)
    drawn = _Drawn(
        randomness.random_bytes(SERVER_SALT_BYTES),
        Secret(randomness.random_bytes(SECRET_BYTES)),
        randomness.random_bytes(SECRET_BYTES),
    )
    own = home.with_profile(place.profile)
    client = connection.connect(place.server_url, insecure_http=insecure_http)
    try:
        check_origin(client, place.origin)
        prk = password_key(password, drawn.server_salt, account, place.origin, DEFAULT_POLICY)
        request = _request(place, drawn, prk, invite)
        client.signup(request)
        session = prove(client, place, prk, drawn.server_salt, DEFAULT_POLICY, device_name=device_name)
    finally:
        client.close()
    if session.master_key != drawn.mk or session.epoch != FIRST_EPOCH:
        raise IntegrityError
    keep(own, session, AccountPin(drawn.server_salt, DEFAULT_POLICY, identity_of(session)))
    _pin_first(own, session, request.root_record)
    words = fingerprint_words(fingerprint(request.idcert))
    return SignedUp(session, drawn.recovery_secret, kit_text(account, place.origin, drawn.recovery_secret, words))


def _request(place: Place, drawn: _Drawn, prk: Secret, invite: str) -> SignupRequest:
    """Seal and sign everything the server is to keep."""
    by_password = login_keys_from_password(prk)
    by_recovery = login_keys_from_recovery(drawn.recovery_secret)
    created_ms = time.time_ns() // 1_000_000
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
        kdf=KdfParameters(
            algorithm=ALGORITHM,
            server_salt=drawn.server_salt,
            passes=DEFAULT_POLICY.passes,
            memory_bytes=DEFAULT_POLICY.memory_bytes,
        ),
        login_key=public_key(by_password.login_seed),
        recovery_key=public_key(by_recovery.login_seed),
        password_slot=seal_password_slot(
            by_password.wrap_key,
            place.account,
            place.origin,
            drawn.server_salt,
            DEFAULT_POLICY,
            drawn.mk,
            FIRST_EPOCH,
            created_ms,
        ),
        recovery_slot=seal_recovery_slot(
            by_recovery.wrap_key, place.account, place.origin, drawn.mk, FIRST_EPOCH, created_ms
        ),
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
