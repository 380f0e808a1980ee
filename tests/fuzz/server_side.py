"""Targets: what hostile clients send, and what a disk gives back to the server."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from urllib.parse import quote

import msgspec
from flask import Flask

from mega_server.auth import EXTENSION
from mega_server.config import Storage
from mega_server.protocol import headers, routes
from mega_server.protocol.ids import BlobId
from mega_server.protocol.messages import ChallengeRequest, ErrorReply, LoginRequest
from mega_server.protocol.proof import Proof
from mega_server.refusal import RefusedError
from mega_server.services import checks, downloads
from mega_server.services.backend import Backend
from mega_server.storage.store import PackLostError
from tests.fuzz.feed import Feed, parts
from tests.fuzz.scratch import scratch_folder
from tests.fuzz.target import Target
from tests.kit.account import FakeAccount, ids_of, pack_of, random_blobs
from tests.kit.server import make_app

_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
_PATHS = tuple(sorted(v for k, v in vars(routes).items() if k.isupper() and isinstance(v, str)))
_HEADERS = (headers.VERSION, headers.PROOF, "Authorization", "Host", "Content-Type", "Content-Length", "Range")


class _Clock:
    """Goes on a second with each look, so that what may expire does."""

    def __init__(self) -> None:
        self._now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        """Read it."""
        self._now_ms += 1_000
        return self._now_ms


@cache
def _place(storage: Storage) -> tuple[Flask, FakeAccount, list[bytes]]:
    """Make a server with one account that stores some blobs."""
    app = make_app(scratch_folder(), storage=storage, clock=_Clock(), quota_bytes=64 << 20)
    account = FakeAccount(app.test_client()).enter()
    blobs = random_blobs(3)
    assert account.post(routes.PACKS, pack_of(blobs)).status_code == 201
    return app, account, ids_of(blobs)


def _request(raw: bytes) -> None:
    """Send one request: whatever it is, the answer is the contract's, and never "the server has a bug"."""
    app, account, ids = _place(Storage.MEMORY)
    feed = Feed(raw)
    method, template, shape = feed.pick(_METHODS), feed.pick(_PATHS), feed.number()
    part = feed.part().decode("utf-8", "replace")
    volume = part if shape & 1 else account.volume.hex()
    blob = part if shape & 2 else ids[0].hex()
    path = quote(routes.path(template, account=part, session_id=part, volume=volume, blob=blob), safe="/%")
    query = feed.part().decode("latin-1")
    fields = {} if shape & 4 else dict(account.bearer)
    for name in _HEADERS:
        value = feed.part().decode("latin-1")
        if value.isprintable() and value:
            fields[name] = value
    body = feed.rest().replace(b"<id>", ids[0]).replace(b"<record>", account.next_record())
    answer = app.test_client().open(path, method=method, query_string=query, headers=fields, data=body)
    data = answer.data
    assert answer.status_code != 500, f"{method} {path}"
    assert answer.headers[headers.VERSION] == "1"
    if answer.status_code >= 400 and method != "HEAD":
        error = msgspec.json.decode(data, type=ErrorReply).error
        assert len(error.message) < 1_000 or part in error.message


def _request_seed(method: str, template: str, body: bytes = b"", query: bytes = b"", proof: bytes = b"") -> bytes:
    head = bytes([_METHODS.index(method), _PATHS.index(template), 0])
    fields = [proof if name == headers.PROOF else b"" for name in _HEADERS]
    return head + parts(b"alice", query, *fields) + body


def _request_seeds() -> list[bytes]:
    proof = Proof(bytes(32), bytes(32), bytes(64)).header().encode()
    challenge = msgspec.json.encode(ChallengeRequest(account="alice"))
    login = msgspec.json.encode(LoginRequest(account="alice", key="password", device_name="x"))
    _, account, _ = _place(Storage.MEMORY)
    signup = msgspec.json.encode(account.signup_request())
    seeds = [_request_seed("GET", path) for path in _PATHS]
    return [
        *seeds,
        _request_seed("POST", routes.LOGIN_CHALLENGE, challenge),
        _request_seed("POST", routes.LOGIN_CHALLENGE, b'{"x":' + b"[" * 100_000),
        _request_seed("POST", routes.LOGIN, login, proof=proof),
        _request_seed("POST", routes.ACCOUNTS, signup),
        _request_seed("PUT", routes.SLOTS, signup, proof=proof),
        _request_seed("DELETE", routes.ME, challenge, proof=proof),
        _request_seed("POST", routes.PACKS, pack_of([bytes(600)])),
        _request_seed("POST", routes.MISSING, b"<id>"),
        _request_seed("POST", routes.HOLD, bytes(32) + b"<id>"),
        _request_seed("POST", routes.BLOBS, b"<id><id>" + bytes(32)),
        _request_seed("POST", routes.COMMITS, b"<record><id>"),
        _request_seed("POST", routes.COMMITS, b"<record>"),
        _request_seed("GET", routes.RECORDS, query=b"from=1&to=3"),
    ]


def _stored_pack(raw: bytes) -> None:
    """Replace the bytes of a pack on the disk: reading and checking find damage, and nothing else comes out."""
    app, account, ids = _place(Storage.FILESYSTEM)
    backend = app.extensions[EXTENSION]
    assert isinstance(backend, Backend)
    (pack,) = (file for file in backend.config.store_dir.rglob("*") if file.is_file())
    pack.write_bytes(raw)
    list(checks.check(backend, reads_data=True))
    volume = next(backend.store.packs()).volume
    with suppress(RefusedError, PackLostError):
        downloads.read_blob(backend, account.name, volume, BlobId(ids[0]))
    with suppress(RefusedError, PackLostError):
        b"".join(downloads.read_blobs(backend, account.name, volume, [BlobId(id_) for id_ in ids]).pieces)


TARGETS = (
    Target("request", _request, _request_seeds, 64 << 20),
    Target("stored-pack", _stored_pack, lambda: [pack_of([bytes(600)] * 3), b""]),
)
