"""`mega-server link`: what is shared by links, and stopping one, on the folder of a server that serves."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import msgspec
import pytest

from mega_server.protocol import headers, limits, routes
from mega_server.protocol.messages import LinkRequest
from tests.kit.account import FakeAccount, error_of
from tests.kit.administered import Running, run

AUTH = bytes(range(32))
LINK = bytes([0xFB, *range(15)])
"""Its letters begin with a hyphen, as an option does."""
LETTERS = base64.urlsafe_b64encode(LINK).decode().rstrip("=")


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Serve one account with one link."""
    made = Running(tmp_path / "data")
    share(made.alice)
    return made


def share(alice: FakeAccount, link: bytes = LINK, **changes: object) -> None:
    """Make a link."""
    valid = LinkRequest(
        link=link,
        auth_hash=hashlib.sha256(AUTH).digest(),
        volume=alice.volume,
        seq=1,
        expires_ms=0,
        most_opened=0,
        record=bytes(limits.LINK_RECORD_BYTES),
    )
    body = msgspec.json.encode(msgspec.structs.replace(valid, **changes))
    assert alice.post(routes.LINKS, body).status_code == 201


def opens(running: Running) -> int:
    """Open the link as a visitor does; give the status."""
    words = [base64.urlsafe_b64encode(word).decode().rstrip("=") for word in (AUTH, os.urandom(32))]
    fields = {"Authorization": " ".join([headers.LINK_SCHEME, *words])}
    path = routes.path(routes.LINK_SESSION, link=LINK.hex())
    return running.app.test_client().post(path, headers=fields).status_code


def test_the_list_for_people(running: Running) -> None:
    """One line a link, below one of headings, by the id that stands in its URL."""
    opens(running)
    heading, line = run("link", "ls", "--data", running.folder).stdout.splitlines()

    assert heading.split()[:4] == ["LINK", "ACCOUNT", "CREATED", "OPENED"]
    assert line.split()[:2] == [LETTERS, running.alice.name]
    assert line.split()[3:5] == ["1", "0"]


def test_the_list_for_programs(running: Running) -> None:
    """Numbers in full; what is not set is null."""
    (found,) = json.loads(run("link", "ls", "--json", "--data", running.folder).stdout)

    assert (found["link"], found["account"], found["opened"], found["expires_ms"]) == (LETTERS, "alice", 0, None)
    assert (found["is_enabled"], found["is_revoked"], found["is_disabled"]) == (True, False, False)


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"expires_ms": 1}, "expired"), ({"most_opened": 1}, ""), ({}, "")],
    ids=["expired", "limited", "works"],
)
def test_the_list_says_why_a_link_does_not_open(running: Running, changes: dict[str, object], state: str) -> None:
    """In one word, and nothing for one that works."""
    share(running.alice, bytes(16), **changes)
    lines = run("link", "ls", "--data", running.folder).stdout.splitlines()
    line = next(line for line in lines if line.startswith("A" * 22))

    assert line.endswith(state or "never")


@pytest.mark.parametrize("name", [LETTERS, LINK.hex(), LINK.hex().upper()])
def test_a_link_is_stopped_and_works_again(running: Running, name: str) -> None:
    """By either way to write its id, at once, and without any key."""
    assert run("link", "disable", name, "--data", running.folder).output == f"{LETTERS} is disabled\n"
    assert opens(running) == 410
    assert run("link", "ls", "--data", running.folder).stdout.rstrip().endswith("disabled")
    assert run("link", "enable", name, "--data", running.folder).output == f"{LETTERS} is enabled\n"

    assert opens(running) == 200


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_a_link_that_is_not_there(running: Running, verb: str) -> None:
    """Exit 4, and a hint that works."""
    result = run("link", verb, "00" * 16, "--data", running.folder)

    assert result.exit_code == 4
    assert "this server has no such link" in result.stderr
    assert f"mega-server link ls --data {running.folder}" in result.stderr


@pytest.mark.parametrize("name", ["", "abc", "\udc80", LETTERS + "A", "zz" * 16, LETTERS[:-1] + "=", "--fast"])
def test_what_is_no_id_is_wrong_usage(running: Running, name: str) -> None:
    """Exit 2, saying what an id looks like."""
    result = run("link", "disable", "--data", running.folder, name)

    assert result.exit_code == 2
    assert "22 letters behind /s/" in result.stderr


@pytest.mark.attack("T72")
def test_an_upload_needs_an_account(running: Running) -> None:
    """Nobody stores or shares anything without one."""
    web = running.app.test_client()
    pack = routes.path(routes.PACKS, volume=running.alice.volume.hex())

    assert error_of(web.post(pack, data=b"x")).code == "unauthorized"
    assert error_of(web.post(routes.LINKS, data=b"{}")).code == "unauthorized"
