"""Removing what serves nobody: files of deleted accounts, what killed uploads left, and rows that have run out.

Blobs are swept when two marks have left them out (crypto.md, section 5). This release takes no marks yet, so it sweeps
none: what an account has stored stays until the account is deleted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from mega_server.database.doomed import doomed_packs
from mega_server.database.totals import drop_expired
from mega_server.protocol.limits import SESSION_IDLE_DAYS
from mega_server.services.backend import Backend
from mega_server.services.checks import DROP_AFTER_MS
from mega_server.services.deletion import remove_doomed

_DAY_MS = 24 * 3_600_000
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed, or would be."""

    doomed_packs: int
    """Of deleted accounts."""
    leftovers: int
    """Of uploads that were killed more than a day ago."""
    expired: dict[str, int]
    """Rows that have run out, by their table."""


def sweep(backend: Backend, *, is_dry_run: bool) -> Swept:
    """Remove it, or only count it. Safe while the server runs, and to repeat. Raises OSError."""
    now = backend.clock()
    idle_ms = SESSION_IDLE_DAYS * _DAY_MS
    if is_dry_run:
        with backend.database.reading() as connection:
            doomed = len(doomed_packs(connection, _ALL))
            expired = drop_expired(connection, now, idle_ms, is_dry_run=True)
        return Swept(doomed, sum(1 for _ in backend.store.leftovers(now - DROP_AFTER_MS)), expired)
    with backend.database.writing() as connection:
        expired = drop_expired(connection, now, idle_ms, is_dry_run=False)
    return Swept(remove_doomed(backend), backend.store.drop_leftovers(now - DROP_AFTER_MS), expired)


def sweep_if_due(backend: Backend) -> bool:
    """Sweep unless it was done within a day, by whatever worker; say whether it was due. Raises OSError.

    The time is that of an empty file. Two workers that look at once both sweep, which is harmless.
    """
    stamp = backend.config.data_dir / "swept"
    now_ms = backend.clock()
    if stamp.exists() and abs(now_ms - stamp.stat().st_mtime_ns // 1_000_000) < _DAY_MS:
        return False  # a time far ahead is that of a clock which was wrong
    stamp.touch(mode=0o600)
    os.utime(stamp, ns=(now_ms * 1_000_000, now_ms * 1_000_000))
    sweep(backend, is_dry_run=False)
    return True
