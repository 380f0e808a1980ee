"""Log in: parameters judged first, then the password stretched, then a signature, then the slot opened here.

Nothing decrypted is ever sent back (attacks.md T01). The server's parameters are refused before the password is used at
all; salt, floor and identity are compared with what the first login on this device fixed.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from typing import Final

from mega_cli.account import connection
from mega_cli.account.connection import Place, check_origin, place_of
from mega_cli.account.passwords import check_length
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import DEVICE_NAME_CHARS, login_attempt
from mega_cli.crypto import labels, randomness
from mega_cli.crypto.keys import MasterKeys
from mega_cli.crypto.passwords import SERVER_SALT_BYTES, check_policy, login_keys_from_password, password_key
from mega_cli.crypto.signing import sign
from mega_cli.errors import IntegrityError, PolicyError
from mega_cli.formats.slot import open_password_slot
from mega_cli.model import KdfPolicy, Network, Secret
from mega_cli.state.session import Session, save_session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NONCE_BYTES: Final = 32
_DEVICE_BYTES: Final = 16


def login(
    home: Home,
    server_url: str,
    account: str,
    password: Secret,
    *,
    device_name: str = "",
    connect_to: str = "",
    network: Network | None = None,
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> Session:
    """Log in with the password and keep the session under the account's profile, which becomes the current one.

    `connect_to` reaches the origin `server_url` at another address. Raises NotLoggedInError, the same for an unknown
    account and a wrong password; PolicyError before the password is used; IntegrityError for a mauled slot;
    UntrustedKeyError when the account's keys are not the ones this device knows.
    """
    place = place_of(account, server_url, connect_to, network)
    check_length(password)
    own = home.with_profile(place.profile)
    client = connection.connect(place.server_url, place.network, on_wait=on_wait)
    try:
        check_origin(client, place.origin)
        salt, policy = _kdf(client, own, place)
        prk = password_key(password, salt, account, place.origin, policy)
        session = prove(client, place, prk, salt, policy, device_name=device_name)
    finally:
        client.close()
    keep(own, session, AccountPin(salt, policy, identity_of(session)))
    return session


def prove(
    client: ServerClient, place: Place, prk: Secret, salt: bytes, policy: KdfPolicy, *, device_name: str
) -> Session:
    """Sign a challenge, and open the slot that comes back. Sends nothing afterwards, whatever the slot holds."""
    keys = login_keys_from_password(prk)
    attempt = login_attempt(
        origin=place.origin,
        account=place.account,
        device_name=device_label(device_name),
        server_nonce=client.challenge(place.account),
        client_nonce=randomness.random_bytes(_NONCE_BYTES),
    )
    reply = client.login(attempt.body, attempt.proof(sign(keys.login_seed, labels.SIGN_LOGIN, attempt.to_sign)))
    if not _TOKEN.fullmatch(reply.token) or not _SESSION_ID.fullmatch(reply.session_id):
        raise IntegrityError
    slot = open_password_slot(keys.wrap_key, place.account, place.origin, salt, policy, reply.slot)
    return Session(
        account=place.account,
        origin=place.origin,
        server_url=place.server_url,
        token=Secret(reply.token.encode()),
        session_id=reply.session_id,
        master_key=slot.mk,
        epoch=slot.epoch,
        device_id=randomness.random_bytes(_DEVICE_BYTES),
        device_name=device_label(device_name),
        network=place.network,
    )


def keep(own: Home, session: Session, seen: AccountPin) -> None:
    """Fix or compare the account's pin, and only then keep the session. Raises PolicyError, UntrustedKeyError."""
    trust = TrustStore(own.trust_file)
    try:
        trust.pin_account(session.origin, session.account, seen)
    finally:
        trust.close()
    save_session(own.session_file, session)
    own.make_current()


def identity_of(session: Session) -> bytes:
    """Give the account's public Ed25519 identity key."""
    return MasterKeys(session.master_key, session.epoch).identity_sign_public


def device_label(device_name: str) -> str:
    """Give the name a device goes by at the server: printable and of at most 100 characters; the host's by default."""
    return "".join(char for char in device_name or platform.node() if char.isprintable())[:DEVICE_NAME_CHARS]


def _kdf(client: ServerClient, own: Home, place: Place) -> tuple[bytes, KdfPolicy]:
    """Ask how the password is stretched, and refuse what is too weak, too strong or not as before."""
    told = client.kdf(place.account)
    if len(told.server_salt) != SERVER_SALT_BYTES:
        message = "the server sent a password salt of a wrong length"
        raise PolicyError(message, "the password was not used; ask the server's administrator")
    policy = check_policy(told.algorithm, told.passes, told.memory_bytes)
    if own.trust_file.exists():
        trust = TrustStore(own.trust_file)
        try:
            trust.check_kdf(place.origin, place.account, told.server_salt, policy)
        finally:
            trust.close()
    return told.server_salt, policy
