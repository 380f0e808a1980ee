"""A server in this process with one account, and `mega-server` run on its folder: for tests of administration."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner, Result

from mega_server.app import create_app
from mega_server.cli import main
from mega_server.config import Config, Signup, Storage
from mega_server.protocol import routes
from mega_server.services.backend import initialise
from tests.kit.account import FakeAccount, pack_of, random_blobs


class Running:
    """A server in this process, with one account."""

    def __init__(self, folder: Path) -> None:
        """Make both."""
        self.folder = folder
        config = Config(data_dir=folder, signup=Signup.OPEN, storage=Storage.FILESYSTEM)
        initialise(config)
        self.app = create_app(config)
        self.alice = FakeAccount(self.app.test_client()).enter()
        self.blobs: list[bytes] = []

    def store(self, count: int) -> list[bytes]:
        """Store one pack of so many new blobs."""
        blobs = random_blobs(count)
        assert self.alice.post(routes.PACKS, pack_of(blobs)).status_code == 201
        self.blobs += blobs
        return blobs


def run(*arguments: str | Path) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, [str(word) for word in arguments], prog_name="mega-server")


def run_json(*arguments: str | Path) -> dict[str, object]:
    """Run it with `--json`, to the end."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def query(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Ask, or change, a server's database behind its back."""
    with closing(sqlite3.connect(folder / "mega.db", isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def packs_in(folder: Path) -> list[Path]:
    """List the packs, in order."""
    return sorted(path for path in (folder / "store").rglob("*") if path.is_file())


def index_of(folder: Path) -> set[tuple[object, ...]]:
    """Read the blob index, without the numbers that packs have."""
    return set(query(folder, "SELECT id, name, offset, length FROM blobs JOIN packs USING (pack)"))


def flip(pack: Path, at: int = -1) -> None:
    """Change one bit of a pack."""
    raw = bytearray(pack.read_bytes())
    raw[at] ^= 1
    pack.write_bytes(raw)
