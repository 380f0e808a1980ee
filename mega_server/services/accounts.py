"""Signup, reserved names, the answer to "how do I derive my key", and what an account sees of itself.

It never learns a password or a key. An unknown account must not be told from a known one anywhere but at signup.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from sqlalchemy import Connection

from mega_server.config import Signup
from mega_server.database import accounts, volumes
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.limits import IDCERT_MOST_BYTES, MIB, SLOT_BYTES
from mega_server.protocol.messages import AccountInfo, KdfParameters, SignupRequest, VolumeInfo
from mega_server.protocol.record_header import RecordHeader
from mega_server.refusal import RefusedError, refuse
from mega_server.services.backend import Backend
from mega_server.services.commits import checked_record

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# `me` is a path of its own: /v1/accounts/me.
_TAKEN_BY_ROUTES = frozenset({"me"})
_ALGORITHM = "argon2id"
_PASSES = range(3, 17)
_MEMORY_BYTES = range(64 * MIB, 1024 * MIB + 1)
_KEY_BYTES = 32
CODE_LIFE_MS = 7 * 24 * 3_600_000


def check_account_name(text: str) -> None:
    """Refuse what no account can be called, before anything is kept. Raises RefusedError: bad_request."""
    if _ACCOUNT.fullmatch(text) is None or text in _TAKEN_BY_ROUTES:
        refuse("a name is 1 to 63 of a-z 0-9 . _ - and begins with a letter or digit; `me` is taken")


def kdf_parameters(backend: Backend, account: str) -> KdfParameters:
    """Answer an account's salt and parameters, or, for an unknown one, what it might have had: the same every time."""
    with backend.database.reading() as connection:
        row = accounts.account_row(connection, account)
    fake_salt = hmac.digest(backend.secret, b"server salt\0" + account.encode(), hashlib.sha256)
    if row is None:
        # Every client so far signs up with this one pair, so it is what an account looks like.
        return KdfParameters(algorithm=_ALGORITHM, server_salt=fake_salt, passes=3, memory_bytes=256 * MIB)
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
        if row is not None:
            if _is_same_signup(connection, message, header):
                return
            raise RefusedError(ErrorCode.ACCOUNT_EXISTS, "an account of this name exists")
        _use_invitation(connection, backend.config.signup, message, now)
        if volumes.has_volume(connection, header.volume):
            refuse("this volume exists")
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
                "quota_bytes": backend.config.quota_bytes,
                "used_bytes": 0,
                "created": now,
            },
        )
        volumes.add_volume(connection, message.account, header)
        volumes.add_record(connection, header, message.root_record, now)


def account_info(backend: Backend, account: str) -> AccountInfo:
    """Say what an account may store, what it stores, and how far its volumes are."""
    with backend.database.reading() as connection:
        row = accounts.account_row(connection, account)
        rows = volumes.volume_rows(connection, account)
    assert row is not None, "a session belongs to an account"
    return AccountInfo(
        account=account,
        quota_bytes=row.quota_bytes,
        used_bytes=row.used_bytes,
        volumes=[VolumeInfo(volume=volume.volume.hex(), revision=volume.revision) for volume in rows],
    )


def reserve_name(backend: Backend, account: str) -> str:
    """Keep a name for whoever brings the code that is returned: once, within seven days.

    Raises RefusedError: bad_request for a name that cannot be, account_exists.
    """
    check_account_name(account)
    code = secrets.token_urlsafe(20)
    with backend.database.writing() as connection:
        if accounts.account_row(connection, account) is not None:
            raise RefusedError(ErrorCode.ACCOUNT_EXISTS, "an account of this name exists")
        accounts.put_signup_code(connection, account, _code_hash(code), backend.clock() + CODE_LIFE_MS)
    return code


def _check_shape(message: SignupRequest) -> None:
    kdf = message.kdf
    check_account_name(message.account)
    if kdf.algorithm != _ALGORITHM or kdf.passes not in _PASSES or kdf.memory_bytes not in _MEMORY_BYTES:
        refuse("the key derivation must be argon2id, 3 to 16 passes, 64 MiB to 1 GiB")
    if {len(kdf.server_salt), len(message.login_key), len(message.recovery_key)} != {_KEY_BYTES}:
        refuse("salt and login keys are 32 bytes each")
    if {len(message.password_slot), len(message.recovery_slot)} != {SLOT_BYTES}:
        refuse(f"a slot is {SLOT_BYTES} bytes")
    if not 1 <= len(message.idcert) <= IDCERT_MOST_BYTES:
        refuse(f"an identity certificate is at most {IDCERT_MOST_BYTES} bytes")


def _is_same_signup(connection: Connection, message: SignupRequest, header: RecordHeader) -> bool:
    """Tell a request sent again after a lost reply from another person's: only the first has signed the same record."""
    row = accounts.account_row(connection, message.account)
    return (
        row is not None
        and row.login_key == message.login_key
        and row.recovery_key == message.recovery_key
        and row.password_slot == message.password_slot
        and volumes.volume_row(connection, header.volume, message.account) is not None
        and volumes.record_at(connection, header.volume, 1) == message.root_record
    )


def _use_invitation(connection: Connection, policy: Signup, message: SignupRequest, now: int) -> None:
    """Let a signup pass, using its code up. A reserved name needs its code whatever the policy is."""
    row = accounts.signup_code_row(connection, message.account)
    is_reserved = row is not None and row.expires > now
    if not is_reserved and policy is Signup.OPEN:
        return
    if row is None or not is_reserved or not hmac.compare_digest(row.code_hash, _code_hash(message.invite)):
        raise RefusedError(
            ErrorCode.SIGNUP_REFUSED, "this server takes new accounts only with a code from its administrator"
        )
    accounts.drop_signup_code(connection, message.account)


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
