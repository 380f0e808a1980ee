"""A server and a client as processes of their own, forked from this one, so that either can be hit and die alone.

The listening socket belongs to this process: while a server is dead its clients wait in the queue, and nothing sleeps.
This process must have one thread, as forking demands. Passwords are stretched cheaply, in these processes only.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from mega_cli.api.retry import Retry
from mega_cli.crypto import passwords
from mega_cli.main import COMMANDS, main
from mega_server.app import create_app
from mega_server.config import Config, Signup
from mega_server.services.backend import initialise
from mega_server.services.checks import check
from tests.kit.fault_plan import KILLED_CODE, FaultPlan, Mode
from tests.kit.server import backend_of
from tests.kit.taps import install

MOST_S: Final = 60
PASSWORD: Final = "a long password of many words 77"
NEW: Final = "another password of many words 78"


@dataclass(frozen=True, slots=True)
class Fault:
    """Which call of which side is hit, and how. Number 0 hits nothing: the calls are counted."""

    side: str
    mode: Mode
    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended while a fault waited: its exit code, what it said, whether and where the fault hit."""

    code: int
    err: str
    hit: str
    count: int = 0


class _Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *arguments: object) -> None:  # noqa: A002 -- werkzeug's name
        """Drop it."""


@dataclass
class FaultWorld:
    """One run's folder: `server`, `home`, `keys`, `src`, `out`. Copied from a base before each run."""

    folder: Path
    listener: socket.socket
    server_pid: int = 0
    _fired: Path = field(init=False)

    def __post_init__(self) -> None:
        """Keep what tells of a hit outside what is tapped."""
        self._fired = self.folder.with_name(self.folder.name + ".fired")
        self._count = self.folder.with_name(self.folder.name + ".count")
        self._err = self.folder.with_name(self.folder.name + ".err")

    @property
    def _config(self) -> Config:
        return Config(data_dir=self.path("server"), signup=Signup.OPEN)

    def initialise(self) -> None:
        """Make the server's folder."""
        initialise(self._config)

    def path(self, name: str) -> Path:
        """Give a file or folder of this run."""
        return self.folder / name

    def copy_from(self, base: Path) -> None:
        """Begin a run afresh."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(base, self.folder, symlinks=True)
        self._fired.unlink(missing_ok=True)
        self._count.unlink(missing_ok=True)

    def run(self, words: tuple[str, ...], fault: Fault | None = None) -> Ended:
        """Run a command line against the server, which is started when it does not run, and again when it dies."""
        if sys.platform == "win32":
            raise NotImplementedError("Windows does not fork")
        for_client = fault if fault is not None and fault.side == "client" else None
        for_server = fault if fault is not None and fault.side == "server" else None
        if for_server is not None:
            self.stop_server()
        if not self.server_pid:
            self.server_pid = _fork(lambda: self._serve(for_server))
        client_pid = _fork(lambda: self._client(words, for_client))
        while True:
            pid, status = os.wait()
            code = os.waitstatus_to_exitcode(status)
            if pid == client_pid:
                break
            assert (pid, code) == (self.server_pid, KILLED_CODE), f"the server ended with {code}: {self.server_said}"
            self.server_pid = _fork(lambda: self._serve(None))
        if for_server is not None:
            self.stop_server()
        count = int(self._count.read_text()) if self._count.exists() else 0
        hit = self._fired.read_text() if self._fired.exists() else ""
        return Ended(code, self._err.with_suffix(".client").read_text(errors="replace"), hit, count)

    @property
    def server_said(self) -> str:
        """What the server wrote on stderr."""
        return self._err.with_suffix(".server").read_text(errors="replace")

    def stop_server(self) -> None:
        """End the server, if it runs."""
        if self.server_pid:
            os.kill(self.server_pid, signal.SIGTERM)
            os.waitpid(self.server_pid, 0)
            self.server_pid = 0

    def damage(self) -> list[str]:
        """Say what `mega-server check --read-data` calls damaged."""
        backend = backend_of(create_app(self._config))
        try:
            return [finding.what for finding in check(backend, reads_data=True) if finding.is_damage]
        finally:
            backend.close()

    def _serve(self, fault: Fault | None) -> int:
        """Be the server until a signal."""
        _say_to(self._err.with_suffix(".server"))
        plan = self._planned(fault, [self.path("server")])
        app = create_app(self._config)

        def end(*_: object) -> NoReturn:
            if plan is not None:
                self._count.write_text(str(plan.count))
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        port = self.listener.getsockname()[1]
        if plan is not None:
            plan.is_armed = True
        ThreadedWSGIServer("127.0.0.1", port, app, _Quiet, fd=self.listener.fileno()).serve_forever()
        return 0

    def _client(self, words: tuple[str, ...], fault: Fault | None) -> int:
        """Be one command."""
        if sys.platform == "win32":
            raise NotImplementedError("Windows does not fork")
        _say_to(self._err.with_suffix(".client"))
        signal.alarm(MOST_S)
        os.environ["MEGA_HOME"] = str(self.path("home"))
        assert Retry.__init__.__kwdefaults__ is not None
        Retry.__init__.__kwdefaults__["sleep"] = lambda _wait_s: None  # the policy's waits are tested where it is
        plan = self._planned(fault, [self.path(name) for name in ("home", "src", "out", "keys")])
        if plan is not None:
            plan.is_armed = True
        code = main(words)
        if plan is not None:
            self._count.write_text(str(plan.count))
        return code

    def _planned(self, fault: Fault | None, roots: list[Path]) -> FaultPlan | None:
        """Tap this process; the plan begins once it is armed."""
        if fault is None:
            return None
        plan = FaultPlan(fault.number, fault.mode, self._fired)
        install(plan, [str(root) for root in roots])
        return plan


def listen() -> socket.socket:
    """Take a port of loopback for a world."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    return listener


def load_everything() -> None:
    """Import what commands import when they are called: here once, instead of in each child."""
    for name in (name for section in COMMANDS.values() for name in section):
        import_module(f"mega_cli.commands.{name.replace('-', '_')}")


def stretch_cheaply() -> None:
    """Stretch passwords at no cost, from now on and in this process: the faults are not Argon2id's."""
    passwords.stretched = lambda password, salt, policy: blake2b(
        password + salt + repr(policy).encode(), digest_size=32
    ).digest()


def _say_to(path: Path) -> None:
    """Send this process's stderr to a file, and its stdout nowhere."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(fd, 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1, errors="backslashreplace")
    sys.stdout = os.fdopen(1, "w", closefd=False)


def _fork(work: Callable[[], int]) -> int:
    """Do `work` in a child, whose exit code it gives; give the child's number."""
    if sys.platform == "win32":
        raise NotImplementedError("Windows does not fork")
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = work()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        raise
    finally:
        os._exit(code)
