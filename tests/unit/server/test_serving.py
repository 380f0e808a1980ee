"""What surrounds granian: the word to systemd, and the hold on the data folder."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from mega_server.storage.hold import HeldError, held
from tests.kit.server import LiveServer

if sys.platform == "win32":
    pytest.skip("Windows has neither systemd nor flock", allow_module_level=True)


def test_systemd_is_told_once_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY=1 arrives where NOTIFY_SOCKET says."""
    place = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(place))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(30)
        with LiveServer(tmp_path / "data"):
            assert systemd.recv(100) == b"READY=1"


def test_a_served_folder_is_held(tmp_path: Path) -> None:
    """While it is served others may share it, and nobody has it alone; afterwards somebody may."""
    with LiveServer(tmp_path / "data"):
        with held(tmp_path / "data", is_shared=True):
            pass
        with pytest.raises(HeldError), held(tmp_path / "data", is_shared=False):
            pass
    with held(tmp_path / "data", is_shared=False):
        pass
