"""What has moved in an account since a cursor. A hint: clients verify heads, and fetch them now and then anyway.

A cursor is generation8 ‖ sequence8, in hexadecimal. The sequence is the sum of the revisions of the account's volumes:
each commit adds one, none takes any away, and no table has to be kept for it. The generation binds it to this account,
to its set of volumes and to one start of the server; so after a restart, and with it after a restore from a backup,
old cursors mean nothing and are answered with a reset.
"""

from __future__ import annotations

import hashlib
import hmac

from mega_server.database import volumes
from mega_server.protocol.messages import FeedReply, VolumeInfo
from mega_server.services.backend import Backend

_PART_BYTES = 8


def changes_since(backend: Backend, start_key: bytes, account: str, after: str) -> tuple[FeedReply, int]:
    """Answer what has moved since the cursor `after`, with the present sequence; `start_key` is drawn at each start.

    Whatever is no cursor of this account and this start, or is ahead of it, is answered with a reset.
    """
    with backend.database.reading() as connection:
        rows = volumes.volume_rows(connection, account)
    bound_to = b"".join([account.encode(), b"\0", *(row.volume for row in rows)])
    generation = hmac.digest(start_key, bound_to, hashlib.sha256)[:_PART_BYTES].hex()
    sequence = sum(row.revision for row in rows)
    seen = _sequence_of(after, generation)
    is_reset = seen is None or seen > sequence
    told = [VolumeInfo(volume=row.volume.hex(), revision=row.revision) for row in rows]
    reply = FeedReply(
        cursor=f"{generation}{sequence:0{2 * _PART_BYTES}x}",
        is_reset=is_reset,
        changes=[] if seen == sequence else told,
        rest_s=0,
    )
    return reply, sequence


def _sequence_of(cursor: str, generation: str) -> int | None:
    """Read a cursor of this generation; None for anything else."""
    digits = cursor.removeprefix(generation)
    if len(cursor) != 4 * _PART_BYTES or len(digits) != 2 * _PART_BYTES or set(digits) - set("0123456789abcdef"):
        return None
    return int(digits, 16)
