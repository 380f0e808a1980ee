"""The members of each protocol, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mega_cli.localfs.disk import Disk
from tests.kit.disks import REAL, SIMULATED, Neighbour, disk_called
from tests.kit.remote_ends import Client, Levers, SimLevers, VolumeLevers, looking


@pytest.fixture(params=[*REAL, *SIMULATED])
def member(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each member in turn."""
    with disk_called(request.param, tmp_path, monkeypatch) as (request.node.disk, request.node.neighbour):
        yield request.param


@pytest.fixture
def disk(request: pytest.FixtureRequest, member: str) -> Disk:
    """Give the member."""
    assert member
    found: Disk = request.node.disk
    return found


@pytest.fixture
def neighbour(request: pytest.FixtureRequest, member: str) -> Neighbour:
    """Give somebody beside it."""
    assert member
    found: Neighbour = request.node.neighbour
    return found


@pytest.fixture(params=["simulated", "volume"])
def levers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Levers]:
    """Give a remote with an empty folder."""
    with ExitStack() as stack:
        yield SimLevers() if request.param == "simulated" else VolumeLevers(stack, tmp_path)


@pytest.fixture
def one(levers: Levers) -> Client:
    """Give a client that has looked."""
    return looking(levers, 1)


@pytest.fixture
def other(levers: Levers) -> Client:
    """Give another one."""
    return looking(levers, 2)
