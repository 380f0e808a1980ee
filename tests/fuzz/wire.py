"""Targets: what a hostile server answers, from raw HTTP bytes up, and the layouts that both sides read."""

from __future__ import annotations

import json
from contextlib import suppress

import httpcore
import httpx
import msgspec

from mega_cli.api import operations
from mega_cli.api.client import ServerClient
from mega_cli.api.operations import Response
from mega_cli.api.transport import HttpTransport
from mega_cli.errors import MegaError
from mega_cli.model import Secret, blob_id
from mega_server.protocol import errors, headers, ids, messages, packs, proof
from mega_server.protocol.frames import END, MISSING, NOT_SENT, frame_header, read_frames
from mega_server.protocol.limits import PROTOCOL_MAJOR
from tests.fuzz.feed import Feed, parts
from tests.fuzz.target import Target
from tests.kit import forge, vectors
from tests.kit.wire import patient

KINDS: list[type[messages.Message]] = sorted(messages.Message.__subclasses__(), key=lambda kind: kind.__name__)
_IDS = [blob_id(forge.fixed(f"id {n}")) for n in range(3)]
_LIST_MOST = 1_000


def _frames(raw: bytes) -> None:
    """Cut bytes into pieces and read frames from them: the same ones as from the whole."""
    feed = Feed(raw)
    cuts, body = feed.part(), feed.rest()
    pieces, at = [], 0
    for size in cuts:
        pieces.append(body[at : at + size])
        at += size
    pieces.append(body[at:])
    read: list[list[object]] = []
    for given in ([body], pieces):
        try:
            read.append(list(read_frames(given)))
        except (ValueError, EOFError) as error:
            read.append([str(error)])
    assert read[0] == read[1]


def _frames_seeds() -> list[bytes]:
    body = frame_header(5) + b"hello" + MISSING + NOT_SENT + frame_header(1) + b"x" + END
    return [parts(bytes([1, 2, 3, 4])) + body, parts(b"") + END, parts(bytes([4])) + MISSING + END]


def _pack(raw: bytes) -> None:
    """Read bytes as a pack; an accepted one is what its lengths write."""
    with suppress(ValueError):
        spans = packs.blob_spans(memoryview(raw))
        assert packs.pack_header([n for _, n in spans]) + b"".join(raw[at : at + n] for at, n in spans) == raw


def _pack_seeds() -> list[bytes]:
    return [packs.pack_header([600, 564]) + bytes(1_164), packs.pack_header([]), b"MGP\1\xff\xff\xff\xff" + bytes(40)]


def _ids(raw: bytes) -> None:
    """Read bytes as a list of ids, as a set, and as ids in a URL."""
    with suppress(ValueError):
        assert b"".join(ids.split_ids(raw, most=_LIST_MOST)) == raw
    with suppress(ValueError):
        assert ids.join_id_set(ids.split_id_set(raw, most=_LIST_MOST)) == raw
    text = raw.decode("utf-8", "surrogateescape")
    for read in (ids.blob_id_from_hex, ids.volume_id_from_hex):
        with suppress(ValueError):
            assert read(text).hex() == text


def _proof(raw: bytes) -> None:
    """Read a text as a proof's header."""
    with suppress(ValueError):
        read = proof.Proof.parse(raw.decode("utf-8", "surrogateescape"))
        assert proof.Proof.parse(read.header()) == read


def _message(raw: bytes) -> None:
    """Read the rest as each kind of message; what is accepted is written and read alike."""
    for kind in KINDS:
        with suppress(MegaError):
            read = operations.parse(Response(200, {}, raw), kind)
            assert operations.parse(Response(200, {}, msgspec.json.encode(read)), kind) == read
            assert read.__class__.__name__ in repr(read)


def _message_seeds() -> list[bytes]:
    said = json.loads((vectors.FOLDER / "protocol.json").read_text(encoding="utf-8"))
    seeds = [msgspec.json.encode(step["answer_json"]) for step in said["conversation"] if "answer_json" in step]
    detail = messages.ErrorDetail(code="missing_blobs", message="gone", missing=[bytes(32)], retry_after_s=1.5)
    kdf = messages.KdfParameters(algorithm="argon2id", server_salt=bytes(32), passes=3, memory_bytes=1 << 28)
    login = messages.LoginReply(token="t" * 43, session_id="0011", slot=bytes(128))
    told = messages.AccountInfo(
        account="alice", quota_bytes=1, used_bytes=2, volumes=[messages.VolumeInfo(volume="00" * 16, revision=7)]
    )
    return [
        b'{"x":' + b"[" * 100_000,
        *seeds,
        *map(msgspec.json.encode, (messages.ErrorReply(error=detail), kdf, login, told)),
    ]


