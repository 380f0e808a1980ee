"""Many devices, each a process of its own, commit to one volume at once: nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import existing_entry
from mega_cli.volume.commit import open_tree
from mega_cli.volume.tree import FILES
from tests.kit.committer import content_of, name_of
from tests.kit.device import Device
from tests.kit.server import LiveServer

DEVICES = 10
COMMITS = 50
MOST_S = 60
PASSWORD = "a long password of many words 77"


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Device]]:
    """Start a server, sign up, and log ten devices in."""
    folder = tmp_path_factory.mktemp("concurrency")
    (folder / "password").write_text(PASSWORD)
    with LiveServer(folder / "server") as server:
        made = [Device(folder / f"device{n}") for n in range(DEVICES)]
        told = ("--server", server.url, "--password-file", str(folder / "password"))
        first = made[0].mega("signup", *told, "--recovery-kit", str(folder / "kit"), "alice")
        assert first.code == 0, first.err
        for device in made[1:]:
            ran = device.mega("login", *told, "alice")
            assert ran.code == 0, ran.err
        yield made


def _start(device: Device, number: int) -> subprocess.Popen[str]:
    """Start a committer and wait until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.committer", str(number), str(COMMITS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"MEGA_HOME": str(device.home)},
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_ten_devices_make_fifty_commits_each(devices: list[Device]) -> None:
    """All 500 names and digests read back on one of them, and every commit has its revision."""
    with devices[0].volume() as session:
        before = session.head().revision
    processes = [_start(device, number) for number, device in enumerate(devices)]
    began_s = time.monotonic()
    said = [process.communicate(timeout=5 * MOST_S)[0] for process in _told(processes)]
    took_s = time.monotonic() - began_s
    lost = sum(json.loads(text)["lost"] for text in said)

    assert [process.returncode for process in processes] == [0] * DEVICES
    with devices[0].volume() as session:
        head = session.head()
        tree = open_tree(session, head)
        entries = {entry.name: entry.digest for entry in tree.folder((FILES,)).entries()}
    names = [name_of(device, number) for device in range(DEVICES) for number in range(COMMITS)]
    assert entries == {name: content_digest(content_of(name).encode()) for name in names}
    assert head.revision == before + DEVICES * COMMITS
    assert lost, "nobody was in anybody's way: this showed nothing"
    assert took_s < MOST_S * 3  # 46 s seen on two cores that had three times more to do


def _told(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Tell all to go before any is waited for."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_commands_at_the_same_time(devices: list[Device]) -> None:
    """mkdir, put and cp from several devices at once all succeed, and all of it is there."""
    started = [device.start("mkdir", f"/made-{number}") for number, device in enumerate(devices[:4])]
    ended = [(process.communicate(timeout=MOST_S), process.returncode) for process in started]

    assert [code for _, code in ended] == [0] * 4, ended
    with devices[5].volume() as session:
        tree = open_tree(session, session.head())
        for number in range(4):
            assert existing_entry(tree, (FILES, *RemotePath.parse(f"made-{number}").parts)).kind == "d"
