"""A feed that lies, floods, stalls or answers nonsense: whoever watches it looks at the head now and then, no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import msgspec
import pytest

from mega_cli.api.client import ServerClient
from mega_cli.api.operations import server_info
from mega_cli.api.retry import RetryableError
from mega_cli.api.transport import POOL_CONNECTIONS, HttpTransport, Timeouts
from mega_cli.daemon.feed_watch import FeedWatch
from mega_cli.daemon.status import FeedState
from mega_cli.errors import IntegrityError
from mega_cli.model import Secret, VolumeId
from mega_server.protocol import routes
from mega_server.protocol.messages import FeedReply, VolumeInfo
from tests.kit.hostile_server import Answer, Call, Forward, HostileServer, Lie, instead, refusal
from tests.kit.raw_server import STALL, RawServer, http

VOLUME = VolumeId(b"\xaa" * 16)
HOUR_S = 3_600.0
MINUTES = 60
SOON_S = 20.0
NOWHERE = "http://127.0.0.1:9"
"""No lie here asks an honest server."""


class Afternoon:
    """Time that passes only while somebody rests; when it is over, whoever watches is stopped."""

    def __init__(self, length_s: float) -> None:
        self.now_s, self._length_s = 0.0, length_s
        self.at_end: Callable[[], None] = lambda: None

    def rest(self, seconds: float) -> bool:
        """Let it pass, and tell whether it is over."""
        self.now_s += seconds
        is_over = self.now_s >= self._length_s
        if is_over:
            self.at_end()
        return is_over

    def steady_s(self) -> float:
        """Read it."""
        return self.now_s

    def now_ns(self) -> int:
        """Read it as a wall clock's."""
        return int(self.now_s * 1e9)

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.rest(seconds)