def _error(raw: bytes) -> None:
    """Translate an error answer: always one of ours, short and harmless to a terminal."""
    feed = Feed(raw)
    status = 400 + feed.number() % 200
    answer = Response(status, {"retry-after": feed.part().decode("latin-1")}, feed.rest())
    error = operations.error_of(answer)
    assert isinstance(error, MegaError)
    assert len(error.message) < 1_000
    assert error.message.isprintable()


def _error_seeds() -> list[bytes]:
    seeds = []
    for code in errors.ErrorCode:
        detail = messages.ErrorDetail(code=code, message="no", retry_after_s=2.0, missing=[bytes(32)], head=bytes(746))
        body = msgspec.json.encode(messages.ErrorReply(error=detail))
        seeds.append(bytes([errors.ERROR_KINDS[code].status - 400]) + parts(b"3") + body)
    return seeds


def _head(raw: bytes) -> None:
    """Judge any status and headers."""
    feed = Feed(raw)
    status = feed.number(2) % 1_000
    names = (headers.VERSION.lower(), "content-encoding", "retry-after", "content-length")
    fields = {name: feed.part().decode("latin-1") for name in names}
    with suppress(MegaError):
        operations.check_head(status, {name: value for name, value in fields.items() if value}, (200, 201))


# --- a whole client, from the bytes of the socket ---------------------------------------------------------------------


def client_of(raw: bytes) -> ServerClient:
    """Give a client whose server answers each connection with these bytes."""
    wire = httpx.HTTPTransport(verify=False)
    wire._pool = httpcore.ConnectionPool(network_backend=httpcore.MockBackend([raw]))
    transport = HttpTransport("http://127.0.0.1:1", wire=wire)
    return ServerClient(transport, Secret(b"t" * 43), retry=patient())


def _answer(raw: bytes) -> None:
    """Answer one operation of the client with any bytes."""
    feed = Feed(raw)
    volume = forge.KEYS.volume
    asked = feed.number()
    client = client_of(feed.rest())
    calls = (
        client.server_info,
        lambda: client.kdf("alice"),
        lambda: client.challenge("alice"),
        lambda: client.login(b"{}", "proof"),
        client.sessions,
        client.me,
        lambda: client.logout("current"),
        lambda: client.head(volume),
        lambda: client.records(volume, 1, 3),
        lambda: client.missing(volume, _IDS),
        lambda: client.commit(volume, bytes(746), _IDS),
        lambda: client.upload_pack(volume, _IDS[:1], [bytes(600)]),
        lambda: list(client.fetch_blobs(volume, _IDS)),
    )
    refusals = []
    try:
        calls[asked % len(calls)]()
    except MegaError as error:
        refusals.append(error.message)
    finally:
        client.close()
    assert all(len(message) < 1_000 for message in refusals)


def _http(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    """Write one HTTP answer of our server."""
    lines = [f"HTTP/1.1 {status}", f"{headers.VERSION}: {PROTOCOL_MAJOR}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines + ([extra] if extra else [])).encode() + b"\r\n\r\n" + body


def _answer_seeds() -> list[bytes]:
    framed = b"".join(frame_header(len(blob)) + blob for blob in (b"a" * 600, b"b" * 700, b"c" * 564)) + END
    record = bytes.fromhex(vectors.load("root-record")[0]["record"])
    limits = messages.Limits(pack_bytes=1, pack_blobs=1, ids_per_request=1, needs_per_commit=1, blobs_reply_bytes=1)
    info = messages.ServerInfo(
        version=1, software="x", origin="", signup="open", clock_ms=1, storage="memory", limits=limits
    )
    seeds = [bytes([n]) + _http(body) for n in range(1, 6) for body in _message_seeds()[-3:]]
    chunked = b"HTTP/1.1 200 OK\r\nX-Mega-Version: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    seeds += [
        b"\0" + _http(msgspec.json.encode(info)),
        b"\6" + _http(b"", "204 No Content"),
        b"\7" + _http(record),
        b"\x08" + _http(record * 3),
        b"\x09" + _http(_IDS[0]),
        b"\x0a" + _http(_error_seeds()[8][4:], "409 Conflict"),
        b"\x0b" + _http(bytes(32), "201 Created"),
        b"\x0c" + _http(framed),
        b"\x0c" + chunked,
        b"\x0c" + _http(b"{}", "503 Busy", "Retry-After: 1"),
    ]
    return seeds


TARGETS = (
    Target("frames", _frames, _frames_seeds),
    Target("pack", _pack, _pack_seeds),
    Target("ids", _ids, lambda: [bytes(32) + b"\1" * 32, b"00" * 32, b"aB" * 16]),
    Target("proof", _proof, lambda: [proof.Proof(bytes(32), b"\xff" * 32, bytes(64)).header().encode()]),
    Target("message", _message, _message_seeds),
    Target("error-answer", _error, _error_seeds),
    Target("answer-head", _head, lambda: [b"\0\xc8" + parts(b"1", b"identity", b"", b"5")]),
    Target("answer", _answer, _answer_seeds, 32 << 20),
)
