"""What a logged-in device does with its session: open the volume, ask about the account, log out."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from mega_cli.account import connection
from mega_cli.account.connection import Place, place_of
from mega_cli.account.login import identity_of
from mega_cli.account.pace import limit_path
from mega_cli.api.client import ServerClient
from mega_cli.api.pace import Pace
from mega_cli.crypto.content import chunk_index_key
from mega_cli.crypto.keys import MasterKeys
from mega_cli.errors import (
    IntegrityError,
    NotInitialisedError,
    NotLoggedInError,
    SafetyStopError,
    TemporaryError,
    UntrustedKeyError,
)
from mega_cli.formats.idcert import encode_idcert, fingerprint
from mega_cli.formats.words import fingerprint_words
from mega_cli.model import Network
from mega_cli.state.account_key import erase_account_key
from mega_cli.state.index import ContentIndex
from mega_cli.state.limit_file import erase_limit
from mega_cli.state.pages import PageCache
from mega_cli.state.rebuildable import delete_database
from mega_cli.state.session import Session, erase_session, load_session
from mega_cli.state.trust import TrustStore
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home
from mega_cli.volume.progress import Progress, SilentProgress
from mega_cli.volume.session import Device, Owner, VolumeSession


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """What `mega whoami` shows. Quota and used bytes are what the server says."""

    account: str
    origin: str
    server_url: str
    device_name: str
    quota_bytes: int
    used_bytes: int
    fingerprint_words: tuple[str, ...]
    """Twelve words, as in the recovery kit."""


def open_session(home: Home) -> Session:
    """Read the current profile's session. Raises NotInitialisedError, NotLoggedInError."""
    return load_session(home.session_file)


def known_account(home: Home) -> tuple[str, str]:
    """Give origin and name of the account that logged in here last. Raises NotInitialisedError when there was none."""
    if not home.folder.is_dir() or not home.trust_file.exists():  # opening it would make an empty one
        raise NotInitialisedError("this device knows no account", "mega login --help")
    trust = TrustStore(home.trust_file)
    try:
        known = trust.known_accounts()
    finally:
        trust.close()
    if not known:
        raise NotInitialisedError("this device knows no account", "mega login --help")
    return known[0]


def known_place(home: Home, connect_to: str, network: Network) -> Place:
    """Give the account that logged in here last, reached as its session is but for what is named. Raises as above.

    A signed-out device has no session to go by.
    """
    origin, account = known_account(home)
    try:
        session = open_session(home)
    except NotLoggedInError:
        return place_of(account, origin, connect_to, network)
    kept = session.network
    # Consent to plain http was given for one address.
    is_plain = network.insecure_http or (kept.insecure_http and not connect_to)
    network = Network(is_plain, network.ca_file or kept.ca_file, network.proxy or kept.proxy)
    return place_of(account, origin, connect_to or session.server_url, network)


def open_volume(home: Home, progress: Progress | None = None, pace: Pace | None = None) -> VolumeSession:
    """Open the account's home volume; nothing is sent yet. Close it when done. `pace` limits what moves.

    Raises as `open_session`; SafetyStopError when the file of pins is gone; UntrustedKeyError when the session's keys
    are not the pinned ones.
    """
    session = open_session(home)
    keys = MasterKeys(session.master_key, session.epoch)
    trust = TrustStore(home.trust_file)
    try:
        check_identity(trust, session)
        return VolumeSession(
            client=connection.connect_session(session, on_wait=(progress or SilentProgress()).waiting, pace=pace),
            keys=keys.volume_keys(),
            trust=trust,
            pages=PageCache(home.pages_file),
            index=ContentIndex(home.index_file),
            device=Device(session.device_id, SystemClock().now_ms),
            owner=Owner(session.origin, session.account),
            index_key=chunk_index_key(keys.local_key),
        )
    except BaseException:
        trust.close()
        raise


def account_info(session: Session, progress: Progress | None = None) -> AccountSummary:
    """Ask the server about the account. Raises IntegrityError when it speaks of another one."""
    client = _client(session, progress)
    try:
        told = client.me()
    finally:
        client.close()
    if told.account != session.account:
        raise IntegrityError
    return AccountSummary(
        account=session.account,
        origin=session.origin,
        server_url=session.server_url,
        device_name=session.device_name,
        quota_bytes=told.quota_bytes,
        used_bytes=told.used_bytes,
        fingerprint_words=account_fingerprint(session),
    )


def account_fingerprint(session: Session) -> tuple[str, ...]:
    """Give the twelve words that the recovery kit shows as well: the account's keys, as this device derives them."""
    idcert = encode_idcert(MasterKeys(session.master_key, session.epoch), session.account, session.origin)
    return tuple(fingerprint_words(fingerprint(idcert)))


def logout(home: Home, progress: Progress | None = None) -> None:
    """End the session at the server and erase everything on this device that opens content; the pins stay.

    The device forgets even when the server cannot be told: then it raises TemporaryError, and the session at the
    server lasts until it is ended from another device. Raises as `open_session`.
    """
    session = open_session(home)
    client = _client(session, progress)
    try:
        client.logout(session.session_id)
    except TemporaryError as error:
        error.hint = "this device holds no key any more; its session at the server ends after 180 days without use"
        raise
    finally:
        client.close()
        _forget_keys(home)


def forget_account(home: Home) -> None:
    """Erase everything this device keeps of an account that is gone, but for the pins."""
    _forget_keys(home)
    erase_account_key(home.account_key_file)
    erase_limit(limit_path(home))
    delete_database(home.posted_file)
    delete_database(home.pages_file)
    shutil.rmtree(home.sync_folder, ignore_errors=True)  # names and hashes of what was synced; the folders stay


def _forget_keys(home: Home) -> None:
    erase_session(home.session_file)
    delete_database(home.index_file)


def _client(session: Session, progress: Progress | None) -> ServerClient:
    return connection.connect_session(session, on_wait=(progress or SilentProgress()).waiting)


def check_identity(trust: TrustStore, session: Session) -> None:
    """Require the pin that login wrote: without it a server could show an old state, so its loss is not made good."""
    pinned = trust.account_pin(session.origin, session.account)
    if pinned is None:
        message = "the pins of this account are gone from this device"
        again = f"mega logout, then: mega login {session.account} --server {session.origin}"
        raise SafetyStopError(message, f"restore trust.db from a backup, or start again: {again}")
    if pinned.identity != identity_of(session):
        message = "the keys in the session file are not the ones this device knows"
        raise UntrustedKeyError(message, "nothing was sent; log in again: mega login")
