"""The head of a volume: reading it, reading its chain, and swapping it. Here a commit is decided.

The server checks what it can without a key: the writer's signature, that the record follows the head, and that every
blob the record needs is stored. Records are kept for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from sqlalchemy import Connection

from mega_server.database import blobs, volumes
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import MISSING_PER_REPLY, RECORDS_PER_REPLY
from mega_server.protocol.record_header import RecordHeader, parse_record_header
from mega_server.refusal import RefusedError, not_found, refuse
from mega_server.services.backend import Backend
from mega_server.services.presence import look_for

# A revision beyond SQLite's and PostgreSQL's 64-bit integers cannot be asked for, let alone reached.
_REVISION_MOST = 2**63 - 1


def checked_record(record: bytes) -> RecordHeader:
    """Parse a record and check its signature by the key it names. Raises RefusedError: bad_request."""
    try:
        header = parse_record_header(record)
        VerifyKey(header.writer_key).verify(header.signed, header.signature)
    except (ValueError, BadSignatureError) as error:
        refuse("the root record is malformed or its signature is wrong", error)
    if header.revision > _REVISION_MOST:
        refuse("the revision is out of range")
    return header


def owned(connection: Connection, volume: VolumeId, account: str) -> volumes.VolumeRow:
    """Read a volume of this account. Raises RefusedError: not_found, whether foreign or unknown."""
    row = volumes.volume_row(connection, volume, account)
    if row is None:
        raise not_found()
    return row


def head(backend: Backend, account: str, volume: VolumeId) -> bytes:
    """Read the newest record. Raises RefusedError: not_found."""
    with backend.database.reading() as connection:
        return _record(connection, volume, owned(connection, volume, account).revision)


def records(backend: Backend, account: str, volume: VolumeId, first: int, last: int) -> list[bytes]:
    """Read records `first` to `last`, both included; revisions not yet reached are left out.

    Raises RefusedError: not_found, bad_request for a run that is empty or longer than 8,192.
    """
    if not 1 <= first <= last <= _REVISION_MOST or last - first >= RECORDS_PER_REPLY:
        refuse(f"`from` and `to` name 1 to {RECORDS_PER_REPLY} revisions, beginning with 1")
    with backend.database.reading() as connection:
        owned(connection, volume, account)
        return volumes.records_between(connection, volume, first, last)


def commit(backend: Backend, account: str, volume: VolumeId, record: bytes, needs: Sequence[BlobId]) -> bool:
    """Make a record the head; False when it was in the chain already, which is a success too.

    Raises RefusedError: not_found, bad_request, head_moved with the present head, missing_blobs with their ids.
    """
    header = checked_record(record)
    with backend.database.reading() as connection:
        row = owned(connection, volume, account)
        if (header.volume, header.epoch, header.writer_key) != (volume, row.epoch, row.writer_key):
            refuse("the record is not of this volume, epoch and writer")
        if _is_in_chain(connection, header, record):
            return False
        _check_follows(connection, header, row)
        _check_stored(backend, connection, volume, needs)
    now = backend.clock()
    with backend.database.writing() as connection:
        if not volumes.swap_head(connection, header):
            if _is_in_chain(connection, header, record):
                return False  # the same request, sent twice: the other one was faster
            raise _head_moved(connection, owned(connection, volume, account))
        if blobs.touch(connection, volume, needs, now) != len(needs):
            # Swept between the two transactions; leaving by the exception takes the swap back.
            _check_stored(backend, connection, volume, needs)
        volumes.add_record(connection, header, record, now)
    return True


def _is_in_chain(connection: Connection, header: RecordHeader, record: bytes) -> bool:
    """Say whether a record is the head or an ancestor."""
    return _record(connection, VolumeId(header.volume), header.revision) == record


def _check_follows(connection: Connection, header: RecordHeader, row: volumes.VolumeRow) -> None:
    if (header.revision, header.prev) != (row.revision + 1, row.digest):
        raise _head_moved(connection, row)


def _check_stored(backend: Backend, connection: Connection, volume: VolumeId, needs: Sequence[BlobId]) -> None:
    missing = look_for(backend, connection, volume, needs).missing(needs)
    if missing:
        raise RefusedError(
            ErrorCode.MISSING_BLOBS,
            f"{len(missing)} blobs that this record needs are not stored",
            missing=missing[:MISSING_PER_REPLY],
        )


def _head_moved(connection: Connection, row: volumes.VolumeRow) -> RefusedError:
    present = _record(connection, VolumeId(row.volume), row.revision)
    return RefusedError(ErrorCode.HEAD_MOVED, "another record was committed first", head=present)


def _record(connection: Connection, volume: VolumeId, revision: int) -> bytes:
    record = volumes.record_at(connection, volume, revision)
    return b"" if record is None else record
