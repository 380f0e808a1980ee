"""A limit that is changed while a put runs, with real processes."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from mega_cli.model import MIB
from tests.kit.device import Device
from tests.kit.forge import fixed
from tests.kit.server import LiveServer

MOST_S = 60


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """Make a home; the tests sign up."""
    (tmp_path / "password").write_text("a long password of many words 77")
    (tmp_path / "big").write_bytes(fixed("bandwidth", 3 * MIB))
    return Device(tmp_path / "home")


def test_a_running_put_obeys_a_new_limit(device: Device, tmp_path: Path) -> None:
    """At 1 KiB a second it would take an hour; `mega bwlimit off` from another process lets it end."""
    with LiveServer(tmp_path / "data") as server:
        words = ("--server", server.url, "--password-file", str(tmp_path / "password"))
        assert device.mega("signup", *words, "--recovery-kit", str(tmp_path / "kit"), "alice").code == 0
        with device.start("put", "--bwlimit", "1K", str(tmp_path / "big"), "/") as running:
            _wait_for_sender(running.pid)
            assert device.run("bwlimit", "off").out == b"off (now off up, off down)\n"
            _, err = running.communicate(timeout=MOST_S)
        assert running.returncode == 0, err

        with device.start("get", "--bwlimit", "1K", "/big", str(tmp_path / "out")) as running:
            _wait_for_sender(running.pid)
            running.send_signal(signal.SIGINT)
            began_s = time.monotonic()
            _, err = running.communicate(timeout=MOST_S)
        assert running.returncode == 130, err
        assert time.monotonic() - began_s < MOST_S / 2, "a limit holds nobody back from leaving"
        assert not (tmp_path / "out").exists()


def _wait_for_sender(pid: int) -> None:
    """Wait until the process has the threads that move bytes."""
    began_s = time.monotonic()
    while len(list(Path(f"/proc/{pid}/task").iterdir())) < 3:
        assert time.monotonic() - began_s < MOST_S, "it does not begin"
        time.sleep(0.01)  # watching another process
