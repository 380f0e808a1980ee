"""An account of the real server in this process, its volume on one device, and visitors without an account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from flask import Flask

from mega_cli.api.client import ServerClient
from mega_cli.formats.link import parse_link
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.share.links import LinkOptions, heal, list_links, make_link
from mega_cli.share.shares import Kept, url_of
from mega_cli.share.visit import Visit, visit
from mega_cli.state.posted import PostedLinks
from mega_cli.state.seen_links import SeenLinks
from mega_cli.volume.browse import list_path
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions
from tests.kit.in_process import InProcessWire
from tests.kit.quick_account import make_account
from tests.kit.server import backend_of, make_app
from tests.server.conftest import FakeClock

ORIGIN = "http://localhost"
PASSWORD = Secret(b"open sesame, said 40 thieves")


class CutError(RuntimeError):
    """The process ended here."""


@dataclass
class CutWire(InProcessWire):
    """A wire on which a test lets the process die: before the request whose method and path contain these words."""

    cut_before: str = ""
    dropped: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, or die."""
        if self.cut_before and self.cut_before in f"{request.method} {request.url.path}":
            self.dropped.append(request.url.path)
            raise CutError
        return super().handle_request(request)


class Desk:
    """A device at work, and short forms of what it does."""

    def __init__(self, app: Flask, folder: Path, clock: FakeClock, stack: ExitStack, name: str = "alice") -> None:
        self.app, self.folder, self.clock = app, folder, clock
        self.account = make_account(app.test_client(), name)
        self.wire = CutWire(app)
        client = self.wire.connect(ORIGIN, token=self.account.token)
        self.session = stack.enter_context(self.account.volume(client, folder / "device"))
        self.posted = stack.enter_context(PostedLinks(folder / "device" / "links.db"))
        self.stack = stack

    def put(self, name: str, data: bytes = b"content", *, to: str = "/") -> None:
        """Store a file, or what a folder of the disk holds."""
        path = self.folder / "disk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.put_path(self.folder / "disk" / name.split("/", maxsplit=1)[0], to=to)

    def put_path(self, path: Path, *, to: str = "/") -> None:
        """Store what lies on the disk."""
        put(self.session, [str(path)], RemotePath.parse(to), PutOptions(), SilentProgress())

    def share(self, path: str, **options: object) -> Kept:
        """Make a link."""
        return make_link(self.session, RemotePath.parse(path), LinkOptions(**options), self.posted)  # type: ignore[arg-type]  # each option has its own type

    def heal(self, *, is_thorough: bool = False) -> int:
        """Bring the links in step."""
        return heal(self.session, self.posted, is_thorough=is_thorough)

    def url(self, kept: Kept) -> str:
        """Write a link's URL."""
        return url_of(self.session, kept)

    def visit(self, kept: Kept | str, *, password: Secret | None = None, device: str = "visitor") -> Visit:
        """Open a link on a device without an account."""
        url = parse_link(kept if isinstance(kept, str) else self.url(kept))
        (self.folder / device).mkdir(exist_ok=True)
        seen = self.stack.enter_context(SeenLinks(self.folder / device / "links-seen.db"))
        wire = InProcessWire(self.app, lies=self.wire.lies)

        def connect(base: str, token: Secret) -> ServerClient:
            return wire.connect(base, token=token)

        opened = visit(url, connect, lambda: password or PASSWORD, seen, self.clock())
        return self.stack.enter_context(opened)

    def names(self, kept: Kept | str) -> list[str]:
        """List what a link shows."""
        return [entry.path for entry in list_path(self.visit(kept, device=os.urandom(4).hex()), RemotePath())]

    def state(self, kept: Kept) -> object:
        """Give what the server says of a link."""
        return next(state.info for state in list_links(self.session) if state.kept.link_id == kept.link_id)


@pytest.fixture
def clock() -> FakeClock:
    """Give the server's clock."""
    return FakeClock()


@pytest.fixture
def desk(tmp_path: Path, clock: FakeClock) -> Iterator[Desk]:
    """Give a device with a folder `/docs` that holds two files."""
    app = make_app(tmp_path, clock=clock)
    with ExitStack() as stack:
        made = Desk(app, tmp_path, clock, stack)
        made.put("docs/one.txt")
        made.put("docs/two.txt", b"two")
        yield made
    backend_of(app).close()
