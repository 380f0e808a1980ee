"""Packs in: quota first, then bytes, then SHA-256 of every blob, then the store, then the index. Here quota is decided.

A pack is durable before it is indexed and indexed before it is answered, so an answer never promises what a power cut
can take. A pack left between the two is an orphan: `mega-server check` reports it, and sending the pack again uses it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from mega_server.database import accounts, blobs
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import OVER_QUOTA_ALLOWANCE_BYTES, OVER_QUOTA_PACK_BYTES
from mega_server.protocol.packs import blob_spans, pack_header
from mega_server.refusal import RefusedError, refuse
from mega_server.services.backend import Backend
from mega_server.services.commits import owned
from mega_server.services.presence import look_for
from mega_server.storage.store import PackName


def pack_name(header: bytes, ids: list[BlobId]) -> PackName:
    """Name a pack by SHA-256 of its header and its blobs' ids.

    It binds every byte as SHA-256 of the pack would, because the ids do, without reading the bytes a second time
    (0.65 core-seconds a GiB).
    """
    return PackName(hashlib.sha256(header + b"".join(ids)).digest())


@contextmanager
def reserved(backend: Backend, account: str, volume: VolumeId, size_bytes: int) -> Iterator[int]:
    """Hold room for a pack of this size while it arrives; yields the reservation's number.

    `store_pack` ends it in the transaction that counts the bytes instead; a failure ends it here.

    Raises RefusedError: not_found for the volume, quota_exceeded.
    """
    # Drawn, not counted: a slow upload whose promise was forgotten must not end that of another, which has its number.
    now, reservation = backend.clock(), secrets.randbits(63)
    # A promise dies with the process that made it, so it need not survive a power cut.
    with backend.database.writing(is_durable=False) as connection:
        owned(connection, volume, account)
        row = accounts.account_row(connection, account)
        assert row is not None, "a session belongs to an account"
        allowance = OVER_QUOTA_ALLOWANCE_BYTES if size_bytes <= OVER_QUOTA_PACK_BYTES else 0
        if accounts.used_bytes(connection, account, now) + size_bytes > row.quota_bytes + allowance:
            raise RefusedError(
                ErrorCode.QUOTA_EXCEEDED, f"the account's quota of {row.quota_bytes} bytes does not hold this pack"
            )
        accounts.add_reservation(connection, reservation, account, size_bytes, now)
    try:
        yield reservation
    except BaseException:
        with backend.database.writing(is_durable=False) as connection:
            accounts.drop_reservation(connection, reservation)
        raise


def store_pack(backend: Backend, account: str, volume: VolumeId, pack: memoryview, reservation: int) -> bytes:
    """Store and index a pack; returns SHA-256 over the concatenated ids of its blobs, in order.

    Blobs that are stored already are touched and not stored again: a pack of nothing new leaves no bytes, and of a
    partly new one only the new blobs are kept, as a pack of their own. A blob whose pack is lost is new.
    Raises RefusedError: bad_request for a malformed pack, not_found when the account ends meanwhile, unavailable when
    blobs vanish.
    """
    try:
        spans = blob_spans(pack)
    except ValueError as error:
        refuse(str(error), error)
    ids = [BlobId(hashlib.sha256(pack[offset : offset + length]).digest()) for offset, length in spans]
    with backend.database.reading() as connection:
        present, lost_packs = look_for(backend, connection, volume, set(ids))
    new = {blob: span for blob, span in zip(ids, spans, strict=True) if blob not in present}
    name, header, rows = _plan_pack(new)
    if new:
        is_whole = len(new) == len(ids)
        backend.store.put(
            volume, name, [pack] if is_whole else [header, *(pack[at : at + n] for at, n in new.values())]
        )
    now = backend.clock()
    with backend.database.writing() as connection:
        try:
            owned(connection, volume, account)
        except RefusedError:  # the account was deleted while its pack arrived: nobody will ever rely on it
            if new:
                backend.store.remove(volume, name)
            raise
        if new:
            size_bytes = len(header) + sum(row.length for row in rows)
            if blobs.add_pack(connection, volume, name, size_bytes, rows, now):
                accounts.add_used_bytes(connection, account, size_bytes)
            if lost_packs:
                freed_bytes = blobs.move(connection, volume, name, rows, lost_packs, now)
                accounts.add_used_bytes(connection, account, -freed_bytes)
        if blobs.touch(connection, volume, present, now) != len(present):
            raise RefusedError(ErrorCode.UNAVAILABLE, "blobs were swept while they were being stored; send them again")
        accounts.drop_reservation(connection, reservation)
    return hashlib.sha256(b"".join(ids)).digest()


def _plan_pack(new: dict[BlobId, tuple[int, int]]) -> tuple[PackName, bytes, list[blobs.NewBlob]]:
    """Lay new blobs out as one pack, in their order."""
    lengths = [length for _, length in new.values()]
    header = pack_header(lengths)
    rows, offset = [], len(header)
    for blob, length in zip(new, lengths, strict=True):
        rows.append(blobs.NewBlob(blob, offset, length))
        offset += length
    return pack_name(header, list(new)), header, rows


def missing(backend: Backend, account: str, volume: VolumeId, ids: list[BlobId]) -> list[BlobId]:
    """Say which ids are not stored; the others are no longer condemned. Raises RefusedError: not_found."""
    with backend.database.reading() as connection:
        owned(connection, volume, account)
        found = look_for(backend, connection, volume, ids)
    condemned = [blob for blob, row in found.stored.items() if row.is_condemned]
    if condemned:
        with backend.database.writing() as connection:
            blobs.clear_condemned(connection, volume, condemned)
    return found.missing(ids)


def hold(backend: Backend, account: str, volume: VolumeId, ids: list[BlobId]) -> list[BlobId]:
    """Touch the ids that are stored, and say which are not. Raises RefusedError: not_found."""
    with backend.database.reading() as connection:
        owned(connection, volume, account)
        found = look_for(backend, connection, volume, ids)
    with backend.database.writing() as connection:
        if blobs.touch(connection, volume, found.stored, backend.clock()) != len(found.stored):
            found = look_for(backend, connection, volume, ids)  # swept between the two transactions
    return found.missing(ids)
