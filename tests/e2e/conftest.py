"""Two devices of one account and their synced folders, shared by the tests of sync: each takes fresh folders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.server import LiveServer
from tests.kit.synced import MANY, Couple, Side, hurry


@pytest.fixture(scope="session")
def sync_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server."""
    with LiveServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def couple(sync_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Couple:
    """Sign up and log in."""
    return Couple(tmp_path_factory.mktemp("couple"), sync_server.url)


@pytest.fixture
def sides(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    """Give two folders of one remote folder that is not made yet."""
    hurry(monkeypatch)
    return couple.sides()


@pytest.fixture
def synced(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Give two folders that hold the same."""
    a, b = sides
    a.write("notes.txt", "first")
    a.write("docs/plan.txt", "plan")
    (a.folder / "link").symlink_to("notes.txt")
    a.sync()
    b.sync()
    assert a.tree() == b.tree() == {"docs": "/", "docs/plan.txt": "plan", "link": "notes.txt", "notes.txt": "first"}
    return a, b


@pytest.fixture
def many(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Give two folders with many files."""
    a, b = sides
    for number in range(MANY):
        a.write(f"files/{number:02}", str(number))
    a.write("other", "other")
    a.sync()
    b.sync()
    return a, b
