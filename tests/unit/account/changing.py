"""An account of its own for each test that changes one, and answers that get lost on their way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from mega_cli.account import (
    connection,
    list_sessions,
    login_at,
    passwd,
    place_of,
    recover,
    signup,
)
from mega_cli.crypto.passwords import FLOOR
from mega_cli.errors import NotLoggedInError, SafetyStopError
from mega_cli.formats.recovery_kit import Kit, read_kit
from mega_cli.model import Secret
from mega_cli.state.session import Session
from mega_cli.state.trust import TrustStore
from mega_cli.system.directories import Home, open_home
from tests.kit.in_process import InProcessWire
from tests.kit.server import backend_of, make_app
from tests.unit.account.conftest import PASSWORD, URL, Kept

NEW = Secret(b"ochre lantern seventy bricks")
SLOTS, ME = "/v1/accounts/me/slots", "/v1/accounts/me"
_numbers = itertools.count(1)


@dataclass
class Changing:
    """An account, the device that made it, and the way to the server."""

    wire: InProcessWire
    name: str
    home: Home
    kit: Kit
    folder: Path

    def fresh(self, name: str) -> Home:
        """Give another device."""
        return open_home({"MEGA_HOME": str(self.folder / name)})

    def enter(self, password: Secret, name: str = "other", account_key: Secret | None = None) -> Session:
        """Log in on another device."""
        return login_at(self.fresh(name), place_of(self.name, URL), password, account_key=account_key)

    def opens(self, password: Secret) -> bool:
        """Say whether a password is the right one."""
        try:
            self.enter(password, "opens")
        except NotLoggedInError:
            return False
        return True

    def devices(self) -> list[str]:
        """Name the sessions that the server keeps."""
        return sorted(session.session_id for session in list_sessions(self.home))


def made(wire: InProcessWire, folder: Path, *, has_account_key: bool = False) -> Changing:
    """Sign up."""
    name = f"changing-{next(_numbers)}"
    kit = Kept()
    prepared = signup.prepare_signup(URL, name, PASSWORD, has_account_key=has_account_key)
    signup.complete_signup(open_home({"MEGA_HOME": str(folder / "device")}), prepared, PASSWORD, kit)
    wire.requests.clear()
    return Changing(wire, name, open_home({"MEGA_HOME": str(folder / "device")}), read_kit(kit.kit_text), folder)


@pytest.fixture(scope="module")
def quick_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessWire]:
    """Run a server in this process; passwords are stretched with the floor's parameters, which is quicker."""
    wire = InProcessWire(make_app(tmp_path_factory.mktemp("server")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "connect", wire.connect)
        for module in (signup, passwd, recover):
            patch.setattr(module, "DEFAULT_POLICY", FLOOR)
        yield wire
    backend_of(wire.app).close()


@pytest.fixture
def changing(quick_wire: InProcessWire, tmp_path: Path) -> Changing:
    """Sign up anew."""
    return made(quick_wire, tmp_path)


def lose(monkeypatch: pytest.MonkeyPatch, wire: InProcessWire, path: str, *, times: int, is_done: bool) -> None:
    """Cut the answers to a path so many times, after the server has acted or before it hears of it."""
    honest = wire.handle_request
    left = itertools.count(times, -1)

    def cut(request: httpx.Request) -> httpx.Response:
        if request.url.path != path or request.method == "GET" or next(left) <= 0:
            return honest(request)
        if is_done:
            honest(request)
        raise httpx.ReadError("cut", request=request)

    monkeypatch.setattr(wire, "handle_request", cut)


def fill_disk_of_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be pinned any more."""

    def fail(*_: object) -> None:
        raise SafetyStopError("the disk is full", "run the same command again")

    monkeypatch.setattr(TrustStore, "pin_account", fail)
