"""Journeys with real processes over a real server: killed and run again, and a disk that lies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import MIB
from mega_server.protocol.packs import blob_spans
from tests.kit.device import Device, Ran
from tests.kit.forge import fixed
from tests.kit.server import LiveServer

SIZE = 96 * MIB
MOST_S = 60
PASSWORD = "a long password of many words 77"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server that keeps its blobs in a folder."""
    with LiveServer(tmp_path_factory.mktemp("server") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def alice(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """Sign up."""
    folder = tmp_path_factory.mktemp("alice")
    (folder / "password").write_text(PASSWORD)
    device = Device(folder / "home")
    told = ("--server", server.url, "--password-file", str(folder / "password"))
    ran = device.mega("signup", *told, "--recovery-kit", str(folder / "kit"), "alice")
    assert ran.code == 0, ran.err
    return device


def packs(server: LiveServer) -> list[Path]:
    """List the stored packs."""
    return [path for path in (server.data_dir / "store").rglob("*") if path.is_file()]


def stored_bytes(server: LiveServer) -> int:
    """Measure what the packs take on the server's disk."""
    return sum(path.stat().st_size for path in packs(server))


def flip_one_byte(pack: Path) -> None:
    """Change one bit in the middle of the longest blob: content, where it is longer than a page of a few names."""
    raw = bytearray(pack.read_bytes())
    offset, length = max(blob_spans(raw), key=lambda span: span[1])
    raw[offset + length // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(raw)


def received_bytes(ran: Ran) -> int:
    """Read a get's summary."""
    summary = json.loads(ran.out.splitlines()[-1])
    assert summary["message_type"] == "summary"
    return int(summary["received_bytes"])


def kill_once(device: Device, words: tuple[str, ...], is_far_enough: Callable[[], bool]) -> None:
    """Start a command and kill it, without warning, once it has come so far."""
    with device.start(*words) as process:
        began_s = time.monotonic()
        while not is_far_enough():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() - began_s < MOST_S, "it does not get on"
            time.sleep(0.005)  # watching another process
        process.kill()
        process.communicate()


def test_a_killed_put_goes_on(server: LiveServer, alice: Device, tmp_path: Path) -> None:
    """Killed at half, run again: at most 60 % is sent the second time, and the content is whole."""
    source = tmp_path / "big"
    source.write_bytes(fixed("killed put", SIZE))
    before = stored_bytes(server)
    kill_once(alice, ("put", str(source), "/"), lambda: stored_bytes(server) - before > SIZE // 2)
    at_kill = stored_bytes(server)
    ran = alice.run("put", str(source), "/")
    sent = stored_bytes(server) - at_kill

    assert ran.code == 0, ran.err
    assert 0 < sent <= SIZE * 0.6
    got = alice.run("get", "/big", str(tmp_path / "got"))
    assert got.code == 0, got.err
    assert (tmp_path / "got").read_bytes() == source.read_bytes()


def test_a_killed_get_goes_on(alice: Device, tmp_path: Path) -> None:
    """Killed at half, run again: the partial file is continued, not fetched anew."""
    source = tmp_path / "source/large"
    source.parent.mkdir()
    source.write_bytes(fixed("killed get", SIZE))
    assert alice.run("put", str(source), "/").code == 0
    out = tmp_path / "out"
    out.mkdir()

    def partial_bytes() -> int:
        return sum(path.stat().st_size for path in out.iterdir() if is_partial_name(os.fsencode(path.name)))

    kill_once(alice, ("get", "/large", str(out)), lambda: partial_bytes() > SIZE // 2)
    assert not (out / "large").exists()
    kept = partial_bytes()
    ran = alice.run("--json", "get", "/large", str(out))

    assert ran.code == 0, ran.err
    assert received_bytes(ran) <= (SIZE - kept) * 1.12 + 4 * MIB  # the padding, and the chunk that was cut
    assert (out / "large").read_bytes() == source.read_bytes()
    assert [path.name for path in out.iterdir()] == ["large"]


@pytest.mark.parametrize("size", [20_000, 3 * MIB])
def test_a_flipped_byte_on_the_servers_disk_is_found(
    server: LiveServer, alice: Device, tmp_path: Path, size: int
) -> None:
    """Exit 14, and neither a final name nor anything else is left under it."""
    source = tmp_path / f"flipped-{size}"
    source.write_bytes(fixed("flipped", size))
    before = set(packs(server))
    assert alice.run("put", str(source), "/").code == 0
    out = tmp_path / "out"
    out.mkdir()
    (pack,) = set(packs(server)) - before
    flip_one_byte(pack)
    ran = alice.run("get", f"/{source.name}", str(out))

    assert ran.code == 14, ran.err
    assert [path for path in out.iterdir() if not is_partial_name(os.fsencode(path.name))] == []
