"""A server with one account in this process, and the devices that use it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.account import (
    complete_signup,
    connection,
    prepare_signup,
)
from mega_cli.formats.recovery_kit import decode_recovery_secret
from mega_cli.model import Secret
from mega_cli.state.session import Session
from mega_cli.system.directories import Home, open_home
from tests.kit.in_process import InProcessWire
from tests.kit.server import backend_of, make_app

URL = "http://127.0.0.1:8420"
PASSWORD = Secret(b"correct horse battery staple")


@dataclass
class Kept:
    """A keeper of kits that notes what happens to them."""

    kit_text: str = ""
    forgotten: bool = False

    def keep(self, kit_text: str) -> None:
        """Take the kit."""
        self.kit_text = kit_text

    def forget(self) -> None:
        """Note it."""
        self.forgotten = True


@dataclass(frozen=True)
class Made:
    """What a signup gives."""

    session: Session
    kit_text: str

    @property
    def recovery_secret(self) -> bytes:
        """Read it off the kit."""
        rows = [line.strip() for line in self.kit_text.splitlines() if line.startswith("    ") and line.isupper()]
        return decode_recovery_secret("".join(rows))


def sign_up(home: Home, account: str, password: Secret, *, invite: str = "", device_name: str = "") -> Made:
    """Prepare and complete."""
    kit = Kept()
    prepared = prepare_signup(URL, account, password, invite=invite)
    return Made(complete_signup(home, prepared, password, kit, device_name=device_name), kit.kit_text)


@dataclass
class World:
    """A server with one account, and the device that made it."""

    wire: InProcessWire
    folder: Path
    made: Made

    @property
    def device(self) -> Home:
        """The device that signed up."""
        return open_home({"MEGA_HOME": str(self.folder)})


@pytest.fixture(scope="module")
def signed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Sign up once: each derivation costs half a second."""
    folder = tmp_path_factory.mktemp("first")
    wire = InProcessWire(make_app(tmp_path_factory.mktemp("server")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "connect", wire.connect)
        made = sign_up(open_home({"MEGA_HOME": str(folder)}), "alice", PASSWORD, device_name="first")
        yield World(wire, folder, made)
    backend_of(wire.app).close()


@pytest.fixture
def world(signed_up: World, tmp_path: Path) -> Iterator[World]:
    """Give a copy of the device, and a server that does not lie yet."""
    shutil.copytree(signed_up.folder, tmp_path / "device")
    signed_up.wire.requests.clear()
    yield World(signed_up.wire, tmp_path / "device", signed_up.made)
    signed_up.wire.lies.clear()


@pytest.fixture
def fresh(tmp_path: Path) -> Home:
    """Give a device that has never seen the server."""
    return open_home({"MEGA_HOME": str(tmp_path / "fresh")})
