"""A store of an older release opens, one of a newer release is refused.

`first_release/` is frozen: the first release's database, as a dump, and its packs. Alice has one volume of revision 2
and three blobs, SHAKE-256 of "blob 0" and so on; her login key is 32 times 01, her recovery key 02, her writer key 03.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from flask import Flask
from nacl.signing import SigningKey

from mega_server.app import create_app
from mega_server.cli import main
from mega_server.config import Config
from mega_server.database.schema import REVISION
from mega_server.protocol import routes
from mega_server.protocol.messages import AccountInfo
from mega_server.services.backend import initialise
from tests.house.source import ROOT
from tests.kit.account import FakeAccount, read
from tests.kit.server import backend_of

FROZEN = Path(__file__).parent / "first_release"
BLOBS = [hashlib.shake_256(b"blob %d" % number).digest(600) for number in range(3)]
USERS = ("add bob", "ls", "disable alice", "enable alice", "quota alice 1G", "rm alice --yes")
COMMANDS = [
    *("serve", "init", "check", "backup COPY", "reindex", "sweep", "stats", "invite"),
    *(f"user {words}" for words in USERS),
]


def make_first_release(folder: Path) -> Config:
    """Lay the first release's data folder out."""
    shutil.copytree(FROZEN / "store", folder / "store")
    db = sqlite3.connect(folder / "mega.db")
    db.executescript((FROZEN / "mega.sql").read_text(encoding="utf-8"))
    db.close()
    return Config(data_dir=folder)


def schema_of(folder: Path) -> str:
    """Read the number of the schema."""
    db = sqlite3.connect(folder / "mega.db")
    (number,) = db.execute("SELECT version_num FROM alembic_version").fetchone()
    db.close()
    return str(number)


@pytest.fixture
def old_app(tmp_path: Path) -> Iterator[Flask]:
    """Open the first release's folder with the present code."""
    config = make_first_release(tmp_path)
    assert not initialise(config), "it was no server"
    app = create_app(config)
    yield app
    backend_of(app).close()


@pytest.fixture
def alice(old_app: Flask) -> FakeAccount:
    """Log in to the account that the first release made."""
    login, recovery, writer = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
    alice = FakeAccount(
        old_app.test_client(), login_key=login, recovery_key=recovery, writer=writer, volume=bytes(range(16))
    )
    alice.token = alice.login().get_json()["token"]
    return alice


def test_an_account_of_the_first_release_reads_its_blobs(alice: FakeAccount) -> None:
    """Every blob is there, in packs that the first release stored."""
    got = [alice.get(routes.BLOB, blob=hashlib.sha256(blob).hexdigest()).data for blob in BLOBS]

    assert got == BLOBS


def test_an_account_of_the_first_release_goes_on(alice: FakeAccount) -> None:
    """Its chain takes the next record."""
    alice.head = alice.get(routes.HEAD).data

    assert alice.post(routes.COMMITS, alice.next_record()).status_code == 201
    assert [volume.revision for volume in read(alice.get(routes.ME), AccountInfo).volumes] == [3]


def test_a_session_of_the_first_release_goes_on(old_app: Flask) -> None:
    """Nobody has to log in again after the upgrade."""
    with backend_of(old_app).database.writing() as connection:
        connection.exec_driver_sql("UPDATE sessions SET used = ?", (backend_of(old_app).clock(),))
    token = (FROZEN / "token.txt").read_text(encoding="utf-8").strip()
    answer = old_app.test_client().get(routes.ME, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200


def test_processes_that_migrate_at_once(tmp_path: Path) -> None:
    """Four of them end well, and the change is made once."""
    make_first_release(tmp_path)
    command = [sys.executable, "-m", "mega_server", "init", "--data", str(tmp_path)]
    started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]

    assert [process.communicate(timeout=60)[1] for process in started] == ["", "", "", ""]
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert schema_of(tmp_path) == REVISION


@pytest.mark.parametrize("words", COMMANDS)
def test_a_newer_schema_is_refused(tmp_path: Path, words: str) -> None:
    """Every command says so in a sentence, with a hint, exit 17, and changes nothing."""
    initialise(Config(data_dir=tmp_path))
    db = sqlite3.connect(tmp_path / "mega.db")
    db.execute("UPDATE alembic_version SET version_num = '0999'")
    db.commit()
    db.close()
    spoken = [str(tmp_path / "copy") if word == "COPY" else word for word in words.split()]
    result = CliRunner().invoke(main, [*spoken, "--data", str(tmp_path)], prog_name="mega-server")

    assert (result.exit_code, result.stdout) == (17, "")
    assert result.stderr == (
        f"mega-server: error: the database has schema 0999, and this mega-server knows none after {REVISION}\n"
        "mega-server: hint: upgrade it: pip install --upgrade 'mega-cli[server]'\n"
    )
    assert schema_of(tmp_path) == "0999"


def test_the_revision_is_the_newest_script() -> None:
    """What the code calls its schema is what its migrations end with."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(ROOT / "mega_server" / "database" / "migrations"))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_current_head() == REVISION
