"""mega as a contestant: a fresh server, account and home."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from tests.bench.contestant import Place
from tests.bench.process import Run, Server

BIN: Final = Path(sys.executable).parent
"""Where this environment's `mega`, `mega-server` and perhaps `rclone` and `py-spy` are."""
_PASSWORD = "only measured 91 with this"


class Mega:
    """An account on a server of its own."""

    def __init__(self, place: Place) -> None:
        """Use an empty folder."""
        self._folder = place.folder
        self.runner = place.runner(MEGA_HOME=str(place.folder / "home"), NO_COLOR="1")
        self.server: Server | None = None

    def open(self) -> None:
        """Start the server and sign up."""
        data, password = self._folder / "server", self._folder / "password"
        command = (BIN / "mega-server", "serve", "--data", data, "--port", "{port}", "--signup", "open")
        self.server = Server(command, self.runner.environment, self._folder / "server.log").__enter__()
        password.write_text(_PASSWORD + "\n")
        self.run(
            "signup", "bench", "--password-file", password, "--recovery-kit", self._folder / "kit",
            "--server", f"http://127.0.0.1:{self.server.port}",
        )  # fmt: skip

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> Run:
        """Run one `mega` command. Raises StepFailedError."""
        return self.runner.run((BIN / "mega", *arguments), cwd or self._folder)

    def put(self, source: Path) -> Run:
        """Store with `--json`, which tells the bytes sent."""
        return self.run("put", "--json", source.name, "/", cwd=source.parent)

    def get(self, name: str, target: Path) -> Run:
        """Fetch into an existing folder."""
        return self.run("get", "--json", f"/{name}", target)

    def uploaded_bytes(self, run: Run, since_ns: int) -> int | None:
        """Read what the summary says."""
        del since_ns
        return int(json.loads(run.stdout.splitlines()[-1])["sent_bytes"])

    def close(self) -> None:
        """Stop the server."""
        if self.server is not None:
            self.server.__exit__()
