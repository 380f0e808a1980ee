"""The command `mega-server`: output, exit codes, hints."""

from __future__ import annotations

import base64
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, Row

from mega_server.app import create_app
from mega_server.cli import main
from mega_server.config import Config, Signup, Storage
from mega_server.database import blobs
from mega_server.protocol import routes
from mega_server.services.backend import initialise
from tests.kit.account import FakeAccount, pack_of, random_blobs
from tests.kit.server import LiveServer, backend_of


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, list(arguments), env=env, prog_name="mega-server")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a server's folder that holds one pack of one account."""
    config = Config(data_dir=tmp_path / "data", signup=Signup.OPEN, storage=Storage.FILESYSTEM)
    initialise(config)
    app = create_app(config)
    FakeAccount(app.test_client()).enter().post(routes.PACKS, pack_of(random_blobs(2)))
    backend_of(app).close()
    return config.data_dir


def the_pack(data: Path) -> Path:
    """Find the one pack."""
    (pack,) = (path for path in (data / "store").rglob("*") if path.is_file())
    return pack


def test_init(tmp_path: Path) -> None:
    """`init` makes a folder that only its owner may enter, and may be repeated."""
    folder = tmp_path / "new"
    assert run("init", "--data", str(folder)).stdout == f"initialised {folder}\n"
    assert run("init", "--data", str(folder)).stdout == f"{folder} was initialised before; nothing changed\n"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_from_the_environment(tmp_path: Path) -> None:
    """Options come by MEGA_SERVER_* too."""
    assert run("init", env={"MEGA_SERVER_DATA": str(tmp_path / "new")}).exit_code == 0


def test_user_add(data: Path) -> None:
    """`user add` prints the code and nothing else."""
    result = run("user", "add", "bob", "--data", str(data))
    assert result.exit_code == 0
    assert len(base64.urlsafe_b64decode(result.stdout.strip() + "=")) == 20


def test_codes_are_not_stored(data: Path) -> None:
    """The database files hold no code."""
    code = run("user", "add", "bob", "--data", str(data)).stdout.strip().encode()
    assert not any(code in path.read_bytes() for path in data.iterdir() if path.is_file())


def test_user_add_of_an_account(data: Path) -> None:
    """A name that is taken cannot be reserved."""
    result = run("user", "add", "alice", "--data", str(data))
    assert (result.exit_code, result.stderr) == (1, "mega-server: error: an account of this name exists\n")


def test_user_add_of_no_name(data: Path) -> None:
    """A name that cannot be is refused."""
    assert run("user", "add", "No Name", "--data", str(data)).exit_code == 1


