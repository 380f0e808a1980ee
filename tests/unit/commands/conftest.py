"""A way to run a command line in this process, and the fake volume that commands open."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from mega_cli.api.pace import Pace
from mega_cli.main import main
from mega_cli.volume.progress import Progress

OPENING = ("commands.get", "commands.trash", "commands.state", "share.places", "share.healing")
"""Modules that open the volume for commands."""


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """The one JSON document on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def documents(self) -> list[dict[str, object]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@dataclass
class FakeVolume:
    """A volume that can be opened and closed, and a note of every call a command made on its services."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    is_open: bool = False
    has_committed: bool = False

    def open(self, _home: object, _progress: Progress | None = None, _pace: Pace | None = None) -> Self:
        """Stand in for `open_volume`."""
        return self

    def __enter__(self) -> Self:
        """Open."""
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.is_open = False


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Run `mega WORDS…` in a fresh home; a log that was opened is closed again."""
    handlers = list(logging.getLogger().handlers)
    monkeypatch.setenv("MEGA_HOME", str(tmp_path / "home"))

    def run_words(*words: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(words)
        return Ran(code, *capsys.readouterr())

    yield run_words
    for handler in set(logging.getLogger().handlers) - set(handlers):
        logging.getLogger().removeHandler(handler)
        handler.close()


@pytest.fixture
def volume(monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have every command that opens the volume open a fake one."""
    fake = FakeVolume()
    for name in OPENING:
        monkeypatch.setattr(f"mega_cli.{name}.open_volume", fake.open)
    return fake
