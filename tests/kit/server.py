"""Servers for tests: an application on a temporary folder, and a live one in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from flask import Flask

from mega_server.app import create_app
from mega_server.auth import EXTENSION
from mega_server.config import Config, Signup, Storage
from mega_server.services.backend import Backend, initialise, now_ms

_READY = "listening on "
_START_S = 30.0
_STOP_S = 15.0


def make_app(
    tmp_path: Path,
    *,
    clock: Callable[[], int] = now_ms,
    storage: Storage = Storage.MEMORY,
    signup: Signup = Signup.OPEN,
    quota_bytes: int = 1 << 30,
    origin: str = "",
) -> Flask:
    """Build an application on a fresh SQLite file and, unless told otherwise, the memory store."""
    config = Config(
        data_dir=tmp_path / "server", origin=origin, signup=signup, quota_bytes=quota_bytes, storage=storage
    )
    initialise(config)
    return create_app(config, clock)


def backend_of(app: Flask) -> Backend:
    """Give what lies behind an application, to look at or to break."""
    backend: Backend = app.extensions[EXTENSION]
    return backend


class LiveServer:
    """A real `mega-server serve` on 127.0.0.1. A context manager; it may be stopped, killed and started again.

    The port is kept over a restart, so clients find it where it was.
    """

    def __init__(self, data_dir: Path, *options: str) -> None:
        """Remember the folder and further options of `serve`."""
        self.data_dir = data_dir
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None
        self._log: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Say where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has printed on stderr."""
        return "".join(self._log)

    @property
    def pid(self) -> int:
        """The main process; its workers are its children."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready. Raises AssertionError with its log when it is not."""
        command = [sys.executable, "-m", "mega_server", "serve", "--data", str(self.data_dir)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self._options]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MEGA_")}
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        ready = threading.Event()
        self._drain = threading.Thread(target=self._read_log, args=(self._process, ready), daemon=True)
        self._drain.start()
        assert ready.wait(_START_S), f"the server did not start:\n{self.log}"
        assert self.port, f"the server did not start:\n{self.log}"

    def stop(self) -> int:
        """Ask it to stop as an administrator would; returns its exit code."""
        assert self._process is not None, "start it first"
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def kill(self) -> None:
        """Kill it and its workers without warning, as a power cut would."""
        assert self._process is not None, "start it first"
        if sys.platform != "win32":
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def restart(self) -> None:
        """Stop it and start it on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        if self._process is not None:
            self.stop()

    def _end(self) -> int:
        assert self._process is not None
        assert self._drain is not None
        code = self._process.wait(_STOP_S)
        self._drain.join(_STOP_S)
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None
        return code

    def _read_log(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line)
            if line.startswith(_READY):
                self.port = int(line.rsplit(":", 1)[1])
                ready.set()
        ready.set()
