"""What a contestant must do, and where it works."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.process import Run, Runner, Server


@dataclass(frozen=True, slots=True)
class Place:
    """A contestant's own empty folder, its limits, and the variables that every command of it gets."""

    folder: Path
    timeout_s: float

    def runner(self, **variables: str) -> Runner:
        """Give a runner whose home is this folder and whose environment holds nothing of the caller's but PATH."""
        base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        return Runner(base | variables, self.folder, self.timeout_s)


class Contestant(Protocol):
    """One program with one repository and, unless it stores locally, one server of its own.

    `put` and `get` raise StepFailedError. A source's last name is the name it is stored under, replacing what was
    there; what is fetched was put last.
    """

    server: Server | None

    def open(self) -> None:
        """Start the server and make the repository or account. Raises StepFailedError."""

    def put(self, source: Path) -> Run:
        """Store a file or a folder."""

    def get(self, name: str, target: Path) -> Run:
        """Fetch what was stored under a name to `target/name`; `target` is an empty folder."""

    def uploaded_bytes(self, run: Run, since_ns: int) -> int | None:
        """Say how much the last put sent; `since_ns` is when it began."""

    def close(self) -> None:
        """Stop the server."""