class Worker:
    """Fetches the head whenever it is told that it should: the least careful listener there could be."""

    def __init__(self) -> None:
        self.fetches = 0
        self.states: set[str] = set()

    def head_moved(self) -> None:
        """Fetch it."""
        self.fetches += 1

    def head_is_at(self, revision: int | None) -> None:
        """Fetch it when a revision was named."""
        self.fetches += revision is not None

    def feed_stands(self, state: FeedState, _message: str) -> None:
        """Remember it."""
        self.states.add(state)


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a server whose feed has a rule yet to be made."""
    with HostileServer(NOWHERE) as server:
        yield server


def client_of(url: str, read_s: float = SOON_S) -> ServerClient:
    """Connect."""
    return ServerClient(HttpTransport(url, timeouts=Timeouts(read_s=read_s)), Secret(b"token"))


def watched(server: HostileServer, lie: Lie, length_s: float = HOUR_S) -> tuple[Worker, int]:
    """Watch a feed for so long; give the worker, and how many questions were asked."""
    server.lie("GET", routes.FEED, lie)
    worker, afternoon = Worker(), Afternoon(length_s)
    watch = FeedWatch(
        lambda: (client_of(server.url), VOLUME),
        lambda: None,
        worker,
        afternoon,
        wait=afternoon.rest,
        fraction=lambda: 0.5,
    )
    afternoon.at_end = watch.stop
    watch.run()
    return worker, len(server.calls)


def said(*, revision: int | None = None, is_reset: bool = False, rest_s: float = 0.0) -> bytes:
    """Write a well-formed answer."""
    changes = [] if revision is None else [VolumeInfo(volume=VOLUME.hex(), revision=revision)]
    return msgspec.json.encode(FeedReply(cursor="0a", is_reset=is_reset, changes=changes, rest_s=rest_s))


def rising() -> Lie:
    """Tell of a new revision every time, at once."""
    revisions = count(1)

    def lie(call: Call, forward: Forward) -> Answer:
        return instead(said(revision=next(revisions)))(call, forward)

    return lie


@pytest.mark.parametrize(
    "lie",
    [
        instead(said()),
        instead(said(is_reset=True)),
        instead(said(revision=2**63 - 1)),
        instead(said(is_reset=True, revision=7)),
    ],
    ids=["nothing", "reset", "the largest revision", "reset and revision"],
)
def test_a_flood_of_the_same(server: HostileServer, lie: Lie) -> None:
    """Answers at once, without delay and without news: soon one question a minute."""
    worker, questions = watched(server, lie)

    assert MINUTES <= questions <= MINUTES + 10
    assert worker.fetches <= questions


@pytest.mark.attack("T22")
def test_a_flood_of_ever_new_revisions(server: HostileServer) -> None:
    """What an honest server could say of a busy account costs one question and one fetch a second."""
    worker, questions = watched(server, rising(), 30)

    assert worker.fetches == questions <= 31


def test_a_server_that_wants_silence(server: HostileServer) -> None:
    """However long a rest it names, it is asked every minute."""
    worker, questions = watched(server, instead(said(rest_s=1e300)))

    assert (questions, worker.fetches) == (MINUTES, 0)


@pytest.mark.parametrize(
    "lie",
    [
        instead(b"garbage"),
        instead(b"[" * 60_000),
        instead(b'{"cursor":"../../me","is_reset":false,"changes":[],"rest_s":0}'),
        instead(said(), 204),
        refusal("rate_limited", 429, retry_after_s=1e12),
        refusal("rate_limited", 429, retry_after_s=-5.0),
        refusal("internal", 500),
        refusal("not_found", 404),
        refusal("bad_request", 400),
        lambda _call, _forward: Answer(302, (("Location", "http://127.0.0.1:9/"),), b""),
        lambda _call, _forward: Answer(200, (("X-Mega-Version", "1"),), said(), is_cut=True),
    ],
    ids=["garbage", "deep", "path", "204", "slow", "negative", "500", "404", "400", "redirect", "cut"],
)
@pytest.mark.attack("T22")
def test_wrong_answers(server: HostileServer, lie: Lie) -> None:
    """The feed is not heard: the head is looked at about once a minute, and the feed is asked ever less often."""
    worker, questions = watched(server, lie)

    assert questions <= 90
    assert MINUTES / 2 <= worker.fetches <= MINUTES
    assert "live" not in worker.states


def test_a_server_that_lies_about_the_session(server: HostileServer) -> None:
    """Signed out, it says: nobody asks again before there is another session."""
    worker, questions = watched(server, refusal("unauthorized", 401))

    assert (questions, worker.fetches) == (1, 1)


def test_a_huge_answer_is_not_read() -> None:
    """What says that it is longer than any feed is refused before its body."""
    head = b"HTTP/1.1 200 OK\r\nX-Mega-Version: 1\r\nContent-Length: 99999999999\r\n\r\n"
    with RawServer([head, STALL]) as server, closing(client_of(server.url)) as client, pytest.raises(IntegrityError):
        client.feed("", 0)


def test_an_endless_answer_is_cut() -> None:
    """One that does not say its length is read to the bound."""
    head = b"HTTP/1.1 200 OK\r\nX-Mega-Version: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    with (
        RawServer([head, *[chunk] * 20, STALL]) as server,
        closing(client_of(server.url)) as client,
        pytest.raises(IntegrityError),
    ):
        client.feed("", 0)


@pytest.mark.parametrize("answer", [b"", http(b"")[:20], http(b"x" * 50)[:-40]], ids=["silent", "head", "body"])
def test_an_answer_that_never_comes(answer: bytes) -> None:
    """After the wait that was asked for and the usual patience it counts as failed."""
    with (
        RawServer([answer, STALL]) as server,
        closing(client_of(server.url, read_s=0.1)) as client,
        pytest.raises(RetryableError),
    ):
        client.feed("", 0.1)


def test_a_held_question_keeps_no_other_request_waiting(server: HostileServer) -> None:
    """As many requests as ever go at once beside it."""
    is_over, all_at_once = threading.Event(), threading.Barrier(POOL_CONNECTIONS + 1)

    def held(call: Call, forward: Forward) -> Answer:
        all_at_once.wait(SOON_S)
        is_over.wait(SOON_S)
        return instead(said())(call, forward)

    def other(call: Call, forward: Forward) -> Answer:
        all_at_once.wait(SOON_S)
        return instead(b"{}")(call, forward)

    server.lie("GET", routes.FEED, held)
    server.lie("GET", routes.SERVER, other)
    transport = HttpTransport(server.url)
    with closing(ServerClient(transport)) as client, ThreadPoolExecutor(POOL_CONNECTIONS + 1) as threads:
        question = threads.submit(client.feed, "0a", 55)
        answers = list(threads.map(lambda _number: transport.send(server_info()), range(POOL_CONNECTIONS)))
        is_over.set()
        question.result(SOON_S)

    assert len(answers) == POOL_CONNECTIONS
