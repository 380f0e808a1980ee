"""Reading whole packs and judging them: a pack says itself which blobs it holds, and its name binds every byte."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from mega_server.database.blobs import NewBlob
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import PACK_BYTES
from mega_server.protocol.packs import blob_spans
from mega_server.services.uploads import pack_name
from mega_server.storage.store import BlobStore, PackLostError, PackName


class WholePack(NamedTuple):
    """A pack as it was read."""

    data: bytes
    blobs: list[NewBlob]
    """Each under SHA-256 of the bytes that are there; none when the header is damaged."""
    is_sound: bool
    """The name binds just these bytes."""


def read_whole(store: BlobStore, volume: VolumeId, name: PackName) -> WholePack | None:
    """Read and judge a pack; None when it is lost. Holds one pack in memory: at most 16 MiB."""
    size_bytes = store.size_bytes(volume, name)
    if size_bytes is None:
        return None
    if size_bytes > PACK_BYTES:
        return WholePack(b"", [], is_sound=False)
    try:
        data = store.read(volume, name, 0, size_bytes)
        spans = blob_spans(data)
    except PackLostError:
        return None
    except ValueError:
        return WholePack(b"", [], is_sound=False)
    view = memoryview(data)
    found = [NewBlob(hashlib.sha256(view[at : at + length]).digest(), at, length) for at, length in spans]
    is_sound = pack_name(data[: spans[0][0]], [BlobId(blob.id) for blob in found]) == name
    return WholePack(data, found, is_sound)
