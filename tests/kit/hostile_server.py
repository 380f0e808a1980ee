"""A server that lies: a proxy before the real one, with rules that change what passes, and a record of all of it.

A rule sees a request and a way to ask the real server; it gives the answer. So it can replace, flip, truncate, reorder,
replay, swallow or cut. The first rule that fits decides; without one everything passes as it is.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from mega_server.protocol.frames import read_frames
from mega_server.protocol.messages import ErrorDetail, ErrorReply

_NOT_PASSED_ON = {"transfer-encoding", "connection", "content-length", "keep-alive"}

_STALL_S = 30.0


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def raw(self) -> bytes:
        """Every byte that says something."""
        lines = [f"{self.method} {self.path}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Answer:
    """One answer as it is sent. `is_cut`: the connection breaks before the promised length is reached.

    `stall`: nothing comes after these bytes, though more was promised, until it is set.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_cut: bool = False
    stall: threading.Event | None = None

    def with_header(self, name: str, value: str) -> Answer:
        """Add or replace a header."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


Forward = Callable[[], Answer]
Lie = Callable[[Call, Forward], Answer]


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    lie: Lie
    times: int


@dataclass
class HostileServer:
    """Listens on loopback and passes everything on to `upstream`, rules permitting. A context manager."""

    upstream: str
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """In step with `calls` for a client that sends one request after another."""
    history: list[bytes] = field(default_factory=list)
    """Every byte ever received; `forget` leaves it alone."""
    _rules: list[_Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take a port."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Say where it listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        """What was asked, in order, without ids: `GET head`, `POST blobs`."""
        return [f"{call.method} {call.path.partition('?')[0].rsplit('/', 1)[1]}" for call in self.calls]

    def lie(self, method: str, path: str, lie: Lie, *, times: int = 1_000_000) -> None:
        """Let `lie` answer requests whose path matches the expression, the first `times` of them."""
        self._rules.append(_Rule(method, re.compile(path), lie, times))

    def be_honest(self) -> None:
        """Drop all rules."""
        self._rules.clear()

    def forget(self) -> None:
        """Begin a new list of calls."""
        self.calls.clear()
        self.answers.clear()

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, call: Call) -> Answer:
        """Answer by the first rule that fits."""
        with self._lock:
            self.calls.append(call)
            self.history.append(call.raw)
            rule = next((rule for rule in self._rules if rule.times and _fits(rule, call)), None)
            if rule is not None:
                rule.times -= 1
        given = rule.lie(call, lambda: self._forward(call)) if rule is not None else self._forward(call)
        with self._lock:
            self.answers.append(given)
        return given

    def _forward(self, call: Call) -> Answer:
        """Ask the real server the same."""
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=30)
        try:
            connection.putrequest(call.method, call.path, skip_host=True, skip_accept_encoding=True)
            for name, value in call.headers:
                if name.lower() not in _NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body)
            response = connection.getresponse()
            kept = tuple(pair for pair in response.getheaders() if pair[0].lower() not in _NOT_PASSED_ON)
            return Answer(response.status, kept, response.read())
        finally:
            connection.close()


def _fits(rule: _Rule, call: Call) -> bool:
    return rule.method == call.method and rule.path.search(call.path) is not None


def _handler(server: HostileServer) -> type[BaseHTTPRequestHandler]:
    """Make the class that http.server wants for one proxy."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            given = server.answer(Call(self.command, self.path, tuple(self.headers.items()), body))
            with suppress(ConnectionError):  # a client that gave up
                self._send(given)

        def _send(self, given: Answer) -> None:
            self.send_response_only(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body) + (1 if given.is_cut or given.stall else 0)))
            self.end_headers()
            self.wfile.write(given.body)
            if given.stall is not None:
                given.stall.wait(_STALL_S)
            self.close_connection = self.close_connection or given.is_cut or given.stall is not None

        do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 -- the names that http.server calls

        def log_message(self, *_details: Any) -> None:
            """Print nothing."""

    return Handler


# --- common lies ------------------------------------------------------------------------------------------------------


def on_body(change: Callable[[bytes], bytes]) -> Lie:
    """Change the body of the real answer."""

    def lie(_call: Call, forward: Forward) -> Answer:
        honest = forward()
        return replace(honest, body=change(honest.body))

    return lie


def on_json(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Lie:
    """Change the JSON of the real answer."""
    return on_body(lambda body: msgspec.json.encode(change(msgspec.json.decode(body))))


def on_frames(change: Callable[[list[bytes]], list[bytes]]) -> Lie:
    """Change the blobs of a framed answer: which, how many, in what order."""
    return on_body(lambda body: frames(change(blobs_of(body))))


def instead(body: bytes, status: int = 200, **extra: str) -> Lie:
    """Answer without asking the real server."""
    fields = (("X-Mega-Version", "1"), *((name.replace("_", "-"), value) for name, value in extra.items()))
    return lambda _call, _forward: Answer(status, fields, body)


def refusal(code: str, status: int, **details: Any) -> Lie:
    """Refuse as our server does."""
    detail = ErrorDetail(code=code, message="no", **details)
    return instead(msgspec.json.encode(ErrorReply(error=detail)), status)


def blobs_of(body: bytes) -> list[bytes]:
    """Read the blobs of a framed answer in which none is absent."""
    return [frame for frame in read_frames([body]) if isinstance(frame, bytes)]


def frames(blobs: list[bytes]) -> bytes:
    """Write a framed answer."""
    return b"".join(len(blob).to_bytes(4, "big") + blob for blob in blobs) + bytes(4)
