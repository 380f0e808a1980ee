"""Fixtures of the route tests: an application with a memory store and a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mega_server.storage.memory import MemoryStore
from tests.kit.account import FakeAccount
from tests.kit.server import backend_of, make_app


@dataclass
class FakeClock:
    """A clock that moves when told."""

    now_ms: int = 1_700_000_000_000

    def __call__(self) -> int:
        """Read it."""
        return self.now_ms

    def advance(self, seconds: float) -> None:
        """Move it on."""
        self.now_ms += int(seconds * 1_000)


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    """Give an application whose signup is open."""
    app = make_app(tmp_path, clock=clock)
    yield app
    backend_of(app).close()


@pytest.fixture
def web(app: Flask) -> FlaskClient:
    """Give a client without an account."""
    return app.test_client()


@pytest.fixture
def store(app: Flask) -> MemoryStore:
    """Give the application's store, to be broken."""
    store = backend_of(app).store
    assert isinstance(store, MemoryStore)
    return store


@pytest.fixture
def alice(app: Flask) -> FakeAccount:
    """Give an account that is logged in."""
    return FakeAccount(app.test_client()).enter()


@pytest.fixture
def mallory(app: Flask) -> FakeAccount:
    """Another account that is logged in."""
    return FakeAccount(app.test_client(), name="mallory").enter()
