"""A device: one MEGA_HOME, on which command lines run in this process or in one of their own."""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.account import open_session, open_volume
from mega_cli.crypto.keys import MasterKeys, VolumeKeys
from mega_cli.main import main
from mega_cli.state.session import Session
from mega_cli.system.directories import Home, open_home
from mega_cli.volume.session import VolumeSession

_MOST_S = 60


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True)
class Device:
    """One home, logged in or not."""

    home: Path

    def mega(self, *words: str, stdin: bytes = b"") -> Ran:
        """Run `mega WORDS…` in this process."""
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
        handlers = list(logging.getLogger().handlers)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEGA_HOME", str(self.home))
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(words)
        for handler in set(logging.getLogger().handlers) - set(handlers):
            logging.getLogger().removeHandler(handler)
            handler.close()
        return Ran(code, _written(out), _written(err).decode())

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `mega WORDS…` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mega_cli", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"MEGA_HOME": str(self.home)},
        )

    def run(self, *words: str) -> Ran:
        """Run `mega WORDS…` in a process of its own."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=_MOST_S)
        return Ran(process.returncode, out, err.decode())

    def copy(self, home: Path) -> Device:
        """Clone the whole home, as a virtual machine is cloned."""
        shutil.copytree(self.home, home)
        return Device(home)

    def without_pin(self) -> Device:
        """Forget which revisions were seen, as on a device that has just logged in."""
        import sqlite3  # noqa: PLC0415 -- only here

        with sqlite3.connect(self.state.trust_file) as db:
            db.execute("DELETE FROM pins")
        db.close()
        return self

    @property
    def state(self) -> Home:
        """Where its files lie."""
        return open_home({"MEGA_HOME": str(self.home)})

    @property
    def session(self) -> Session:
        """What login left."""
        return open_session(self.state)

    @property
    def keys(self) -> VolumeKeys:
        """The keys of the home volume."""
        return MasterKeys(self.session.master_key, self.session.epoch).volume_keys()

    def volume(self) -> VolumeSession:
        """Open the volume."""
        return open_volume(self.state)


def _written(stream: io.TextIOWrapper) -> bytes:
    """Give what was written, and let the stream go."""
    stream.flush()
    raw = stream.detach()
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()
