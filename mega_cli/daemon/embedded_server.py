"""The server of `mega quickstart`: a child process on loopback over one data folder, whose port is kept.

It never trusts what answers on that port: only a server that shows the password salt this device pinned is taken for
ours, and nothing secret is sent to find out. It relies on `mega-server` being installed beside `mega`.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mega_cli.account.connection import connect
from mega_cli.daemon.first_account import unfinished_run
from mega_cli.errors import LockedError, MegaError, NotInitialisedError
from mega_cli.model import Network
from mega_cli.state.private_files import make_private_folder, write_private_file
from mega_cli.state.trust import TrustStore
from mega_cli.system.directories import Home

HOST: Final = "127.0.0.1"
_START_S: Final = 30.0
_STOP_S: Final = 10.0
_LOOK_S: Final = 0.02


class EmbeddedServer:
    """A server that runs while the block does, unless it ran before."""

    def __init__(self, home: Home) -> None:
        """Find the data folder and the port; a port is chosen once, before the first account."""
        data = home.directories.data
        self.data_dir = data / "server"
        self.log_file = home.directories.logs / "server.log"
        self.was_running = False
        self._process: subprocess.Popen[bytes] | None = None
        port_file = data / "server-port"
        if port_file.exists() and (home.profile or unfinished_run(home)):
            self.port = int(port_file.read_text(encoding="ascii"))
        else:
            self.port = _free_port()
            write_private_file(port_file, b"%d\n" % self.port)

    @property
    def url(self) -> str:
        """Say where it is reached: also the origin of its accounts."""
        return f"http://{HOST}:{self.port}"

    @property
    def command_line(self) -> list[str]:
        """Give the words that start it by hand."""
        script = Path(sys.executable).with_name("mega-server")
        program = [str(script)] if script.exists() else [sys.executable, "-m", "mega_server"]
        return [*program, "serve", "--data", str(self.data_dir), "--port", str(self.port)]

    def start(self, home: Home, account: str) -> Self:
        """Start it, or find that it runs. Raises LockedError when something else holds its port, or MegaError."""
        if self._answers():
            if not self._is_ours(home, account):
                message = f"another program holds port {self.port}, where this server has its accounts"
                raise LockedError(message, f"stop it; to see which it is: ss -ltnp 'sport = :{self.port}'")
            self.was_running = True
            return self
        if importlib.util.find_spec("granian") is None:
            msg = "the server is not installed"
            raise NotInitialisedError(msg, "pip install 'mega-cli[server]'")
        make_private_folder(self.data_dir)
        make_private_folder(self.log_file.parent)
        words = [sys.executable, "-m", "mega_server", *self.command_line[self.command_line.index("serve") :]]
        with self.log_file.open("ab") as log:
            # In a process group of its own: a Ctrl-C on the terminal is ours to handle, and then we stop it in order.
            self._process = subprocess.Popen(  # noqa: S603 -- our own program
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0 if os.name == "posix" else None,
            )
        deadline_s = time.monotonic() + _START_S
        while not self._answers():
            if self._has_ended(_LOOK_S) or time.monotonic() > deadline_s:
                self.stop()
                msg = "the server did not start"
                raise MegaError(msg, f"see the last lines of {self.log_file}")
        return self

    def stop(self) -> None:
        """End it if it is our child: asked first, then made to."""
        if self._process is None:
            return
        self._process.terminate()
        if not self._has_ended(_STOP_S):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)  # its workers too: they would go on without it
            self._process.wait()
        self._process = None

    def stay(self, announce: Callable[[], None]) -> None:
        """Announce that it stays, then wait until Ctrl-C, or until it ends by itself, which raises MegaError."""

        def leave(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        # The waiting is over when the user says so: not an interruption, and stopping may take its time.
        before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            announce()
            self.wait()
        except KeyboardInterrupt:
            return
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        raise self.ended_by_itself()

    def wait(self) -> None:
        """Wait until it ends; from any thread."""
        assert self._process is not None, "only a server that was started here is waited for"
        self._process.wait()

    def ended_by_itself(self) -> MegaError:
        """Make the error for a server that nobody here stopped."""
        return MegaError("the server ended by itself", f"see the last lines of {self.log_file}")

    def __enter__(self) -> Self:
        """Be itself; `start` starts."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        self.stop()

    def _has_ended(self, within_s: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _answers(self) -> bool:
        """Ask whether something speaks HTTP on the port."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_START_S)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _is_ours(self, home: Home, account: str) -> bool:
        """Ask for the account's salt, which is public, and compare it with the pinned one, which nobody else can know.

        A program that asked our server for the salt before can show it too; it still gets no more than a token, and
        never a key (threat model: other users of this machine).
        """
        salt = self._known_salt(home, account)
        client = connect(self.url, Network())
        try:
            return salt is not None and client.kdf(account).server_salt == salt
        except MegaError:
            return False
        finally:
            client.close()

    def _known_salt(self, home: Home, account: str) -> bytes | None:
        if not home.profile:
            first = unfinished_run(home)
            return first.request.kdf.server_salt if first else None
        trust = TrustStore(home.trust_file)
        try:
            pinned = trust.account_pin(self.url, account)
        finally:
            trust.close()
        return pinned.server_salt if pinned else None


def _free_port() -> int:
    """Let the system choose a port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
