"""The door of every view: bounded bodies in, strict types out, and the few shapes of an answer.

Nothing is read beyond its bound: a body that says it is longer is refused before its first byte, one that does not say
is read to the bound and refused there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from flask import Response, request

from mega_server.protocol import headers
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.ids import BlobId, VolumeId, split_id_set, split_ids, volume_id_from_hex
from mega_server.protocol.limits import IDS_PER_REQUEST, JSON_BYTES, KIB, PACK_BYTES
from mega_server.refusal import RefusedError, not_found, refuse
from mega_server.storage.direct import aligned_memory

M = TypeVar("M", bound=msgspec.Struct)
# Below glibc's mmap threshold, so that each read reuses warm memory.
_READ_BYTES = 64 * KIB
_kept = threading.local()


def read_body(most_bytes: int) -> bytes:
    """Read a whole body of at most `most_bytes`. Raises RefusedError: too_large, bad_request when it was cut."""
    declared = _declared(most_bytes)
    pieces, got = [], 0
    while piece := request.stream.read(_READ_BYTES):
        got += len(piece)
        if got > most_bytes:
            raise _too_large(most_bytes)
        pieces.append(piece)
    _check_whole(declared, got)
    return b"".join(pieces)


def declared_pack_bytes() -> int:
    """Say how long the pack is that this request brings; the most it may be when it does not say.

    Raises RefusedError: too_large.
    """
    declared = _declared(PACK_BYTES)
    return PACK_BYTES if declared is None else declared


def read_pack() -> memoryview:
    """Read a pack into memory that this thread keeps: fresh memory would cost 2.5 core-seconds a GiB in page faults.

    The view is good until the thread's next call. Raises RefusedError: too_large, bad_request when it was cut.
    """
    if not hasattr(_kept, "memory"):
        _kept.memory = aligned_memory(PACK_BYTES)
    memory: memoryview = _kept.memory
    declared = _declared(PACK_BYTES)
    got = 0
    while piece := request.stream.read(_READ_BYTES):
        if got + len(piece) > PACK_BYTES:
            raise _too_large(PACK_BYTES)
        memory[got : got + len(piece)] = piece
        got += len(piece)
    _check_whole(declared, got)
    return memory[:got]


def read_json(kind: type[M]) -> tuple[M, bytes]:
    """Read a JSON message, and the exact bytes it came in. Raises RefusedError: too_large, bad_request."""
    body = read_body(JSON_BYTES)
    try:
        return msgspec.json.decode(body, type=kind), body
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(f"the body is no {kind.__name__}: {error}", error)


def read_id_set(most: int = IDS_PER_REQUEST) -> list[BlobId]:
    """Read a sorted set of ids. Raises RefusedError: too_large, bad_request."""
    try:
        return split_id_set(read_body(32 * most), most=most)
    except ValueError as error:
        refuse(str(error), error)


def read_id_list() -> list[BlobId]:
    """Read ids in any order. Raises RefusedError: too_large, bad_request."""
    try:
        return split_ids(read_body(32 * IDS_PER_REQUEST), most=IDS_PER_REQUEST)
    except ValueError as error:
        refuse(str(error), error)


def number(name: str, default: str = "") -> int:
    """Read a number of the query. Raises RefusedError: bad_request."""
    text = request.args.get(name, default)
    if not text.isascii() or not text.isdecimal() or len(text) > 19:  # noqa: PLR2004 -- the digits of 2**63 - 1
        refuse(f"`{name}` is a decimal number")
    return int(text)


def volume_of(text: str) -> VolumeId:
    """Parse the volume in a URL; what cannot be one is simply not found."""
    try:
        return volume_id_from_hex(text)
    except ValueError as error:
        raise not_found() from error


def answer(message: msgspec.Struct, status: int = 200) -> Response:
    """Answer JSON that no cache keeps."""
    response = Response(msgspec.json.encode(message), status, content_type=headers.JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def octets(body: bytes | Iterable[bytes], status: int = 200) -> Response:
    """Answer bytes that no cache keeps."""
    response = Response(body, status, content_type=headers.OCTETS)
    response.headers["Cache-Control"] = "no-store"
    return response


def _declared(most_bytes: int) -> int | None:
    declared = request.content_length
    if declared is not None and declared > most_bytes:
        raise _too_large(most_bytes)
    return declared


def _check_whole(declared: int | None, got: int) -> None:
    if declared is not None and declared != got:
        refuse("the body was cut")


def _too_large(most_bytes: int) -> RefusedError:
    return RefusedError(ErrorCode.TOO_LARGE, f"at most {most_bytes} bytes are taken here")
