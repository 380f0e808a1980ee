"""Requests at the same moment, over one SQLite file and a store on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection

from mega_server.config import Storage
from mega_server.protocol import routes
from mega_server.protocol.messages import AccountInfo
from tests.kit.account import FakeAccount, pack_of, random_blobs, read
from tests.kit.server import backend_of, make_app

THREADS = 8


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Give an application on a real folder."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM)
    yield app
    backend_of(app).close()


@pytest.fixture
def devices(app: Flask) -> list[FakeAccount]:
    """Give one account as several devices see it."""
    alice = FakeAccount(app.test_client()).enter()
    return [replace(alice, web=app.test_client()) for _ in range(THREADS)]


def at_once(devices: list[FakeAccount], act: Callable[[FakeAccount], int]) -> Counter[int]:
    """Let every device act at the same moment; count the statuses."""
    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(act, devices))


def test_one_of_many_commits_wins(devices: list[FakeAccount]) -> None:
    """Of records over one head, exactly one becomes the head, every time."""
    for _ in range(5):
        statuses = at_once(devices, lambda device: device.post(routes.COMMITS, device.next_record()).status_code)
        assert statuses == {201: 1, 409: THREADS - 1}
        head = devices[0].get(routes.HEAD).data
        for device in devices:
            device.head = head


def test_a_commit_sent_twice_is_a_success_for_both(
    app: Flask, devices: list[FakeAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked against the head, then overtaken by its own repetition and another device's commit: still no conflict."""
    first, again, other = devices[:3]
    record = first.next_record()
    database = backend_of(app).database
    writing = database.writing

    def overtaken() -> AbstractContextManager[Connection]:
        monkeypatch.setattr(database, "writing", writing)
        assert again.post(routes.COMMITS, record).status_code == 201
        other.head = record
        assert other.post(routes.COMMITS, other.next_record()).status_code == 201
        return writing()

    monkeypatch.setattr(database, "writing", overtaken)
    assert first.post(routes.COMMITS, record).status_code == 200


def test_the_same_pack_from_many_devices_counts_once(devices: list[FakeAccount]) -> None:
    """However many send it, a pack is stored and counted once."""
    pack = pack_of(random_blobs(4))
    assert at_once(devices, lambda device: device.post(routes.PACKS, pack).status_code) == {201: THREADS}
    assert read(devices[0].get(routes.ME), AccountInfo).used_bytes == len(pack)


def test_the_quota_holds_against_many_devices(app: Flask, devices: list[FakeAccount]) -> None:
    """Uploads at the same moment do not together pass a quota that holds one of them."""
    packs = [pack_of(random_blobs(1, 3_000_000)) for _ in devices]
    for device, pack in zip(devices, packs, strict=True):
        device.head = pack
    with backend_of(app).database.writing() as connection:
        connection.exec_driver_sql("UPDATE accounts SET quota_bytes = 4000000")
    statuses = at_once(devices, lambda device: device.post(routes.PACKS, device.head).status_code)
    assert statuses == {201: 1, 507: THREADS - 1}
