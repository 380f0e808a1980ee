"""Log in: parameters judged first, then the password stretched, then a signature, then the slot opened here.

Nothing decrypted is ever sent back (attacks.md T01). The server's parameters are refused before the password is used at
all; salt, floor and identity are compared with what the first login on this device fixed.
"""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Callable
from contextlib import closing
from typing import Final

from mega_cli.account import connection
from mega_cli.account.connection import Place, check_origin, place_of
from mega_cli.account.passwords import check_length
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import (
    DEVICE_NAME_CHARS,
    DeleteRequest,
    LoginReply,
    LoginRequest,
    SignedRequest,
    SlotsRequest,
    signed_request,
)
from mega_cli.crypto import labels, randomness
from mega_cli.crypto.keys import MasterKeys
from mega_cli.crypto.passwords import SERVER_SALT_BYTES, check_policy, login_keys_from_password, password_key
from mega_cli.crypto.signing import sign
from mega_cli.errors import IntegrityError, NotLoggedInError, PolicyError
from mega_cli.formats.slot import Slot, open_password_slot
from mega_cli.model import KdfPolicy, Network, Secret
from mega_cli.state.account_key import load_account_key, save_account_key
from mega_cli.state.session import Session, save_session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
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
    """Log in as `login_at` does, at the server and the account that the user named.

    `connect_to` reaches the origin `server_url` at another address.
    """
    place = place_of(account, server_url, connect_to, network)
    return login_at(home, place, password, device_name=device_name, on_wait=on_wait)


def login_at(
    home: Home,
    place: Place,
    password: Secret,
    *,
    account_key: Secret | None = None,
    device_name: str = "",
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> Session:
    """Log in with the password and keep the session under the account's profile, which becomes the current one.

    The account key is the one given, which is kept with the profile, or else the one kept there. Raises
    NotLoggedInError, the same for an unknown account, a wrong password and a wrong account key; PolicyError before the
    password is used; IntegrityError for a mauled slot; UntrustedKeyError when the account's keys are not the ones this
    device knows.
    """
    check_length(password)
    own = home.with_profile(place.profile)
    known_key = account_key or load_account_key(own.account_key_file)
    with closing(connection.connect(place.server_url, place.network, on_wait=on_wait)) as client:
        check_origin(client, place.origin)
        salt, policy = told_kdf(client, own, place)
        prk = password_key(password, salt, place.account, place.origin, policy, known_key)
        try:
            session = prove(client, place, prk, salt, policy, device_name=device_name)
        except NotLoggedInError as error:
            error.hint = _REFUSED_HINT
            if known_key is not None and account_key is None:
                path = shlex.quote(str(own.account_key_file))
                error.hint = f"check the password; if a recovery made this device's account key void: rm {path}"
            raise
    keep(own, session, AccountPin(salt, policy, identity_of(session)))
    if account_key is not None:
        save_account_key(own.account_key_file, account_key)
    return session


_REFUSED_HINT: Final = (
    "check account, server and password; if the account was made with --account-key, this device needs that key too: "
    "add --account-key-file FILE (the recovery kit holds it)"
)

PRESENT_HINT: Final = (
    "check the password; if the account has an account key that this device lacks: "
    "mega login --account-key-file FILE (the recovery kit holds it)"
)


def prove(
    client: ServerClient, place: Place, prk: Secret, salt: bytes, policy: KdfPolicy, *, device_name: str
) -> Session:
    """Sign a challenge, and open the slot that comes back. Sends nothing afterwards, whatever the slot holds."""
    keys = login_keys_from_password(prk)
    reply = begin_session(client, place, "password", keys.login_seed, device_name)
    slot = open_password_slot(keys.wrap_key, place.account, place.origin, salt, policy, reply.slot)
    return session_of(place, reply, slot, device_name)


def begin_session(client: ServerClient, place: Place, key: str, login_seed: bytes, device_name: str) -> LoginReply:
    """Log in with the key that `key` names, `password` or `recovery`; the slot in the answer is unopened."""
    message = LoginRequest(account=place.account, key=key, device_name=device_label(device_name))
    attempt, proof = signed(client, place.origin, message, login_seed)
    reply = client.login(attempt.body, proof)
    if not _TOKEN.fullmatch(reply.token) or not SESSION_ID.fullmatch(reply.session_id):
        raise IntegrityError
    return reply


def signed(
    client: ServerClient, origin: str, message: LoginRequest | SlotsRequest | DeleteRequest, login_seed: bytes
) -> tuple[SignedRequest, str]:
    """Ask for a challenge and sign the message with it; give the message laid out, and its proof."""
    request = signed_request(
        message,
        origin=origin,
        server_nonce=client.challenge(message.account),
        client_nonce=randomness.random_bytes(_NONCE_BYTES),
    )
    return request, request.proof(sign(login_seed, labels.SIGN_LOGIN, request.to_sign))


def session_of(place: Place, reply: LoginReply, slot: Slot, device_name: str) -> Session:
    """Put together what a logged-in device keeps, with a device id of its own."""
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


def told_kdf(client: ServerClient, own: Home, place: Place) -> tuple[bytes, KdfPolicy]:
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
