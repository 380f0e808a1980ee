"""A server whose clock is a day off: its own clock judges its own challenges, so nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.account import connection, login, open_volume
from mega_cli.paths.remote import RemotePath
from mega_cli.system.directories import open_home
from mega_cli.volume.get import get
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import GetOptions, PutOptions
from mega_server.services.backend import now_ms
from tests.kit.in_process import InProcessWire
from tests.kit.server import make_app
from tests.unit.account.conftest import PASSWORD, URL, sign_up

DAY_MS = 86_400_000


@pytest.mark.parametrize("days", [-1, 1])
def test_a_server_a_day_off_serves(tmp_path: Path, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signup, login on another device, put and get; the file keeps its own time."""
    wire = InProcessWire(make_app(tmp_path, clock=lambda: now_ms() + days * DAY_MS))
    monkeypatch.setattr(connection, "connect", wire.connect)
    sign_up(open_home({"MEGA_HOME": str(tmp_path / "first")}), "alice", PASSWORD)
    source = tmp_path / "file"
    source.write_bytes(b"content")

    login(open_home({"MEGA_HOME": str(tmp_path / "second")}), URL, "alice", PASSWORD)
    with open_volume(open_home({"MEGA_HOME": str(tmp_path / "second")})) as session:
        put(session, [str(source)], RemotePath(), PutOptions(), SilentProgress())
        paths = [RemotePath.parse("/file")]
        get(session, paths, str(tmp_path / "back"), GetOptions(), SilentProgress())

    assert (tmp_path / "back").read_bytes() == b"content"
    assert (tmp_path / "back").stat().st_mtime_ns == source.stat().st_mtime_ns
