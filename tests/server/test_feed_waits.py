"""Waiting for the feed in one worker: what ends a wait, who may wait, and what waiting must not hold."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from flask import Flask

from mega_server.app import create_app
from mega_server.protocol import routes
from mega_server.protocol.messages import FeedReply, LoginReply
from mega_server.services.logins import SignedIn
from mega_server.services.users import set_disabled
from mega_server.services.waits import FEED_WAITS, Waits
from mega_server.serving import _THREADS
from mega_server.views.feed import WAITS
from tests.kit.account import FakeAccount, read
from tests.kit.server import backend_of
from tests.server.test_feed import ask, commit, moved

SOON_S = 20.0
"""No test waits so long, unless it fails."""
KEY = b"k" * 32


class Room:
    """One application's waiting room, and devices that wait in it from threads of their own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._held = 0
        self._changed = threading.Condition()
        self.waits = app.extensions[WAITS] = Waits(backend_of(app), self._count)
        self._threads = ThreadPoolExecutor(2 * FEED_WAITS)
        self._asked: list[Future[object]] = []

    def _count(self, count: int) -> None:
        with self._changed:
            self._held = count
            self._changed.notify_all()

    def until(self, count: int) -> None:
        """Wait until so many wait."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._held == count, SOON_S), f"{self._held} wait"

    def enter(self, account: FakeAccount) -> Future[tuple[int, FeedReply | None]]:
        """Let a device wait, and come back when it is held."""
        device = replace(account, web=self.app.test_client())
        cursor, before = ask(device).cursor, self._held

        def wait() -> tuple[int, FeedReply | None]:
            answer = device.get(routes.FEED, f"?after={cursor}&wait=55")
            return answer.status_code, read(answer, FeedReply) if answer.status_code == 200 else None

        asked = self._threads.submit(wait)
        self._asked.append(asked)  # type: ignore[arg-type]  # only to be waited for
        self.until(before + 1)
        return asked

    def close(self) -> None:
        """Send everybody away."""
        self.waits.stop()
        self._threads.shutdown()
        self.until(0)


def result(asked: Future[tuple[int, FeedReply | None]]) -> FeedReply:
    """Give a wait's answer, which is no error."""
    status, reply = asked.result(SOON_S)
    assert status == 200
    assert reply is not None
    return reply


def device_of(account: FakeAccount) -> FakeAccount:
    """Log in once more."""
    return replace(account, token=read(account.login(), LoginReply).token)


@pytest.fixture
def room(app: Flask) -> Iterator[Room]:
    """Give the application's room."""
    with closing(Room(app)) as room:
        yield room


def test_half_the_threads_at_most() -> None:
    """Waiters leave the other half to requests that do something."""
    assert FEED_WAITS <= _THREADS // 2


def test_a_commit_ends_the_wait(room: Room, alice: FakeAccount) -> None:
    """It is told at once, and the next question may follow at once."""
    asked = room.enter(alice)
    commit(alice)
    reply = result(asked)

    assert (reply.is_reset, reply.changes, reply.rest_s) == (False, moved(alice, 2), 0)


def test_a_commit_of_another_worker_ends_the_wait(app: Flask, alice: FakeAccount) -> None:
    """The notifier finds it in the database."""
    workers = [create_app(backend_of(app).config, backend_of(app).clock, start_key=KEY) for _ in range(2)]
    with closing(Room(workers[0])) as room:
        asked = room.enter(alice)
        commit(replace(alice, web=workers[1].test_client()))
        assert result(asked).changes == moved(alice, 2)
    for worker in workers:
        backend_of(worker).close()


