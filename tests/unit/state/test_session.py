"""The session file."""

from __future__ import annotations

import dataclasses
import json
import traceback
from pathlib import Path

import pytest

from mega_cli.errors import NotLoggedInError
from mega_cli.model import Network, Secret
from mega_cli.state.session import Session, erase_session, load_session, save_session

SESSION = Session(
    account="alice",
    origin="https://cloud.example.org",
    server_url="https://10.0.0.1",
    token=Secret(b"t0ken" * 8),
    session_id="abc",
    master_key=Secret(b"mkmk" * 8),
    epoch=1,
    device_id=b"d" * 16,
    device_name="laptop",
    network=Network(ca_file="/etc/company.pem", proxy="http://proxy:3128"),
)


def test_a_session_is_read_back(tmp_path: Path) -> None:
    """Every field survives."""
    path = tmp_path / "alice" / "session.json"
    save_session(path, SESSION)

    assert load_session(path) == SESSION


def test_a_session_is_private(tmp_path: Path) -> None:
    """0600 in 0700, and no other file beside it."""
    path = tmp_path / "state" / "alice" / "session.json"
    save_session(path, SESSION)
    save_session(path, SESSION)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["session.json"]


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    """A folder that others could enter is made private before the key is in it."""
    folder = tmp_path / "alice"
    folder.mkdir()
    folder.chmod(0o755)
    save_session(folder / "session.json", SESSION)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_no_session_is_not_logged_in(tmp_path: Path) -> None:
    """Before login and after logout."""
    path = tmp_path / "session.json"
    save_session(path, SESSION)
    erase_session(path)
    erase_session(path)
    with pytest.raises(NotLoggedInError, match="not logged in"):
        load_session(path)


@pytest.mark.parametrize(
    "change", [{"master_key": "AAAA"}, {"device_id": ""}, {"format": 2}, {"epoch": "x"}, {"new": 1}]
)
def test_a_damaged_session_says_so_and_shows_nothing(tmp_path: Path, change: dict[str, object]) -> None:
    """The error names the file, and neither it nor its traceback holds a secret."""
    path = tmp_path / "session.json"
    save_session(path, SESSION)
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps(content | change))
    with pytest.raises(NotLoggedInError, match="damaged") as caught:
        load_session(path)
    assert content["token"] not in "".join(traceback.format_exception(caught.value))


def test_secrets_do_not_show() -> None:
    """A session can be printed."""
    shown = repr(SESSION) + str(dataclasses.replace(SESSION, account="bob"))

    assert "t0ken" not in shown
    assert "mkmk" not in shown
