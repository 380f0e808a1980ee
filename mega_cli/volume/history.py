"""The way back: records before the head, as far as the server has them, verified by the hashes that lead to the head.

A signature alone would not do: an old record of another branch has one too.
"""

from __future__ import annotations

from collections.abc import Iterator

from mega_cli.errors import RollbackError
from mega_cli.formats.root_record import FIRST_REVISION, open_root_record, record_header
from mega_cli.model import Pin
from mega_cli.volume.session import RECORDS_AT_ONCE, Head, VolumeSession


def is_in_history(session: VolumeSession, head: Head, pin: Pin) -> bool:
    """Tell whether a record is `head`, or one that it descends from. Raises RollbackError when the way is not shown."""
    if pin.revision >= head.revision:
        return pin == Pin(head.revision, head.digest)
    first, digest = head.revision, head.digest
    while first > pin.revision:
        last, first = first, max(pin.revision, first - RECORDS_AT_ONCE + 1)
        digest = _verified(session, first, last, digest)[0][0].digest
    return digest == pin.digest


def past_heads(session: VolumeSession, head: Head, most: int) -> Iterator[Head]:
    """Yield at most `most` heads before `head`, the newest first. Raises RollbackError, IntegrityError."""
    first = max(FIRST_REVISION, head.revision - most)
    if first == head.revision:
        return
    for found, record in reversed(_verified(session, first, head.revision, head.digest)[:-1]):
        _, body = open_root_record(session.keys, record)
        yield Head(found.revision, found.digest, body)


def _verified(session: VolumeSession, first: int, last: int, last_digest: bytes) -> list[tuple[Pin, bytes]]:
    """Fetch a run of records that ends in the one of `last_digest`, each the one that the next names as before it."""
    records = session.client.records(session.keys.volume, first, last)
    wanted, found = last_digest, list[tuple[Pin, bytes]]()
    for revision, record in zip(range(last, first - 1, -1), reversed(records), strict=False):
        header = record_header(record)
        if (header.revision, header.digest) != (revision, wanted):
            raise _broken(last)
        found.append((Pin(revision, header.digest), record))
        wanted = header.prev
    if len(found) != last - first + 1:
        raise _broken(last)
    return found[::-1]


def _broken(revision: int) -> RollbackError:
    return RollbackError(
        f"the server does not show the records that lead to revision {revision}",
        "nothing was changed; ask the server's administrator why",
    )