def test_a_commit_before_the_notifier_looks_is_not_missed(
    room: Room, alice: FakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wait that begins when the head has moved already ends with the first look."""
    cursor, hold = ask(alice).cursor, room.waits.wait

    def late(who: SignedIn, sequence: int, wait_s: float) -> int:
        commit(alice)
        return hold(who, sequence, wait_s)

    monkeypatch.setattr(room.waits, "wait", late)
    assert ask(alice, cursor, "55").changes == moved(alice, 2)


def test_a_foreign_commit_does_not_end_it(room: Room, alice: FakeAccount, mallory: FakeAccount) -> None:
    """Two wait; the one whose account moved is told, the other goes on."""
    mine, theirs = room.enter(alice), room.enter(mallory)
    commit(mallory)

    assert result(theirs).changes == moved(mallory, 2)
    room.until(1)
    assert not mine.done()


def test_nothing_moved(alice: FakeAccount) -> None:
    """The wait's time passes: nothing is told, and the client may wait again."""
    cursor = ask(alice).cursor
    reply = ask(alice, cursor, "1")

    assert (reply.cursor, reply.changes, reply.rest_s) == (cursor, [], 0)


def test_a_session_that_ends_ends_the_wait(room: Room, alice: FakeAccount) -> None:
    """Signed out elsewhere: unauthorized, without waiting for the time to pass."""
    other = device_of(alice)
    asked = room.enter(other)
    path = routes.path(routes.SESSION, session_id="current")
    assert other.web.delete(path, headers=other.bearer).status_code == 204

    assert asked.result(SOON_S)[0] == 401


def test_an_account_that_is_deleted_ends_the_wait(room: Room, alice: FakeAccount) -> None:
    """Its sessions went with it."""
    asked = room.enter(alice)
    assert alice.delete().status_code == 204

    assert asked.result(SOON_S)[0] == 401


def test_an_account_that_is_disabled_ends_the_wait(room: Room, alice: FakeAccount) -> None:
    """Forbidden from now on."""
    asked = room.enter(alice)
    set_disabled(backend_of(room.app), "alice", is_disabled=True)

    assert asked.result(SOON_S)[0] == 403


def test_a_database_that_fails_ends_the_wait(room: Room, alice: FakeAccount) -> None:
    """Each request then says so itself, and the notifier lives on for the next."""
    asked = room.enter(alice)
    database = backend_of(room.app).config.data_dir / "mega.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE volumes RENAME TO gone")
        assert asked.result(SOON_S)[0] == 503
        connection.execute("ALTER TABLE gone RENAME TO volumes")
    asked = room.enter(alice)
    commit(alice)

    assert result(asked).changes == moved(alice, 2)


def test_waiting_holds_no_connection(room: Room, alice: FakeAccount) -> None:
    """However many wait, only the notifier ever takes a connection."""
    for _ in range(FEED_WAITS):
        room.enter(device_of(alice))
    pool = backend_of(room.app).database._engine.pool
    most = max(pool.checkedout() for _ in range(1_000))  # type: ignore[attr-defined]  # of the pool that is used

    assert most <= 1


def test_a_full_room_names_the_delay(room: Room, alice: FakeAccount) -> None:
    """One more of the same account is answered at once."""
    waiting = [room.enter(device_of(alice)) for _ in range(FEED_WAITS)]
    late = device_of(alice)
    reply = ask(late, ask(late).cursor, "55")

    assert (reply.is_reset, reply.changes, reply.rest_s) == (False, [], 20)
    assert not any(asked.done() for asked in waiting)


def test_an_account_cannot_take_the_whole_room(room: Room, alice: FakeAccount, mallory: FakeAccount) -> None:
    """The oldest wait of who holds more than his share makes room, and is told to poll."""
    theirs = [room.enter(device_of(mallory)) for _ in range(FEED_WAITS)]
    mine = threading.Thread(target=lambda: ask(alice, ask(alice).cursor, "55"))
    mine.start()

    assert result(theirs[0]).rest_s == 20
    commit(alice)
    mine.join(SOON_S)
    assert not mine.is_alive()
    assert not any(wait.done() for wait in theirs[1:])


def test_a_session_waits_once(room: Room, alice: FakeAccount) -> None:
    """A device that lost its connection asks again; the older request gives its place back."""
    older = room.enter(alice)
    cursor = ask(alice).cursor
    newer = threading.Thread(target=lambda: ask(alice, cursor, "55"))
    newer.start()

    assert result(older).rest_s == 20
    room.until(1)
    commit(alice)
    newer.join(SOON_S)
    assert not newer.is_alive()


def test_a_stop_sends_everybody_away(room: Room, alice: FakeAccount) -> None:
    """Who waits, and who comes later, asks again when the server is back."""
    asked = room.enter(alice)
    room.waits.stop()

    assert result(asked).rest_s == 2
    assert ask(alice, ask(alice).cursor, "55").rest_s == 2


def test_the_waits_are_a_metric(app: Flask, alice: FakeAccount) -> None:
    """What waits now can be watched."""
    counted = app.test_client()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, alice, ask(alice).cursor, "55")
        while "mega_feed_waits 1\n" not in counted.get(routes.METRICS).text:
            assert not asked.done(), "it was not held"
        commit(alice)

    assert "mega_feed_waits 0\n" in counted.get(routes.METRICS).text
