"""The end of an account: its rows in one transaction, its packs right after it, or at the next start.

A doomed pack's volume is nobody's: it left `volumes` in the transaction that doomed it, and no signup may take it while
a pack of it is doomed. So a removal can never meet a pack that somebody relies on.
"""

from __future__ import annotations

import contextlib

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from mega_server.database import accounts, doomed
from mega_server.protocol.ids import VolumeId
from mega_server.protocol.messages import DeleteRequest
from mega_server.services.backend import Backend
from mega_server.services.logins import SignedIn, session_ended
from mega_server.services.proofs import Signed, check_claim, is_proven, login_refused
from mega_server.storage.store import PackName

# Files are removed under the write lock: other writers wait for one batch, some milliseconds on an idle disk.
_BATCH = 50


def delete_account(backend: Backend, who: SignedIn, message: DeleteRequest, signed: Signed) -> None:
    """Delete the account and everything of it. Raises RefusedError: bad_request, unauthorized, login_refused."""
    check_claim(message, who.account)
    with backend.database.writing() as connection:
        row = accounts.account_row(connection, who.account)
        if row is None:
            raise session_ended()
        is_allowed = is_proven(backend, connection, row, message, signed)
        if is_allowed:
            drop_account(connection, who.account)
    if not is_allowed:
        raise login_refused()
    # The account is gone, whatever happens to its files: what is left of them goes with the next sweep.
    with contextlib.suppress(OSError, OperationalError):
        remove_doomed(backend)


def drop_account(connection: Connection, account: str) -> None:
    """Delete an account's rows, and doom its packs: one core-second for 300,000 blobs."""
    doomed.doom_packs(connection, account)
    accounts.drop_account(connection, account)


def remove_doomed(backend: Backend) -> int:
    """Remove the packs that deleted accounts left, and say how many there were. Safe to repeat and to interrupt.

    Raises OSError when the store does not let go of one.
    """
    removed = 0
    while True:
        # Within the lock, so that no slower removal can come after a signup that took the volume again. A power cut may
        # bring rows back, and then what is gone is removed again; it brings none back that such a signup came after.
        with backend.database.writing(is_durable=False) as connection:
            batch = doomed.doomed_packs(connection, _BATCH)
            for row in batch:
                backend.store.remove(VolumeId(row.volume), PackName(row.name))
            doomed.forget(connection, batch)
        removed += len(batch)
        if len(batch) < _BATCH:
            return removed
