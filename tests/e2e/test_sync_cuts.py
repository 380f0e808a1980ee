"""`mega sync --once` in processes of its own: killed in the middle, a server that went back, and its real patience."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.server import LiveServer
from tests.kit.synced import Couple, Side

if sys.platform == "win32":
    pytest.skip("processes are killed by signals", allow_module_level=True)

FILES = 200
FILE_BYTES = 100_000
MOST_S = 120
KILLS = 4
SLOW = ("--bwlimit", "8M")
"""So that a run is not over before it can be killed."""


def processes(couple: Couple) -> tuple[Side, Side]:
    """Give two fresh folders, synced by real processes."""
    sides = couple.sides()
    for side in sides:
        side.run = side.device.run
    return sides


def start(side: Side, *options: str) -> subprocess.Popen[bytes]:
    """Start a run."""
    return side.device.start("sync", "--once", *options, str(side.folder), side.remote)


def kill_when(process: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> bool:
    """Kill a run as soon as something is so; tell whether it was still running."""
    began_s = time.monotonic()
    while process.poll() is None and not is_so():
        assert time.monotonic() - began_s < MOST_S, "it does not come"
        time.sleep(0.005)  # watching another process
    is_running = process.poll() is None
    if is_running:
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=MOST_S)
    return is_running


def holds_more(side: Side, files: int) -> Callable[[], bool]:
    """Ask whether a folder holds more than so many files."""
    return lambda: len(list(side.folder.rglob("d*/*"))) > files


def test_killed_again_and_again(tmp_path: Path) -> None:
    """While it uploads, while it downloads, while it deletes: the next run goes on, and both sides hold every byte."""
    with LiveServer(tmp_path / "server") as server:
        a, b = processes(Couple(tmp_path, server.url))
        for number in range(FILES):
            a.write(f"d{number % 7}/{number}", os.urandom(FILE_BYTES // 2).hex())
        moments = (
            (a.folder / ".mega" / "root.json").exists,
            lambda: any((tmp_path / "server").rglob("store/v/*/*")),
            lambda: len(list((tmp_path / "server").rglob("store/v/*/*"))) > 1,
        )
        begun = [kill_when(start(a, *SLOW), moment) for moment in moments]
        assert any(begun), "every upload was over before it could be killed: this showed nothing"
        assert a.json("syncs")["pairs"][0]["is_up_to_date"] is False
        a.sync()
        begun = [kill_when(start(b, *SLOW), holds_more(b, number * FILES // 8)) for number in range(KILLS)]
        b.sync()
        assert any(begun), "every download was over before it could be killed: this showed nothing"
        assert b.tree() == a.tree()
        shutil.rmtree(a.folder / "d3")
        a.sync("--max-delete", "off")
        kill_when(start(b, "--max-delete", "off"), lambda: any((b.folder / ".mega" / "trash").rglob("*/*")))
        b.sync("--max-delete", "off")

        assert b.tree() == a.tree()
        assert not [name for name in b.tree() if "conflict" in name]
        assert a.sync().out == b.sync().out == b"nothing to do; up to date\n"


def test_a_server_that_went_back(tmp_path: Path) -> None:
    """T20, scenario 59: exit code 15 and nothing is changed; accepted, both sides are joined and nothing is deleted."""
    with LiveServer(tmp_path / "server") as server:
        a, b = processes(Couple(tmp_path, server.url))
        a.write("old", "old")
        a.sync()
        b.sync()
        server.stop()
        shutil.copytree(tmp_path / "server", tmp_path / "copy")
        server.start()
        a.write("new", "new")
        (a.folder / "old").write_text("changed")
        a.sync()
        b.sync()
        server.stop()
        shutil.rmtree(tmp_path / "server")
        (tmp_path / "copy").rename(tmp_path / "server")
        server.start()
        for side in (a, b):
            before = side.tree()
            assert "does not descend" in side.sync(code=15).err
            assert side.tree() == before
            assert side.run("trust", "accept", "--yes").code == 0
            side.sync(code=6)
        a.sync()

        assert a.tree() == b.tree()
        assert set(a.tree().values()) == {"old", "changed", "new"}


def test_a_young_file_is_waited_for(tmp_path: Path) -> None:
    """A file written just now, and one deleted just now, both arrive with one run, without being seen half."""
    with LiveServer(tmp_path / "server") as server:
        a, b = processes(Couple(tmp_path, server.url))
        (a.folder / "young").write_text("just now")
        (a.folder / "gone").write_text("soon")
        a.sync()
        b.sync()
        (a.folder / "gone").unlink()
        (a.folder / "young").write_text("again")
        os.sync()
        a.sync()
        b.sync()

        assert b.tree() == {"young": "again"}
