"""Blobs out: where they lie, how much one answer carries, and the frames as they are read.

The server does not verify what it reads: the reader does, by the id. A blob whose pack is gone or cut is answered as
missing, before the first byte of the answer leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mega_server.database import blobs
from mega_server.protocol.frames import END, MISSING, NOT_SENT, frame_header
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import BLOBS_REPLY_BYTES, KIB
from mega_server.refusal import not_found
from mega_server.services.backend import Backend
from mega_server.services.commits import owned
from mega_server.storage.store import BlobStore, PackLostError, PackName

# One read and one chunk of an answer. The web server queues 32 chunks for a slow reader, so 8 MiB an answer.
_PIECE_BYTES = 256 * KIB


@dataclass(frozen=True, slots=True)
class Frames:
    """An answer: how long it will be, and its bytes."""

    size_bytes: int
    pieces: Iterator[bytes]


def read_blob(backend: Backend, account: str, volume: VolumeId, blob: BlobId) -> bytes:
    """Read one blob. Raises RefusedError: not_found."""
    with backend.database.reading() as connection:
        owned(connection, volume, account)
        place = blobs.places(connection, volume, [blob]).get(blob)
    if place is None or not _is_whole(place, backend.store.size_bytes(volume, PackName(place.pack))):
        raise not_found()
    try:
        return backend.store.read(volume, PackName(place.pack), place.offset, place.length)
    except PackLostError as error:  # its account was deleted since
        raise not_found() from error


def read_blobs(backend: Backend, account: str, volume: VolumeId, ids: Sequence[BlobId]) -> Frames:
    """Plan the answer to a request for these blobs, in their order; at most 64 MiB are sent.

    Raises RefusedError: not_found for the volume.
    """
    with backend.database.reading() as connection:
        owned(connection, volume, account)
        places = blobs.places(connection, volume, set(ids))
    names = {place.pack for place in places.values()}
    sizes = {name: backend.store.size_bytes(volume, PackName(name)) for name in names}
    frames: list[blobs.Place | bytes] = []
    sent_bytes, is_full = 0, False
    for blob in ids:
        place = places.get(blob)
        if place is None or not _is_whole(place, sizes[place.pack]):
            frames.append(MISSING)
            continue
        is_full = is_full or sent_bytes + place.length > BLOBS_REPLY_BYTES
        frames.append(NOT_SENT if is_full else place)
        sent_bytes += 0 if is_full else place.length
    frames.append(END)
    size_bytes = 4 * len(frames) + sent_bytes
    return Frames(size_bytes, _pieces(backend.store, volume, frames))


def _is_whole(place: blobs.Place, pack_bytes: int | None) -> bool:
    """Say whether a pack that is now so long holds all of a blob; None: the pack is lost."""
    return pack_bytes is not None and place.offset + place.length <= pack_bytes


def _pieces(store: BlobStore, volume: VolumeId, frames: Sequence[blobs.Place | bytes]) -> Iterator[bytes]:
    """Write frames as pieces of about `_PIECE_BYTES`. Neighbours in a pack are read together."""
    piece: list[bytes] = []
    piece_bytes = 0
    for run in _runs(frames):
        if isinstance(run, bytes):
            piece.append(run)
            piece_bytes += len(run)
        elif run[0].length > _PIECE_BYTES:
            # A large blob goes out as it is read; copying it into a piece would cost as much as the read.
            yield b"".join([*piece, frame_header(run[0].length)])
            yield from _large(store, volume, run[0])
            piece, piece_bytes = [], 0
        else:
            start = run[0].offset
            data = store.read(volume, PackName(run[0].pack), start, run[-1].offset + run[-1].length - start)
            for place in run:
                at = place.offset - start
                piece += (frame_header(place.length), data[at : at + place.length])
            piece_bytes += len(data)
        if piece_bytes >= _PIECE_BYTES:
            yield b"".join(piece)
            piece, piece_bytes = [], 0
    if piece:
        yield b"".join(piece)


def _large(store: BlobStore, volume: VolumeId, place: blobs.Place) -> Iterator[bytes]:
    end = place.offset + place.length
    for at in range(place.offset, end, _PIECE_BYTES):
        yield store.read(volume, PackName(place.pack), at, min(_PIECE_BYTES, end - at))


def _runs(frames: Sequence[blobs.Place | bytes]) -> Iterator[bytes | list[blobs.Place]]:
    """Group blobs that follow one another in one pack, up to `_PIECE_BYTES`; a larger blob is a run of its own."""
    run: list[blobs.Place] = []
    run_bytes = 0
    for frame in frames:
        if isinstance(frame, bytes):
            if run:
                yield run
            yield frame
            run, run_bytes = [], 0
            continue
        follows = bool(run) and (frame.pack, frame.offset) == (run[-1].pack, run[-1].offset + run[-1].length)
        if run and (not follows or run_bytes + frame.length > _PIECE_BYTES):
            yield run
            run, run_bytes = [], 0
        run.append(frame)
        run_bytes += frame.length
    if run:
        yield run
