"""Many clients at once on one real server: `python -m tests.faults.load --clients 200`.

Each client is the real one, on a device of its own, in an account that some others share. It rides out what the server
asks it to wait for. It prints one line of figures, and ends with exit 1 when anything was lost or unclean.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from mega_cli.api.client import ServerClient
from mega_cli.api.transport import HttpTransport
from mega_cli.crypto.content import content_digest
from mega_cli.errors import MegaError
from mega_cli.model import KIB
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions, PutStream
from mega_cli.volume.tree import FILES
from mega_server.config import Storage
from tests.kit.forge import fixed
from tests.kit.quick_account import QuickAccount, make_account
from tests.kit.server import LiveServer, backend_of, make_app
from tests.kit.taps import Call, install

PROCESSES: Final = 4
ACCOUNTS_MOST: Final = 25
"""Fewer than one address may make in a burst."""
WAVES: Final = 2
CLEAN: Final = frozenset({200, 201, 409})
"""Answers of a server that does its work: 409 is another device's commit."""
WAIT: Final = frozenset({429, 503})


@dataclass
class Figures:
    """What happened."""

    clients: int
    commits: int = 0
    took_s: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    rss_mib: list[float] = field(default_factory=list)
    """Of the server's processes together: idle, and the most in each wave."""
    wrong: list[str] = field(default_factory=list)


class _Statuses:
    """Counts answers, and those that ask to wait without saying how long."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def before(self, call: Call) -> None:
        """See nothing yet."""

    def after(self, call: Call, result: object) -> None:  # noqa: ARG002 -- the protocol's argument
        """Count an answer."""
        if isinstance(result, httpx.Response):
            status = result.status_code
            is_clean = status in CLEAN or (status in WAIT and "retry-after" in result.headers)
            with self._lock:
                self.seen[str(status) if is_clean else f"unclean {status}"] += 1


class _Content:
    """The bytes of one file, as a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on."""
        count = min(len(buffer), len(self._data))
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


@dataclass(frozen=True)
class _Share:
    """What one process does in one wave: clients by number, each with its account's keys and token."""

    url: str
    folder: Path
    wave: int
    commits: int
    clients: list[tuple[int, QuickAccount]]


def name_of(client: int, wave: int, number: int) -> str:
    """Name a file."""
    return f"{client:03}-{wave}-{number}"


def content_of(name: str) -> bytes:
    """Tell a file's content from its name: mostly small, some of several chunks."""
    return fixed(name, 400 * KIB if name.endswith("7-0-0") else 20 * KIB)


def run_share(share: _Share) -> tuple[Counter[str], int, list[str]]:
    """Let the clients of one process work at once; give statuses, waits and what went wrong."""
    statuses = _Statuses()
    install(statuses, [])
    waits: list[str] = []

    def work(client: int, account: QuickAccount) -> str:
        server = ServerClient(HttpTransport(share.url), account.token, on_wait=waits.append)
        try:
            with account.volume(server, share.folder / f"device-{client}") as session:
                for number in range(share.commits):
                    name = name_of(client, share.wave, number)
                    stream = PutStream(_Content(content_of(name)))
                    put(session, [stream], RemotePath.parse("/" + name), PutOptions(), SilentProgress())
        except MegaError as error:
            return f"client {client}: exit {error.exit_code}: {error.message}"
        return ""

    with ThreadPoolExecutor(len(share.clients)) as threads:
        wrong = [problem for problem in threads.map(work, *zip(*share.clients, strict=True)) if problem]
    return statuses.seen, len(waits), wrong


def loaded(clients: int, commits: int, folder: Path) -> Figures:
    """Run two waves of clients, and read everything back."""
    figures = Figures(clients)
    app = make_app(folder, storage=Storage.FILESYSTEM)
    accounts = [make_account(app.test_client(), f"user{n}") for n in range(min(ACCOUNTS_MOST, max(1, clients // 4)))]
    backend_of(app).close()
    everybody = [(number, accounts[number % len(accounts)]) for number in range(clients)]
    with LiveServer(folder / "server") as server:
        figures.rss_mib.append(rss_mib(server.pid))
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as processes:
            for wave in range(WAVES):
                began_s = time.monotonic()
                shares = [
                    _Share(server.url, folder, wave, commits, everybody[at::PROCESSES]) for at in range(PROCESSES)
                ]
                with _watched(server.pid, figures):
                    for statuses, waits, wrong in processes.map(run_share, shares):
                        figures.statuses += statuses
                        figures.waits += waits
                        figures.wrong += wrong
                figures.took_s += time.monotonic() - began_s
        figures.wrong += [f"{n} answers: {status}" for status, n in figures.statuses.items() if "unclean" in status]
        for account in accounts:
            mine = [number for number, owner in everybody if owner is account]
            figures.commits += _read_back(server.url, account, folder, _names(mine, commits), figures.wrong)
        if "error" in server.log:
            figures.wrong.append(server.log[-1000:])
    return figures


def rss_mib(pid: int) -> float:
    """Measure what a process and its children hold."""
    found = 0.0
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = task.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if pid in {int(task.parent.name), int(fields[1])}:
            found += int(fields[21]) * 4096 / 2**20
    return round(found, 1)


def _names(clients: list[int], commits: int) -> list[str]:
    return [name_of(client, wave, n) for client in clients for wave in range(WAVES) for n in range(commits)]


@contextmanager
def _watched(pid: int, figures: Figures) -> Iterator[None]:
    """Add the most that the server held meanwhile."""
    most = [0.0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], rss_mib(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        figures.rss_mib.append(most[0])


def _read_back(url: str, account: QuickAccount, folder: Path, names: list[str], wrong: list[str]) -> int:
    """Look from a fresh device: every name with its digest, and a revision for every commit; give their number."""
    with account.volume(ServerClient(HttpTransport(url), account.token), folder / f"reader-{account.name}") as session:
        head = session.head()
        entries = {entry.name: entry.digest for entry in open_tree(session, head).folder((FILES,)).entries()}
    lost = [name for name in names if entries.get(name) != content_digest(content_of(name))]
    if lost or len(entries) != len(names) or head.revision != len(names) + 1:
        wrong.append(f"{account.name}: {len(lost)} files lost, {head.revision - 1} revisions for {len(names)} commits")
    return head.revision - 1


def main() -> None:
    """Load a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--commits", type=int, default=2, help="of each client in each of two waves")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mega-load-") as folder:
        figures = loaded(asked.clients, asked.commits, Path(folder))
    sys.stdout.write(json.dumps(vars(figures)) + "\n")
    sys.exit(1 if figures.wrong else 0)


if __name__ == "__main__":
    main()
