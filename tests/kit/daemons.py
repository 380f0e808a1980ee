"""Real daemons, each a process of its own, and waiting for what they say of their pairs: bounded, and never by time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from mega_cli.daemon import client
from mega_cli.daemon.messages import StatusReply
from mega_cli.daemon.status import PairStatus
from tests.kit.device import Device
from tests.kit.signals import GO_ON, KILL

_MOST_S: Final = 60.0
_LOOK_S: Final = 0.1


@dataclass
class RunningDaemon:
    """The daemon of a device, and how its one pair stands. A context manager."""

    device: Device
    folder: Path
    """The folder of its pair."""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Run nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._news = threading.Condition()
        self._last: StatusReply | None = None

    def start(self) -> None:
        """Start it, and listen to it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mega_cli", "daemon", "run"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"MEGA_HOME": str(self.device.home), "MEGA_LOG": "info"} | self.environment,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        assert b"is up" in line, line + self._process.stderr.read()
        self._last = None
        threading.Thread(target=self._listen, daemon=True).start()

    def stop(self) -> None:
        """Ask it to end, as a service manager would; it must do so in order."""
        self._end(signal.SIGTERM, 0)

    def kill(self) -> None:
        """End it as the system does when there is no memory left."""
        self._end(KILL, -KILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait_for(self, what: Callable[[PairStatus], bool], most_s: float = _MOST_S) -> PairStatus:
        """Wait until its pair stands so; give how it stands then."""
        with self._news:
            is_so = self._news.wait_for(lambda: self._last is not None and any(map(what, self._last.pairs)), most_s)
            assert is_so, f"{self._last}\n{self.log}"
            assert self._last is not None
            (pair,) = self._last.pairs
            return pair

    def settle(self) -> PairStatus:
        """Wait until it says that all is up to date."""
        return self.wait_for(lambda pair: pair.state == "up-to-date")

    def until(self, what: Callable[[], bool], most_s: float = _MOST_S) -> None:
        """Wait until something is so, looking whenever the daemon says something."""
        with self._news:
            ends_s = time.monotonic() + most_s
            while not what():
                assert time.monotonic() < ends_s, f"{self._last}\n{self.log}"
                self._news.wait(_LOOK_S)

    @property
    def log(self) -> str:
        """Give what it logged."""
        path = self.device.state.daemon_log_file
        return path.read_text() if path.exists() else ""

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, however it stands."""
        if self._process is not None:
            self.kill()

    def _end(self, number: signal.Signals, code: int) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        process.send_signal(GO_ON)
        try:
            found = process.wait(20)
        finally:
            process.kill()
            assert process.stderr is not None
            process.stderr.close()
        assert found == code, self.log

    def _listen(self) -> None:
        for reply in client.follow(self.device.state):
            with self._news:
                self._last = reply
                self._news.notify_all()