@pytest.mark.parametrize("command", [("check",), ("user", "add", "bob")])
def test_a_folder_without_a_server(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Nothing is made by a slip of the pen: exit 10 and the line to run."""
    result = run(*command, "--data", str(tmp_path / "none"))
    assert result.exit_code == 10
    assert f"mega-server: hint: make one with: mega-server init --data {tmp_path / 'none'}" in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["check", "stats", "serve"])
def test_a_damaged_database(data: Path, command: str) -> None:
    """It is said in one sentence, with the drill that helps: exit 14."""
    (data / "mega.db").write_bytes(b"not a database" * 1_000)
    result = run(command, "--data", str(data))

    assert result.exit_code == 14
    assert result.stderr == (
        "mega-server: error: the database is damaged: file is not a database\n"
        "mega-server: hint: bring it back from a backup: docs/operations.md, Lost database\n"
    )


def test_check_looks_through_the_whole_database(data: Path) -> None:
    """Pages that no query of the check would have read count as well."""
    path = data / "mega.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    result = run("check", "--data", str(data))

    assert result.exit_code == 14
    assert "the database is damaged" in result.stderr


@pytest.mark.parametrize("command", ["init", "check", "serve"])
def test_packs_without_a_database_are_no_new_server(data: Path, command: str) -> None:
    """A server whose database is lost must not come up as one that knows nobody: exit 7, and nothing is made."""
    (data / "mega.db").unlink()

    result = run(command, "--data", str(data))

    assert (result.exit_code, (data / "mega.db").exists()) == (7, False)
    assert "docs/operations.md, Lost database" in result.stderr


@pytest.mark.parametrize("words", [("init", "--data", ""), ("backup", "", "--data", "x"), ("init",)])
def test_no_name_is_not_the_present_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """An unset variable in a script gives an empty name: exit 2, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    assert run(*words, env={"MEGA_SERVER_DATA": ""}).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_no_address_is_not_every_address(tmp_path: Path) -> None:
    """An empty --host is refused before a folder is made."""
    assert run("serve", "--host", "", "--data", str(tmp_path / "data")).exit_code == 2
    assert not (tmp_path / "data").exists()


def test_check(data: Path) -> None:
    """A whole server has no damage."""
    result = run("check", "--read-data", "--data", str(data))
    assert (result.exit_code, result.stdout) == (0, "no damage; 0 orphan packs\n")


def test_check_finds_a_lost_pack(data: Path) -> None:
    """A pack that is gone is damage: exit 14."""
    the_pack(data).unlink()
    result = run("check", "--data", str(data))
    assert result.exit_code == 14
    assert "the pack is lost, and 2 blobs with it" in result.stdout


def test_check_is_not_misled_by_a_deletion(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs of an account that is deleted while they are checked are not damaged."""
    pack_rows = blobs.pack_rows

    def look_then_delete(connection: Connection) -> list[Row[Any]]:
        found = pack_rows(connection)
        assert run("user", "rm", "alice", "--yes", "--data", str(data)).exit_code == 0
        return found

    monkeypatch.setattr(blobs, "pack_rows", look_then_delete)
    result = run("check", "--data", str(data))

    assert (result.exit_code, result.stdout) == (0, "no damage; 0 orphan packs\n")


def test_check_finds_a_cut_pack(data: Path) -> None:
    """A pack that is too short is damage without reading it."""
    pack = the_pack(data)
    pack.write_bytes(pack.read_bytes()[:-1])
    assert run("check", "--data", str(data)).exit_code == 14


@pytest.mark.parametrize(("option", "exit_code"), [([], 0), (["--read-data"], 14)])
def test_check_finds_a_flipped_byte(data: Path, option: list[str], exit_code: int) -> None:
    """Only reading finds a changed byte, and names the blob."""
    pack = the_pack(data)
    content = bytearray(pack.read_bytes())
    content[-1] ^= 1
    pack.write_bytes(content)
    assert run("check", *option, "--data", str(data)).exit_code == exit_code


def test_check_reports_orphans(data: Path) -> None:
    """A pack in no index costs room and nothing else: exit 0."""
    pack = the_pack(data)
    pack.with_name("00" * 32).write_bytes(b"left over")
    result = run("check", "--data", str(data))
    assert result.exit_code == 0
    assert result.stdout.endswith("no damage; 1 orphan packs\n")


def left_over(data: Path, hours: float) -> Path:
    """Leave what a killed upload leaves, so many hours ago."""
    partial = the_pack(data).with_name(f"{'00' * 32}.0011223344556677.part")
    partial.write_bytes(b"cut")
    written_s = time.time() - hours * 3_600
    os.utime(partial, (written_s, written_s))
    return partial


@pytest.mark.parametrize(("hours", "orphans"), [(0.5, 0), (2.0, 1)])
def test_check_reports_what_killed_uploads_left(data: Path, hours: float, orphans: int) -> None:
    """A partial file costs room; one that may still be written is not spoken of."""
    left_over(data, hours)
    result = run("check", "--data", str(data))
    assert result.exit_code == 0
    assert result.stdout.endswith(f"no damage; {orphans} orphan packs\n")


@pytest.mark.parametrize(("hours", "stays"), [(23.0, True), (25.0, False)])
def test_serve_removes_what_was_left_long_ago(data: Path, hours: float, *, stays: bool) -> None:
    """A partial file older than a day goes when the server starts."""
    partial = left_over(data, hours)
    with LiveServer(data):
        assert partial.exists() is stays


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "70000"),
        ("serve", "--origin", "ftp://x"),
        ("serve", "--quota", "much"),
        ("serve", "--signup", "sometimes"),
        ("serve",),
        ("nothing",),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Wrong usage is exit 2 and starts nothing."""
    data = () if arguments == ("serve",) else ("--data", str(tmp_path / "x"))
    assert run(*arguments, *data).exit_code == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", [(), ("init",), ("serve",), ("user", "add"), ("check",)])
def test_every_command_has_an_example(command: tuple[str, ...]) -> None:
    """`--help` ends its prose with a line that can be typed."""
    assert "Example:\n    mega-server" in run(*command, "--help").stdout
