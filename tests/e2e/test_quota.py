"""A quota reached half-way, with real processes: what was stored is kept, space can be made, the put goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.model import MIB
from tests.kit.device import Device
from tests.kit.forge import fixed
from tests.kit.server import LiveServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """Start a server that grants little."""
    with LiveServer(tmp_path / "data", "--quota", "24M") as started:
        yield started


def test_a_put_over_quota_goes_on_once_there_is_room(server: LiveServer, tmp_path: Path) -> None:
    """Exit 8; mkdir and rm still work; with a larger quota the same put sends only the rest."""
    (tmp_path / "password").write_text("a long password of many words 77")
    device = Device(tmp_path / "home")
    words = ("--server", server.url, "--password-file", str(tmp_path / "password"))
    assert device.mega("signup", *words, "--recovery-kit", str(tmp_path / "kit"), "alice").code == 0
    (tmp_path / "small").write_bytes(b"small")
    (tmp_path / "big").write_bytes(fixed("quota", 40 * MIB))
    assert device.mega("put", str(tmp_path / "small"), "/").code == 0

    over = device.run("put", str(tmp_path / "big"), "/")
    assert over.code == 8, over.err
    assert "mega: error: " in over.err
    assert "Traceback" not in over.err
    assert device.mega("mkdir", "/made").code == 0
    assert device.mega("rm", "/small").code == 0
    assert device.mega("ls").out == b"made/\n"

    grant = [sys.executable, "-m", "mega_server", "user", "quota", "--data", str(server.data_dir), "alice", "1G"]
    subprocess.run(grant, check=True, capture_output=True)
    again = device.run("put", "--json", str(tmp_path / "big"), "/")
    sent = int(again.out.rpartition(b'"sent_bytes": ')[2].partition(b",")[0])
    assert again.code == 0
    assert sent < 32 * MIB, "at least one pack was kept"
    assert device.mega("get", "/big", str(tmp_path / "back")).code == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "big").read_bytes()
