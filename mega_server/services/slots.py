"""A new password or recovery secret: login key, parameters and slot change together, or not at all.

The old secret opens nothing afterwards. It never sees a password, and nothing here makes an account weaker: the salt
stays, passes and memory may only grow, and a recovery secret that was used is replaced.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from mega_server.database import accounts, sessions
from mega_server.protocol.messages import SlotsRequest
from mega_server.refusal import refuse
from mega_server.services.account_rules import check_kdf, check_lengths
from mega_server.services.backend import Backend
from mega_server.services.logins import SignedIn, session_ended
from mega_server.services.proofs import Signed, check_claim, is_proven, login_refused


def change_slots(backend: Backend, who: SignedIn, message: SlotsRequest, signed: Signed) -> None:
    """Replace what the password opens, and what the recovery secret opens when the request brings both its parts.

    The same request again is a success, although its challenge is spent: it would write what is there.
    Raises RefusedError: bad_request, unauthorized, login_refused.
    """
    _check_shape(who.account, message)
    with backend.database.writing() as connection:
        row = accounts.account_row(connection, who.account)
        if row is None:
            raise session_ended()
        if _is_done(row, message):
            return
        _check_change(row, message)
        is_allowed = is_proven(backend, connection, row, message, signed)
        if is_allowed:
            accounts.set_account(connection, who.account, _values(message))
            if message.ends_other_sessions:
                sessions.drop_other_sessions(connection, who.account, who.session_id)
    if not is_allowed:
        raise login_refused()


def _check_shape(account: str, message: SlotsRequest) -> None:
    check_claim(message, account)
    check_kdf(message.kdf)
    check_lengths([message.login_key], [message.password_slot])
    if message.recovery_key or message.recovery_slot:
        check_lengths([message.recovery_key], [message.recovery_slot])
    elif message.key == "recovery":
        refuse("a recovery secret that was used must be replaced: bring a new recovery key and slot")


def _check_change(row: Row[Any], message: SlotsRequest) -> None:
    """Refuse what would weaken the account. Raises RefusedError: bad_request."""
    if message.kdf.server_salt != row.server_salt:
        refuse("the salt of an account never changes")
    if message.kdf.passes < row.passes or message.kdf.memory_bytes < row.memory_bytes:
        refuse("the key derivation may not become weaker")
    if message.recovery_key == row.recovery_key or message.recovery_slot == row.recovery_slot:
        refuse("a new recovery key and slot differ from the old ones")


def _is_done(row: Row[Any], message: SlotsRequest) -> bool:
    return message.kdf.server_salt == row.server_salt and all(
        getattr(row, name) == value for name, value in _values(message).items()
    )


def _values(message: SlotsRequest) -> dict[str, object]:
    """Name the columns that change."""
    values: dict[str, object] = {
        "passes": message.kdf.passes,
        "memory_bytes": message.kdf.memory_bytes,
        "login_key": message.login_key,
        "password_slot": message.password_slot,
    }
    if message.recovery_key:
        values |= {"recovery_key": message.recovery_key, "recovery_slot": message.recovery_slot}
    return values
