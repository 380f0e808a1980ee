"""A real server that is killed under a working client, and two that serve one folder."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mega_cli.api.client import ServerClient
from mega_cli.api.transport import HttpTransport
from mega_cli.model import KIB, MIB
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES
from mega_server.config import Storage
from tests.faults.load import loaded
from tests.kit.forge import fixed
from tests.kit.quick_account import QuickAccount, make_account
from tests.kit.readback import read_all_revisions
from tests.kit.server import LiveServer, backend_of, make_app

MOST_S = 60


@pytest.fixture
def account(tmp_path: Path) -> QuickAccount:
    """Make an account on a folder that a server is to serve."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM)
    made = make_account(app.test_client(), "alice")
    backend_of(app).close()
    return made


@pytest.fixture
def server(tmp_path: Path, account: QuickAccount) -> Iterator[LiveServer]:
    """Serve that folder."""
    assert account.name == "alice"
    with LiveServer(tmp_path / "server") as started:
        yield started


def device(server: LiveServer, account: QuickAccount, folder: Path) -> VolumeSession:
    """Open the volume on a device of its own."""
    return account.volume(ServerClient(HttpTransport(server.url), account.token), folder)


def store(session: VolumeSession, path: Path) -> None:
    """Put one file."""
    put(session, [str(path)], RemotePath.parse("/"), PutOptions(), SilentProgress())


def check_is_clean(data_dir: Path) -> None:
    """Have an administrator look."""
    command = [sys.executable, "-m", "mega_server", "check", "--read-data", "--data", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def kill_when(server: LiveServer, is_far_enough: Callable[[], bool]) -> threading.Thread:
    """Kill the server once something has come so far, and start it again on its port."""

    def work() -> None:
        deadline_s = time.monotonic() + MOST_S
        while not is_far_enough() and time.monotonic() < deadline_s:
            time.sleep(0.002)  # watching another process
        server.kill()
        server.start()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_put_outlives_its_server(server: LiveServer, account: QuickAccount, tmp_path: Path) -> None:
    """Killed in the middle of a large put and started again: the same run goes on, and ends well."""
    source = tmp_path / "large"
    source.write_bytes(fixed("outlives", 24 * MIB))

    def stored_bytes() -> int:
        return sum(path.stat().st_size for path in (server.data_dir / "store").rglob("*") if path.is_file())

    with device(server, account, tmp_path / "device") as session:
        killer = kill_when(server, lambda: stored_bytes() > 6 * MIB)
        store(session, source)
        killer.join()
        assert read_all_revisions(session) == 2
    check_is_clean(server.data_dir)


def test_commits_outlive_their_server(server: LiveServer, account: QuickAccount, tmp_path: Path) -> None:
    """Killed twice among twelve commits: each commit is there once, none is lost, none is doubled."""
    with device(server, account, tmp_path / "device") as session:
        for number in range(12):
            (tmp_path / f"{number:02}").write_bytes(fixed(str(number), 5 * KIB))
            killer = kill_when(server, lambda: True) if number % 6 == 3 else None
            store(session, tmp_path / f"{number:02}")
            if killer is not None:
                killer.join()
        assert read_all_revisions(session) == 1 + 12
        names = [entry.name for entry in open_tree(session, session.head()).folder((FILES,)).entries()]
    assert names == [f"{number:02}" for number in range(12)]
    check_is_clean(server.data_dir)


def test_two_servers_on_one_folder_are_one(server: LiveServer, account: QuickAccount, tmp_path: Path) -> None:
    """They share the folder as the workers of one server do: commits through both follow one another, none is lost."""
    with LiveServer(server.data_dir) as other:
        problems: list[BaseException] = []

        def work(to: LiveServer, name: str) -> None:
            try:
                with device(to, account, tmp_path / name) as session:
                    for number in range(8):
                        path = tmp_path / f"{name}-{number:02}"
                        path.write_bytes(fixed(path.name, 70 * KIB))
                        store(session, path)
            except BaseException as error:
                problems.append(error)
                raise

        threads = [threading.Thread(target=work, args=pair) for pair in ((server, "one"), (other, "two"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        for through in (server, other):
            with device(through, account, tmp_path / f"reader-{through.port}") as session:
                assert read_all_revisions(session) == 1 + 16
    check_is_clean(server.data_dir)


def test_twenty_clients_at_once(tmp_path: Path) -> None:
    """No answer but clean ones, every commit read back, and the server's memory stays where it was."""
    figures = loaded(20, 1, tmp_path)

    assert figures.wrong == []
    assert figures.commits == 40
    assert figures.rss_mib[-1] < figures.rss_mib[1] * 1.3 + 20
