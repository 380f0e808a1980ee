"""What lies under a volume: packs and blobs, root records and commits."""

from __future__ import annotations

from flask import Blueprint, Response

from mega_server.auth import backend, caller
from mega_server.protocol import routes
from mega_server.protocol.ids import BLOB_ID_BYTES, blob_id_from_hex, join_id_set, split_id_set
from mega_server.protocol.limits import NEEDS_PER_COMMIT, ROOT_RECORD_BYTES
from mega_server.refusal import not_found, refuse
from mega_server.services import commits, downloads, uploads
from mega_server.views.door import (
    declared_pack_bytes,
    number,
    octets,
    read_body,
    read_id_list,
    read_id_set,
    read_pack,
    volume_of,
)
from mega_server.views.feed import waits

views = Blueprint("volumes", __name__)


@views.post(routes.PACKS)
def packs(volume: str) -> Response:
    """Store a pack; room for it is reserved before its bytes are read."""
    who, volume_id = caller(), volume_of(volume)
    with uploads.reserved(backend(), who.account, volume_id, declared_pack_bytes()) as reservation:
        stored = uploads.store_pack(backend(), who.account, volume_id, read_pack(), reservation)
    return octets(stored, 201)


@views.post(routes.MISSING)
def missing(volume: str) -> Response:
    """Answer which of these ids are not stored."""
    who, ids = caller(), read_id_set()
    return octets(join_id_set(uploads.missing(backend(), who.account, volume_of(volume), ids)))


@views.post(routes.HOLD)
def hold(volume: str) -> Response:
    """Touch these ids; answer which are not stored."""
    who, ids = caller(), read_id_set()
    return octets(join_id_set(uploads.hold(backend(), who.account, volume_of(volume), ids)))


@views.post(routes.BLOBS)
def blobs(volume: str) -> Response:
    """Stream these blobs as frames, in the order asked."""
    who, ids = caller(), read_id_list()
    frames = downloads.read_blobs(backend(), who.account, volume_of(volume), ids)
    response = octets(frames.pieces)
    response.content_length = frames.size_bytes
    return response


@views.get(routes.BLOB)
def blob(volume: str, blob: str) -> Response:
    """Answer one blob, which never changes."""
    who = caller()
    try:
        blob_id = blob_id_from_hex(blob)
    except ValueError as error:
        raise not_found() from error
    response = octets(downloads.read_blob(backend(), who.account, volume_of(volume), blob_id))
    response.headers["Cache-Control"] = "private, immutable"
    return response


@views.get(routes.HEAD)
def head(volume: str) -> Response:
    """Answer the newest record."""
    return octets(commits.head(backend(), caller().account, volume_of(volume)))


@views.get(routes.RECORDS)
def records(volume: str) -> Response:
    """Answer a run of the chain."""
    who = caller()
    first, last = number("from"), number("to")
    return octets(b"".join(commits.records(backend(), who.account, volume_of(volume), first, last)))


@views.post(routes.COMMITS)
def commit(volume: str) -> Response:
    """Swap the head: 201, or 200 when the record was in the chain already. The body is empty."""
    who = caller()
    body = read_body(ROOT_RECORD_BYTES + BLOB_ID_BYTES * NEEDS_PER_COMMIT)
    if len(body) < ROOT_RECORD_BYTES:
        refuse(f"a commit begins with a root record of {ROOT_RECORD_BYTES} bytes")
    try:
        needs = split_id_set(body[ROOT_RECORD_BYTES:], most=NEEDS_PER_COMMIT)
    except ValueError as error:
        refuse(str(error), error)
    is_new = commits.commit(backend(), who.account, volume_of(volume), body[:ROOT_RECORD_BYTES], needs)
    waits().nudge()
    return octets(b"", 201 if is_new else 200)
