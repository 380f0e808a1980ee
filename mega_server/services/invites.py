"""Who may make an account: reserved names, invites, and the server's policy.

A code works once and is kept as SHA-256 only. It never reaches a log; it is printed by the command that makes it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection

from mega_server.config import Signup
from mega_server.database import accounts, invites
from mega_server.protocol.errors import ErrorCode
from mega_server.refusal import RefusedError
from mega_server.services.account_rules import check_account_name
from mega_server.services.backend import Backend

CODE_LIFE_S = 7 * 24 * 3_600
_CODE_BYTES = 20


def reserve_name(backend: Backend, account: str) -> str:
    """Keep a name for whoever brings the code that is returned: once, within seven days.

    Raises RefusedError: bad_request for a name that cannot be, account_exists.
    """
    check_account_name(account)
    code = secrets.token_urlsafe(_CODE_BYTES)
    with backend.database.writing() as connection:
        if accounts.account_row(connection, account) is not None:
            raise account_exists()
        invites.put_signup_code(connection, account, _hash(code), backend.clock() + CODE_LIFE_S * 1_000)
    return code


def make_invite(backend: Backend, *, quota_bytes: int | None = None, life_s: int = CODE_LIFE_S) -> str:
    """Make a code for one account of any name that is free; without a quota it gets the server's own."""
    code, now = secrets.token_urlsafe(_CODE_BYTES), backend.clock()
    with backend.database.writing() as connection:
        invites.add_invite(connection, _hash(code), quota_bytes, now + life_s * 1_000, now)
    return code


def use_code(backend: Backend, connection: Connection, account: str, code: str) -> int:
    """Let a signup pass, using its code up, and say what the account may store.

    A reserved name needs its own code whatever the policy is; `closed` takes no other. Raises: signup_refused.
    """
    policy, now = backend.config.signup, backend.clock()
    reserved = invites.signup_code_row(connection, account)
    if reserved is not None and reserved.expires > now:
        if not hmac.compare_digest(reserved.code_hash, _hash(code)):
            raise _signup_refused()
        invites.drop_signup_code(connection, account)
        return backend.config.quota_bytes
    invite = None if policy is Signup.CLOSED else invites.take_invite(connection, _hash(code), now)
    if invite is None and policy is not Signup.OPEN:
        raise _signup_refused()
    return backend.config.quota_bytes if invite is None or invite.quota_bytes is None else int(invite.quota_bytes)


def account_exists() -> RefusedError:
    """Make the refusal of a name that is taken."""
    return RefusedError(ErrorCode.ACCOUNT_EXISTS, "an account of this name exists")


def _signup_refused() -> RefusedError:
    return RefusedError(
        ErrorCode.SIGNUP_REFUSED, "this server takes new accounts only with a code from its administrator"
    )


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
