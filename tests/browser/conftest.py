"""One Chromium, one real server and one account with something to share, for all tests of this folder."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.kit.chromium import Visit, started, visiting
from tests.kit.hostile_server import HostileServer
from tests.kit.server import LiveServer
from tests.kit.sharer import Sharer, make_sharer_account, open_sharer

OTHER_HOST = "files.example.org"
CONTACT = "abuse@example.org"
NOTE = "Dear visitor,\nthis is a canary note: Grüße, 你好.\n" * 20
EVIL = {
    "<img src=x onerror=alert(1)>.txt": b"a name that looks like markup",
    "invoice\u202efdp.exe": b"a name that turns its direction",
    "javascript:alert(1)": b"a name that looks like an address",
    "line\nbreak\x1b[31m.txt": b"a name with control characters",
    "page.html": b"<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='owned'\"><circle r='9'/></svg>",
    "l" * 240 + ".txt": b"a very long name",
}


@dataclass
class Place:
    """What every test of the page meets."""

    server: LiveServer
    proxy: HostileServer
    sharer: Sharer
    source: Path


Go = Callable[..., Visit]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Serve an account's files, behind a proxy that lies when a test says so."""
    folder = tmp_path_factory.mktemp("shared")
    account = make_sharer_account(folder)
    source = folder / "source"
    _fill(source)
    options = ("--signup", "open", "--verbose", "--abuse-contact", CONTACT)
    with (
        LiveServer(folder / "server", *options) as server,
        HostileServer(server.url) as proxy,
        open_sharer(server, account, folder / "device") as sharer,
    ):
        sharer.put(*sorted(source.iterdir()))
        yield Place(server, proxy, sharer, source)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a Chromium for which a host that is not this machine leads to the server too."""
    with started(f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1") as chromium:
        yield chromium


@pytest.fixture
def go(browser: Browser) -> Iterator[Go]:
    """Give what opens a visit; each one is looked through when the test ends."""
    with ExitStack() as visits:
        yield lambda **options: visits.enter_context(visiting(browser, **options))


@pytest.fixture
def proxy(place: Place) -> Iterator[HostileServer]:
    """Give the proxy, honest until the test tells it otherwise."""
    place.proxy.be_honest()
    place.proxy.forget()
    yield place.proxy
    place.proxy.be_honest()


def _fill(source: Path) -> None:
    """Write what is shared: a file of several chunks, a text, a picture, a tree, and names that mean harm."""
    (source / "holiday" / "more" / "deep").mkdir(parents=True)
    (source / "evil").mkdir()
    (source / "large.bin").write_bytes(os.urandom(8_400_000))
    (source / "report.pdf").write_bytes(b"%PDF-1.7 " + os.urandom(2_000))
    (source / "notes.txt").write_text(NOTE, encoding="utf-8")
    holiday = source / "holiday"
    (holiday / "picture.png").write_bytes(png(320, 200))
    (holiday / "notes.txt").write_text(NOTE, encoding="utf-8")
    for number in (1, 2, 10):
        (holiday / f"part {number}.bin").write_bytes(os.urandom(1_000 * number))
    (holiday / "empty.dat").write_bytes(b"")
    (holiday / "more" / "Überblick.md").write_text("# Überblick\n" * 40, encoding="utf-8")
    (holiday / "more" / "deep" / "large.bin").write_bytes(os.urandom(1_500_000))
    (holiday / "more" / "link").symlink_to("Überblick.md")
    for name, content in EVIL.items():
        (source / "evil" / name).write_bytes(content)


def png(width: int, height: int) -> bytes:
    """Draw a picture without a library: a gradient."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(bytes((x * 255 // width, y * 255 // height, 140)) for x in range(width)) for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
