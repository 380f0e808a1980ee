"""A power cut after any step of the server: what was answered is there, and every revision reads back whole.

The real client works on the real server over a recording disk (`tests/kit/disk_model.py`). Each prefix of its log is
laid out in a new folder, with what was not safe dropped, kept or torn, and opened by the real server again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mega_cli.api.client import ServerClient
from mega_cli.api.transport import HttpTransport
from mega_cli.model import MIB
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import make_folder, remove
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions
from mega_server.app import create_app
from mega_server.config import Config, Signup
from mega_server.protocol.record_header import parse_record_header
from mega_server.services.backend import initialise
from mega_server.services.checks import check
from mega_server.storage import filesystem
from tests.kit import taps
from tests.kit.account import ORIGIN
from tests.kit.disk_model import LEAVES, Answered, Committed, Leaves, Names, RecordingDisk, Synced, Written, cut
from tests.kit.forge import fixed
from tests.kit.in_process import InProcessWire
from tests.kit.quick_account import QuickAccount, make_account
from tests.kit.readback import read_all_revisions
from tests.kit.server import backend_of
from tests.kit.wire import patient

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed by /proc")
SEEDS = int(os.environ.get("FAULTS_SEEDS", "1"))
"""Torn disks laid out for each prefix; `make faults` takes more."""


@dataclass
class TellingWire(InProcessWire):
    """Tells the disk which revision the server has acknowledged."""

    disk: RecordingDisk | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        answer = super().handle_request(request)
        if self.disk is not None and answer.status_code == 201:
            if request.url.path.endswith("/commits"):
                self.disk.answer(str(parse_record_header(request.read()[:746]).revision))
            elif request.url.path.endswith("/packs"):
                self.disk.answer("pack")
        return answer


@dataclass(frozen=True)
class Life:
    """A server's life, from the making of its folder on."""

    disk: RecordingDisk
    account: QuickAccount
    known: dict[tuple[bytes, int], str] = field(default_factory=dict)
    """What is wrong with remains that were opened: many power cuts leave the same."""


def config_in(folder: Path) -> Config:
    """Describe the server whose data lies below `folder`."""
    return Config(data_dir=folder / "server", signup=Signup.OPEN)


def client_of(wire: InProcessWire, account: QuickAccount) -> ServerClient:
    """Make the account's client over a wire."""
    return ServerClient(HttpTransport(ORIGIN, wire=wire), account.token, retry=patient())


def live(folder: Path) -> Life:
    """Make a server, an account and seven revisions while the disk is recorded."""
    root = folder / "recorded"
    (folder / "src").mkdir()
    root.mkdir()
    disk = RecordingDisk(root)
    with pytest.MonkeyPatch.context() as patch:
        taps.install(disk, [str(root)], patch.setattr)
        initialise(config_in(root))
        app = create_app(config_in(root))
        account = make_account(app.test_client(), "alice")
        disk.answer("1")
        client = client_of(TellingWire(app, disk=disk), account)
        with account.volume(client, folder / "device") as session:
            for name, size in (("small", 900), ("middle", 70_000), ("large", 3 * MIB), ("middle", 90_000)):
                (folder / "src" / name).write_bytes(fixed(f"{name} {size}", size))
                put(session, [str(folder / "src")], RemotePath.parse("/"), PutOptions(), SilentProgress())
            make_folder(session, RemotePath.parse("/made"))
            remove(session, [RemotePath.parse("/src/small")])
        backend_of(app).close()
    return Life(disk, account)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Record one life for all tests."""
    return live(tmp_path_factory.mktemp("life"))


def promised(disk: RecordingDisk, steps: int) -> int:
    """Say which revision was acknowledged within the first steps; 0 before there was an account."""
    told = [int(step.what) for step in disk.log[:steps] if isinstance(step, Answered) and step.what != "pack"]
    return max(told, default=0)


def problem_of(life: Life, folder: Path, revision: int) -> str:
    """Open what is left in `folder`, and say what is wrong with it."""
    if not (folder / "server" / "mega.db").exists():
        return "the server is gone" if revision else ""
    if not revision:
        initialise(config_in(folder))  # as every start does; an acknowledged revision has seen the end of it
    app = create_app(config_in(folder))
    try:
        damage = [finding.what for finding in check(backend_of(app), reads_data=True) if finding.is_damage]
        if damage:
            return str(damage)
        if not revision:
            return ""
        client = client_of(InProcessWire(app), life.account)
        with life.account.volume(client, folder / "reader") as session:
            head = read_all_revisions(session)
        return "" if head >= revision else f"revision {revision} was acknowledged, and the head is {head}"
    finally:
        backend_of(app).close()


def replayed(life: Life, leaves: Leaves, seed: int, folder: Path) -> Iterator[str]:
    """Cut the power after each step; give what is wrong each time."""
    for steps in range(len(life.disk.log) + 1):
        remains = cut(life.disk, steps, leaves, seed)
        revision = promised(life.disk, steps)
        key = hashlib.sha256(repr((remains.files, remains.links, remains.database)).encode()).digest(), revision
        if key not in life.known:
            place = folder / f"{leaves}-{seed}-{steps}"
            remains.write(place, "server/mega.db")
            life.known[key] = problem_of(life, place, revision)
        yield life.known[key] and f"after step {steps} of {len(life.disk.log)}, {leaves}: {life.known[key]}"


@pytest.mark.parametrize("leaves", LEAVES)
def test_every_prefix_reads_back(
    life: Life, tmp_path: Path, leaves: Leaves, record_property: Callable[[str, object], None]
) -> None:
    """Whatever the disk makes of what was not safe yet, no acknowledged revision is lost and none is damaged."""
    seeds = SEEDS if leaves == "torn" else 1
    problems = [problem for seed in range(seeds) for problem in replayed(life, leaves, seed, tmp_path)]
    record_property("prefixes", len(problems))

    assert [problem for problem in problems if problem] == []
    assert len(problems) > 80


def test_a_pack_is_safe_before_it_is_indexed_and_answered(life: Life) -> None:
    """Write, fsync, rename, fsync of the folder, commit of the index, answer: in this order, for every pack."""
    log = life.disk.log
    renamed = [(at, step) for at, step in enumerate(log) if isinstance(step, Names) and None in step.entries.values()]
    assert len(renamed) >= 6

    for at, step in renamed:
        (node,) = (node for node in step.entries.values() if node is not None)
        written = max(n for n, s in enumerate(log) if isinstance(s, Written) and s.node == node)
        synced = next(n for n, s in enumerate(log) if n > written and isinstance(s, Synced) and s.node == node)
        folder = next(n for n, s in enumerate(log) if n > at and isinstance(s, Synced) and s.node == step.folder)
        indexed = next(n for n, s in enumerate(log) if n > at and isinstance(s, Committed) and s.is_durable)
        answered = next(n for n, s in enumerate(log) if n > at and isinstance(s, Answered))
        assert written < synced < at < folder < indexed < answered


def test_a_server_that_does_not_sync_folders_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fsync of the folder, a power cut loses what was acknowledged: the model sees it."""
    monkeypatch.setattr(filesystem, "sync_folder", lambda _folder: None)
    life = live(tmp_path)

    assert any(replayed(life, "dropped", 0, tmp_path))
