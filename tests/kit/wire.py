"""A transport without sockets: scripted answers for the client's operations, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from mega_cli.api.operations import Request, Response, check_head, error_of
from mega_cli.api.retry import Retry, RetryPolicy
from mega_server.protocol import headers
from mega_server.protocol.limits import PROTOCOL_MAJOR

Answer = Response | Exception | Sequence[bytes | Exception]
"""A whole answer, a failure, or the pieces of a streamed body; a failure among the pieces cuts it."""


def answered(body: bytes = b"", status: int = 200, **extra: str) -> Response:
    """Build an answer of our version; header names are given with underscores."""
    fields = {headers.VERSION.lower(): str(PROTOCOL_MAJOR)}
    return Response(status, fields | {name.replace("_", "-"): value for name, value in extra.items()}, body)


@dataclass
class ScriptedWire:
    """Gives the answers in their order, checked as the real transport checks them."""

    answers: list[Answer]
    asked: list[Request] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    base_url: str = "http://127.0.0.1:1"
    is_closed: bool = False

    def send(self, request: Request, token: str = "") -> Response:
        """Give the next answer, or raise it."""
        answer = self._next(request, token)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Response), "a stream was scripted where a whole answer was asked for"
        if not check_head(answer.status, answer.headers, request.expects):
            raise error_of(answer)
        return answer

    def stream(self, request: Request, token: str = "") -> Generator[bytes, None, None]:
        """Yield the next answer's pieces."""
        answer = self._next(request, token)
        if isinstance(answer, Response):
            answer = [error_of(answer)]
        for piece in [answer] if isinstance(answer, Exception) else answer:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True

    def _next(self, request: Request, token: str) -> Answer:
        self.asked.append(request)
        self.tokens.append(token)
        return self.answers.pop(0)


def patient(on_wait: Callable[[str], None] = lambda _reason: None, waits: list[float] | None = None) -> Retry:
    """Build a Retry of three attempts that only notes its waits, with the longest jitter."""
    noted = [] if waits is None else waits
    return Retry(RetryPolicy(attempts=3), on_wait=on_wait, sleep=noted.append, fraction=lambda: 1.0)
