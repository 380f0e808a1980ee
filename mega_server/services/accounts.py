"""Signup, the answer to "how do I derive my key", and what an account sees of itself.

It never learns a password or a key. An unknown account must not be told from a known one anywhere but at signup.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from sqlalchemy import Connection, Row

from mega_server.database import accounts, volumes
from mega_server.database.doomed import is_doomed
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import IDCERT_MOST_BYTES, MIB
from mega_server.protocol.messages import AccountInfo, KdfParameters, SignupRequest, VolumeInfo
from mega_server.protocol.record_header import RecordHeader
from mega_server.refusal import RefusedError, refuse
from mega_server.services.account_rules import ALGORITHM, check_account_name, check_kdf, check_lengths
from mega_server.services.backend import Backend
from mega_server.services.commits import checked_record
from mega_server.services.invites import account_exists, use_code
from mega_server.services.logins import session_ended


def kdf_parameters(backend: Backend, account: str) -> KdfParameters:
    """Answer an account's salt and parameters, or, for an unknown one, what it might have had: the same every time."""
    with backend.database.reading() as connection:
        row = accounts.account_row(connection, account)
    fake_salt = hmac.digest(backend.secret, b"server salt\0" + account.encode(), hashlib.sha256)
    if row is None:
        # Every client so far signs up with this one pair, so it is what an account looks like.
        return KdfParameters(algorithm=ALGORITHM, server_salt=fake_salt, passes=3, memory_bytes=256 * MIB)
    return KdfParameters(
        algorithm=row.algorithm, server_salt=row.server_salt, passes=row.passes, memory_bytes=row.memory_bytes
    )


def signup(backend: Backend, message: SignupRequest) -> None:
    """Make an account with its volume and record 1, all or nothing; the same request again is a success.

    Raises RefusedError: bad_request, signup_refused, account_exists.
    """
    _check_shape(message)
    header = checked_record(message.root_record)
    if header.revision != 1 or header.prev != bytes(32):
        refuse("a new account begins with revision 1")
    now = backend.clock()
    with backend.database.writing() as connection:
        row = accounts.account_row(connection, message.account)
        if row is not None and _is_same_signup(connection, row, message, header):
            return
        # Before anything is said of the name: only who may make accounts learns which ones there are.
        quota_bytes = use_code(backend, connection, message.account, message.invite)
        if row is not None:
            raise account_exists()
        if volumes.has_volume(connection, header.volume):
            refuse("this volume exists")
        if is_doomed(connection, header.volume):
            raise RefusedError(ErrorCode.UNAVAILABLE, "what a deleted account kept in this volume is being removed")
        accounts.add_account(
            connection,
            {
                "account": message.account,
                "algorithm": message.kdf.algorithm,
                "server_salt": message.kdf.server_salt,
                "passes": message.kdf.passes,
                "memory_bytes": message.kdf.memory_bytes,
                "login_key": message.login_key,
                "recovery_key": message.recovery_key,
                "password_slot": message.password_slot,
                "recovery_slot": message.recovery_slot,
                "idcert": message.idcert,
                "quota_bytes": quota_bytes,
                "used_bytes": 0,
                "created": now,
            },
        )
        volumes.add_volume(connection, message.account, header)
        volumes.add_record(connection, header, message.root_record, now)


def account_info(backend: Backend, account: str) -> AccountInfo:
    """Say what an account may store, what it stores, and how far its volumes are.

    Raises RefusedError: unauthorized when the account was deleted since its session was looked at.
    """
    with backend.database.reading() as connection:
        row = accounts.account_row(connection, account)
        rows = volumes.volume_rows(connection, account)
    if row is None:
        raise session_ended()
    return AccountInfo(
        account=account,
        quota_bytes=row.quota_bytes,
        used_bytes=row.used_bytes,
        volumes=[VolumeInfo(volume=volume.volume.hex(), revision=volume.revision) for volume in rows],
    )


def _check_shape(message: SignupRequest) -> None:
    check_account_name(message.account)
    check_kdf(message.kdf)
    check_lengths([message.login_key, message.recovery_key], [message.password_slot, message.recovery_slot])
    if not 1 <= len(message.idcert) <= IDCERT_MOST_BYTES:
        refuse(f"an identity certificate is at most {IDCERT_MOST_BYTES} bytes")


def _is_same_signup(connection: Connection, row: Row[Any], message: SignupRequest, header: RecordHeader) -> bool:
    """Tell a request sent again after a lost reply from another person's: only the first has signed the same record."""
    return (
        row.login_key == message.login_key
        and row.recovery_key == message.recovery_key
        and row.password_slot == message.password_slot
        and volumes.volume_row(connection, header.volume, message.account) is not None
        and volumes.record_at(connection, header.volume, 1) == message.root_record
    )
