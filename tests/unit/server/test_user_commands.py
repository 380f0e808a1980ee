"""`mega-server user` and `mega-server invite`: output, exit codes, hints."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from mega_server.app import create_app
from mega_server.cli import main
from mega_server.config import Config, Signup, Storage
from mega_server.protocol import routes
from mega_server.protocol.limits import GIB
from mega_server.protocol.messages import AccountInfo
from mega_server.services.backend import initialise
from tests.kit.account import FakeAccount, error_of, pack_of, random_blobs, read
from tests.kit.server import backend_of

NAMING = [("disable",), ("enable",), ("quota", "1G"), ("rm", "--yes")]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Serve a folder for invited people while the commands work on it."""
    config = Config(data_dir=tmp_path / "data", signup=Signup.OPEN, storage=Storage.FILESYSTEM)
    initialise(config)
    app = create_app(config)
    yield app
    backend_of(app).close()


@pytest.fixture
def alice(app: Flask) -> FakeAccount:
    """Give an account with one pack."""
    alice = FakeAccount(app.test_client()).enter()
    alice.post(routes.PACKS, pack_of(random_blobs(2)))
    return alice


@pytest.fixture
def data(app: Flask) -> Path:
    """Give the folder."""
    return backend_of(app).config.data_dir


def run(data: Path, *words: str, answer: str = "") -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, [*words, "--data", str(data)], input=answer, prog_name="mega-server")


def test_the_list_for_people(alice: FakeAccount, data: Path) -> None:
    """One line an account, below one of headings."""
    heading, line = run(data, "user", "ls").stdout.splitlines()

    assert heading.split() == ["ACCOUNT", "CREATED", "QUOTA", "USED", "SESSIONS", "LAST", "USE", "STATE"]
    assert re.fullmatch(rf"{alice.name} +\d{{4}}-\d\d-\d\d +50G +1\.2K +1 +\d{{4}}-\d\d-\d\d", line)


def test_the_list_for_programs(alice: FakeAccount, data: Path) -> None:
    """One document, numbers in full."""
    (user,) = json.loads(run(data, "user", "ls", "--json").stdout)

    assert (user["account"], user["quota_bytes"], user["used_bytes"]) == (alice.name, 50 * GIB, 1216)
    assert (user["sessions"], user["is_disabled"]) == (1, False)
    assert user.keys() == {
        *("account", "created_ms", "quota_bytes", "used_bytes", "sessions", "last_used_ms", "is_disabled")
    }


def test_the_list_of_nobody(app: Flask, data: Path) -> None:
    """A new server has a heading and no line."""
    assert backend_of(app).config.data_dir == data
    assert len(run(data, "user", "ls").stdout.splitlines()) == 1


def test_disable_and_enable(alice: FakeAccount, data: Path) -> None:
    """Both work at once, on the server that runs."""
    assert run(data, "user", "disable", "alice").stdout == "alice is disabled; what it stores is kept\n"
    assert error_of(alice.get(routes.ME)).code == "forbidden"
    assert "disabled" in run(data, "user", "ls").stdout
    assert run(data, "user", "enable", "alice").stdout == "alice is enabled\n"
    assert alice.get(routes.ME).status_code == 200


def test_quota(alice: FakeAccount, data: Path) -> None:
    """A size as people write it."""
    assert run(data, "user", "quota", "alice", "1536M").stdout == "alice may store 1.5G\n"
    assert read(alice.get(routes.ME), AccountInfo).quota_bytes == 1536 << 20


@pytest.mark.parametrize("size", ["much", "-1", "1.5G", "9999999999G", "9" * 40])
def test_a_size_that_is_none(alice: FakeAccount, data: Path, size: str) -> None:
    """Wrong usage is exit 2 and changes nothing; a number beyond any disk is no size either."""
    assert run(data, "user", "quota", "--", "alice", size).exit_code == 2
    assert read(alice.get(routes.ME), AccountInfo).quota_bytes == 50 * GIB


@pytest.mark.parametrize(("answer", "exit_code", "left"), [("n\n", 1, 1), ("", 1, 1), ("y\n", 0, 0)])
def test_rm_asks(alice: FakeAccount, data: Path, answer: str, exit_code: int, left: int) -> None:
    """Nothing is deleted without a yes."""
    assert run(data, "user", "rm", alice.name, answer=answer).exit_code == exit_code
    assert len([path for path in (data / "store").rglob("*") if path.is_file()]) == left


def test_rm_without_asking(alice: FakeAccount, data: Path) -> None:
    """`--yes` is for scripts; rows and files go."""
    assert run(data, "user", "rm", "--yes", alice.name).stdout == "alice is deleted\n"
    assert error_of(alice.get(routes.ME)).code == "unauthorized"
    assert not [path for path in (data / "store").rglob("*") if path.is_file()]


@pytest.mark.parametrize("words", NAMING, ids=" ".join)
def test_an_unknown_name(app: Flask, data: Path, words: tuple[str, ...]) -> None:
    """Exit 4, and the line that lists the names."""
    assert backend_of(app).config.data_dir == data
    name, *rest = words
    result = run(data, "user", name, "nobody", *rest)

    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == (
        "mega-server: error: there is no account named 'nobody'\n"
        f"mega-server: hint: list them with: mega-server user ls --data {data}\n"
    )


def test_invite(app: Flask, data: Path) -> None:
    """It prints the code and nothing else, and the code opens the server that runs, with its quota."""
    code = run(data, "invite", "--quota", "20G", "--expires", "12h").stdout.removesuffix("\n")
    alice = FakeAccount(app.test_client())

    assert len(base64.urlsafe_b64decode(code + "=")) == 20
    assert alice.signup(invite=code).status_code == 201
    assert json.loads(run(data, "user", "ls", "--json").stdout)[0]["quota_bytes"] == 20 * GIB


@pytest.mark.parametrize("time", ["0d", "7", "d", "-1d", "7y", "9" * 30 + "d", "4000d", "\uff11d"])
def test_a_time_that_is_none(app: Flask, data: Path, time: str) -> None:
    """Wrong usage is exit 2."""
    assert backend_of(app).config.data_dir == data
    assert run(data, "invite", "--expires", time).exit_code == 2


@pytest.mark.parametrize("words", [("invite",), *(("user", *words[:1], "alice", *words[1:]) for words in NAMING)])
def test_a_folder_without_a_server(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing is made by a slip of the pen."""
    result = run(tmp_path / "none", *words)

    assert result.exit_code == 10
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "words", [("invite",), *(("user", name) for name in ("ls", "disable", "enable", "quota", "rm"))]
)
def test_every_command_has_an_example(words: tuple[str, ...]) -> None:
    """`--help` ends its prose with a line that can be typed."""
    result = CliRunner().invoke(main, [*words, "--help"], prog_name="mega-server")

    assert f"Example:\n    mega-server {' '.join(words)}" in result.stdout
