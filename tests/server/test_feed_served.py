"""The feed of a real `mega-server serve`: worker processes, many waiters, a stop and a restart."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from mega_server.config import Storage
from mega_server.protocol import routes
from mega_server.protocol.limits import FEED_POLL_S
from mega_server.protocol.messages import FeedReply, LoginReply
from mega_server.services.waits import FEED_WAITS
from tests.kit.account import FakeAccount, read
from tests.kit.server import LiveServer, backend_of, make_app

WORKERS = 2
DEVICES = 100
TIMEOUT_S = 30.0


class Site(NamedTuple):
    """A server whose one account has many devices."""

    server: LiveServer
    alice: FakeAccount
    tokens: list[str]

    def ask(self, method: str, path: str, token: str = "", body: bytes = b"") -> tuple[int, bytes]:
        """Send one request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT_S)) as connection:
            fields = {"Authorization": f"Bearer {token or self.tokens[0]}"}
            connection.request(method, path, body=body or None, headers=fields)
            response = connection.getresponse()
            return response.status, response.read()

    def feed(self, token: str, cursor: str = "", wait_s: int = 0) -> FeedReply:
        """Ask the feed."""
        status, body = self.ask("GET", f"{routes.FEED}?after={cursor}&wait={wait_s}", token)
        assert status == 200, body
        return msgspec.json.decode(body, type=FeedReply)

    def commit(self) -> None:
        """Move the head."""
        record = self.alice.next_record()
        path = routes.path(routes.COMMITS, volume=self.alice.volume.hex())
        assert self.ask("POST", path, body=record)[0] == 201
        self.alice.head = record

    def until_waiting(self, least: int) -> int:
        """Watch the metric until so many wait, and say how many do."""
        while True:
            text = self.ask("GET", routes.METRICS)[1].decode()
            count = int(text.partition("\nmega_feed_waits ")[2].partition("\n")[0])
            if count >= least:
                return count


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Start a server with two workers; its devices have logged in before."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM)
    alice = FakeAccount(app.test_client()).enter()
    tokens = [read(alice.login(), LoginReply).token for _ in range(DEVICES)]
    backend_of(app).close()
    with LiveServer(tmp_path / "server", "--workers", str(WORKERS)) as server:
        yield Site(server, alice, tokens)


def test_every_worker_tells_of_a_commit(site: Site) -> None:
    """Whichever worker holds a wait and whichever takes the commit, and however the cursor went between them."""
    with ThreadPoolExecutor(FEED_WAITS) as threads:
        cursor = site.feed(site.tokens[0]).cursor
        asked = [threads.submit(site.feed, token, cursor, 55) for token in site.tokens[:FEED_WAITS]]
        site.until_waiting(FEED_WAITS)
        site.commit()
        told = [future.result(TIMEOUT_S) for future in asked]

    assert [(reply.is_reset, [change.revision for change in reply.changes]) for reply in told] == [(False, [2])] * 8


def test_a_hundred_waiters_leave_room_for_work(site: Site) -> None:
    """So many wait as may; the others are told when to ask again; requests and a commit go on meanwhile."""
    with ThreadPoolExecutor(DEVICES) as threads:
        cursor = site.feed(site.tokens[0]).cursor
        asked = [threads.submit(site.feed, token, cursor, 55) for token in site.tokens]
        waiting = site.until_waiting(FEED_WAITS)
        statuses = {site.ask("GET", routes.ME)[0] for _ in range(100)}
        list(islice(as_completed(asked, TIMEOUT_S), DEVICES - WORKERS * FEED_WAITS))
        site.commit()
        told = [future.result(TIMEOUT_S) for future in asked]

    assert waiting <= WORKERS * FEED_WAITS
    assert statuses == {200}
    held = [reply for reply in told if reply.rest_s == 0]
    assert FEED_WAITS <= len(held) <= WORKERS * FEED_WAITS
    assert all(reply.changes for reply in held)
    assert all(reply.rest_s == FEED_POLL_S for reply in told if reply not in held)


def test_a_stop_does_not_wait_for_them(site: Site) -> None:
    """Everybody gets an answer, no connection is cut, and the next start resets."""
    with ThreadPoolExecutor(FEED_WAITS) as threads:
        cursor = site.feed(site.tokens[0]).cursor
        asked = [threads.submit(site.feed, token, cursor, 55) for token in site.tokens[:FEED_WAITS]]
        site.until_waiting(FEED_WAITS)
        assert site.server.stop() == 0
        told = [future.result(TIMEOUT_S) for future in asked]
    site.server.start()

    assert {(reply.is_reset, reply.rest_s) for reply in told} == {(False, 2.0)}
    assert site.feed(site.tokens[0], cursor, 55).is_reset
