"""`GET /v1/feed`: cursors, resets, and every error it declares; waiting is in `test_feed_waits`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from mega_server.app import create_app
from mega_server.protocol import routes
from mega_server.protocol.messages import FeedReply, VolumeInfo
from mega_server.services.backups import back_up
from mega_server.services.users import set_disabled
from tests.kit.account import FakeAccount, error_of, read
from tests.kit.server import backend_of


def ask(account: FakeAccount, after: str = "", wait: str = "0") -> FeedReply:
    """Ask the feed."""
    return read(account.get(routes.FEED, f"?after={after}&wait={wait}"), FeedReply)


def commit(account: FakeAccount) -> None:
    """Move the account's head."""
    record = account.next_record()
    assert account.post(routes.COMMITS, record).status_code == 201
    account.head = record


def moved(account: FakeAccount, revision: int) -> list[VolumeInfo]:
    """Write the change that tells of the account's one volume."""
    return [VolumeInfo(volume=account.volume.hex(), revision=revision)]


def test_the_first_question_is_a_reset(alice: FakeAccount) -> None:
    """Without a cursor everything is told, at once however long a wait is offered."""
    reply = ask(alice, wait="55")

    assert (reply.is_reset, reply.changes, reply.rest_s) == (True, moved(alice, 1), 0)


def test_nothing_since(alice: FakeAccount) -> None:
    """The newest cursor tells of nothing, stays itself, and whoever does not wait is told when to ask again."""
    cursor = ask(alice).cursor
    reply = ask(alice, cursor)

    assert (reply.cursor, reply.is_reset, reply.changes, reply.rest_s) == (cursor, False, [], 20)


def test_a_commit_is_told_once(alice: FakeAccount) -> None:
    """What moved since the cursor is told with its revision; the new cursor tells of nothing."""
    cursor = ask(alice).cursor
    commit(alice)
    reply = ask(alice, cursor, "55")

    assert (reply.is_reset, reply.changes, reply.rest_s) == (False, moved(alice, 2), 0)
    assert ask(alice, reply.cursor).changes == []


def test_what_others_commit_is_not_told(alice: FakeAccount, mallory: FakeAccount) -> None:
    """An account learns of its own volumes only."""
    cursor = ask(alice).cursor
    commit(mallory)

    assert ask(alice, cursor).changes == []


@pytest.mark.parametrize(
    "cursor", ["0", "zz", "0" * 32, "%00", "0" * 10_000, "-" + "0" * 31, "é" * 32, "0x" + "0" * 30, "٣" * 32]
)
def test_what_is_no_cursor_is_a_reset(alice: FakeAccount, cursor: str) -> None:
    """Nonsense is no error: anything may have changed."""
    assert ask(alice, cursor, "55").is_reset


def test_a_cursor_in_other_digits_is_a_reset(alice: FakeAccount) -> None:
    """Only the very text that was given means something: upper case, blanks and other scripts' digits do not."""
    cursor = ask(alice).cursor
    generation, sequence = cursor[:16], cursor[16:]

    for twisted in (
        generation + sequence[:-1] + "\u0661",
        generation + "+" + sequence[1:],
        generation + sequence[:-2] + "_1",
    ):
        assert ask(alice, twisted).is_reset


def test_a_foreign_cursor_is_a_reset(alice: FakeAccount, mallory: FakeAccount) -> None:
    """Two accounts at the same revision have different cursors."""
    assert ask(alice, ask(mallory).cursor).is_reset


def test_a_cursor_from_the_future_is_a_reset(alice: FakeAccount) -> None:
    """A cursor of ours that is ahead of the account is of a history that this server does not have."""
    cursor = ask(alice).cursor

    assert ask(alice, cursor[:-1] + "2").is_reset


def test_a_restart_is_a_reset(app: Flask, alice: FakeAccount) -> None:
    """The next start of the server knows no older cursors."""
    cursor = ask(alice).cursor
    again = create_app(backend_of(app).config, backend_of(app).clock)

    assert ask(replace(alice, web=again.test_client()), cursor).is_reset
    backend_of(again).close()


def test_workers_of_one_start_know_each_others_cursors(app: Flask, alice: FakeAccount) -> None:
    """A cursor of one worker is good at another, which sees its commits through the database."""
    workers = [create_app(backend_of(app).config, backend_of(app).clock, start_key=b"k" * 32) for _ in range(2)]
    first, second = (replace(alice, web=worker.test_client()) for worker in workers)
    cursor = ask(first).cursor
    commit(first)
    reply = ask(second, cursor)

    assert (reply.is_reset, reply.changes) == (False, moved(alice, 2))
    for worker in workers:
        backend_of(worker).close()


def test_a_restored_server_resets(app: Flask, alice: FakeAccount, tmp_path: Path) -> None:
    """After a restore the same revision may be another one, and no old cursor hides that."""
    config = backend_of(app).config
    back_up(config.data_dir, tmp_path / "copy")
    commit(alice)
    cursor = ask(alice).cursor
    restored = create_app(replace(config, data_dir=tmp_path / "copy"), backend_of(app).clock)
    reply = ask(replace(alice, web=restored.test_client()), cursor)

    assert (reply.is_reset, reply.changes) == (True, moved(alice, 1))
    backend_of(restored).close()


@pytest.mark.parametrize("wait", ["long", "-1", "1.5", "1e3", "9" * 20, "٣"])
def test_a_wait_is_a_number(alice: FakeAccount, wait: str) -> None:
    """Anything else is a bad request."""
    answer = alice.get(routes.FEED, f"?wait={wait}")

    assert (answer.status_code, error_of(answer).code) == (400, "bad_request")


def test_without_a_session(alice: FakeAccount) -> None:
    """Nothing is told, and nothing waits."""
    answer = replace(alice, token="").get(routes.FEED, "?wait=55")

    assert (answer.status_code, error_of(answer).code) == (401, "unauthorized")


def test_a_disabled_account(app: Flask, alice: FakeAccount) -> None:
    """It is forbidden here as everywhere."""
    set_disabled(backend_of(app), "alice", is_disabled=True)
    answer = alice.get(routes.FEED, "?wait=55")

    assert (answer.status_code, error_of(answer).code) == (403, "forbidden")


def test_a_database_that_fails(app: Flask, alice: FakeAccount) -> None:
    """It may pass: unavailable."""
    with closing(sqlite3.connect(backend_of(app).config.data_dir / "mega.db")) as connection:
        connection.execute("ALTER TABLE volumes RENAME TO gone")
    answer = alice.get(routes.FEED)

    assert (answer.status_code, error_of(answer).code) == (503, "unavailable")
