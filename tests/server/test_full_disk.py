"""A disk without room: a write is refused as something that may pass, reading goes on, and so does writing later."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from mega_server.protocol import routes
from mega_server.protocol.errors import ErrorCode
from mega_server.services import deletion
from mega_server.storage.memory import MemoryStore
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs
from tests.kit.server import backend_of
from tests.server.conftest import FakeClock
from tests.server.test_links import FakeLink


@pytest.fixture
def full_store(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Give the store a disk without room, until the patch is undone."""

    def put(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", put)
        yield patch


@pytest.fixture
def full_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the database's file grow no more: SQLite itself says that it is full. Gives what makes room again."""
    database = backend_of(app).database
    with database.reading() as connection:
        most_pages = [connection.exec_driver_sql("PRAGMA page_count").scalar()]
    writing = database.writing

    @contextmanager
    def cramped(*, is_durable: bool = True) -> Iterator[Connection]:
        with writing(is_durable=is_durable) as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {most_pages[0]}")
            yield connection

    monkeypatch.setattr(database, "writing", cramped)
    return lambda: most_pages.__setitem__(0, 1_000_000)


def test_a_store_without_room(alice: FakeAccount, full_store: pytest.MonkeyPatch) -> None:
    """A pack is refused with 503 and a time to come back; what was promised to it is given back; later it is taken."""
    blobs = random_blobs(2)
    answer = alice.post(routes.PACKS, pack_of(blobs))

    assert (answer.status_code, error_of(answer).code) == (503, ErrorCode.UNAVAILABLE)
    assert int(answer.headers["Retry-After"]) > 0
    assert alice.post(routes.MISSING, b"".join(sorted(ids_of(blobs)))).data == b"".join(sorted(ids_of(blobs)))
    full_store.undo()
    assert alice.post(routes.PACKS, pack_of(blobs)).status_code == 201


def test_a_database_without_room(alice: FakeAccount, full_database: Callable[[], None]) -> None:
    """Enough packs fill it: 503, nothing of the refused one is indexed, and with room it is taken."""
    refused = None
    for _ in range(200):
        blobs = random_blobs(40)
        answer = alice.post(routes.PACKS, pack_of(blobs))
        if answer.status_code != 201:
            refused = blobs
            break

    assert refused is not None, "the database never became full"
    assert (answer.status_code, error_of(answer).code) == (503, ErrorCode.UNAVAILABLE)
    assert alice.get(routes.HEAD).status_code == 200
    ids = b"".join(sorted(ids_of(refused)))
    assert alice.post(routes.MISSING, ids).data == ids
    full_database()
    assert alice.post(routes.PACKS, pack_of(refused)).status_code == 201
    assert alice.post(routes.COMMITS, alice.next_record() + ids).status_code == 201


@pytest.fixture
def no_room(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what takes the last room: from then on the database begins no write, as when its log cannot grow."""

    def refuse(**_: bool) -> NoReturn:
        raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database or disk is full"))

    return lambda: monkeypatch.setattr(backend_of(app).database, "writing", refuse)


def test_everything_stored_can_be_read(alice: FakeAccount, no_room: Callable[[], None], clock: FakeClock) -> None:
    """A session that would be noted as used, hours later, reads all the same."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    clock.advance(2 * 3600)
    no_room()

    assert alice.get(routes.HEAD).status_code == 200
    assert blobs[0] in alice.post(routes.BLOBS, ids_of(blobs)[0]).data


def test_a_visit_goes_on(alice: FakeAccount, web: FlaskClient, no_room: Callable[[], None]) -> None:
    """Who has opened a link reads on, although nobody counts the bytes."""
    link, token = FakeLink(alice), os.urandom(32)
    link.post()
    link.open(web, token)
    no_room()

    assert link.blobs(web, token, []).status_code == 200


def test_a_deletion_is_not_taken_back(
    alice: FakeAccount, app: Flask, no_room: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is gone and is said to be, although its packs wait for room to be forgotten."""
    alice.post(routes.PACKS, pack_of(random_blobs(1)))
    drop_account = deletion.drop_account

    def drop(connection: Connection, account: str) -> None:
        drop_account(connection, account)
        no_room()

    monkeypatch.setattr(deletion, "drop_account", drop)
    assert alice.delete().status_code == 204
    assert len(list(backend_of(app).store.packs())) == 1


@pytest.mark.usefixtures("full_store")
def test_the_log_says_why(alice: FakeAccount, caplog: pytest.LogCaptureFixture) -> None:
    """The administrator reads the system's own words; the client does not."""
    answer = alice.post(routes.PACKS, pack_of(random_blobs(1)))

    assert "No space left on device" in caplog.text
    assert b"No space" not in answer.data
