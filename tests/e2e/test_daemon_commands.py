"""sync without --once, status, syncs and held beside a real daemon: what a person types, and what becomes of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from mega_cli.daemon import client
from mega_cli.daemon.status import PairStatus
from tests.kit.synced import Side, held_name, pair_id

if sys.platform == "win32":
    pytest.skip("there is no daemon on Windows yet", allow_module_level=True)


@pytest.fixture
def background(sides: tuple[Side, Side]) -> Iterator[tuple[Side, Side]]:
    """Give two folders; the first becomes the daemon's. Afterwards it is forgotten, and the daemon ended."""
    a, b = sides
    yield a, b
    a.run("syncs", "rm", str(a.folder))
    assert a.run("daemon", "stop").code == 0


def hand_over(side: Side, *options: str) -> str:
    """Make a folder the daemon's; give what was said."""
    ran = side.run("sync", *options, str(side.folder), side.remote)
    assert (ran.code, ran.out) == (0, b""), ran.err
    return ran.err


def wait_for(side: Side, what: Callable[[PairStatus], bool]) -> PairStatus:
    """Listen to the daemon until the folder's pair stands so, a minute at most."""
    found: SimpleQueue[PairStatus] = SimpleQueue()

    def listen() -> None:
        for reply in client.follow(side.device.state):
            for pair in reply.pairs:
                if pair.local == str(side.folder) and what(pair):
                    found.put(pair)
                    return

    threading.Thread(target=listen, daemon=True).start()
    return found.get(timeout=60)


def is_done(pair: PairStatus) -> bool:
    """Tell whether it is up to date."""
    return pair.state == "up-to-date"


def test_a_folder_is_handed_over_and_kept_the_same(background: tuple[Side, Side]) -> None:
    """It says what it started and how to see more; what is written then goes over by itself, --once works beside it."""
    a, b = background
    a.write("notes.txt", "first")
    said = hand_over(a)
    assert "the daemon was started; to end it: mega daemon stop" in said
    assert f"{a.folder} and {a.remote} are kept the same from now on" in said
    wait_for(a, is_done)
    a.write("docs/plan.txt", "plan")
    wait_for(a, lambda pair: not is_done(pair))
    wait_for(a, is_done)

    b.sync()
    assert b.tree() == a.tree() == {"docs": "/", "docs/plan.txt": "plan", "notes.txt": "first"}
    (line,) = [line for line in a.run("status").out.decode().splitlines() if line.startswith(f"{a.folder} ")]
    assert line.split("  ")[-1] == "up to date"
    assert a.run("status", str(a.folder / "docs/plan.txt")).out == b"docs/plan.txt: synced\n"
    assert "is started" not in hand_over(a)
    assert a.sync().code == 0


def test_what_a_run_refuses_is_not_handed_over(background: tuple[Side, Side]) -> None:
    """With the same words and the same code; no pair is made, and no daemon started."""
    a, _ = background
    a.write("in/file", "x")
    assert a.run("put", str(a.folder / "in/file"), f"{a.remote}-file").code == 0
    (a.folder / "link").symlink_to(a.folder / "in/file")
    refused = [
        (str(a.folder), f"{a.remote}-file"),
        (str(a.folder / "in/file"), a.remote),
        (str(a.folder / "none/below"), a.remote),
        (str(a.device.home), a.remote),
        ("--mode", "mirror-up", str(a.folder / "none"), a.remote),
        ("--mode", "mirror-down", str(a.folder), f"{a.remote}-none"),
    ]

    for words in refused:
        alone, once = a.run("sync", *words), a.run("sync", "--once", *words)
        assert alone.code in (2, 4), words
        assert (alone.code, alone.err) == (once.code, once.err)
    assert not [one for one in a.json("syncs")["pairs"] if one["local"] == str(a.folder)]
    assert a.json("daemon")["running"] is False


def test_a_folder_by_hand_becomes_the_daemon_s(background: tuple[Side, Side]) -> None:
    """It keeps its id and what it knows, and a pause holds from before the first start."""
    a, _ = background
    a.write("a", "a")
    a.sync()
    made = pair_id(a)
    hand_over(a)
    wait_for(a, is_done)
    assert a.run("syncs", "pause", made, "2h").code == 0
    wait_for(a, lambda pair: pair.state == "paused")

    assert "it is paused; to go on: mega syncs resume" in hand_over(a)
    assert a.run("syncs", "resume").code == 0
    wait_for(a, is_done)
    assert pair_id(a) == made


def test_held_deletions_are_decided_beside_the_daemon(background: tuple[Side, Side]) -> None:
    """The status says so with exit code 6; once they are approved they happen by themselves."""
    a, b = background
    for number in range(24):
        a.write(f"files/{number:02}", str(number))
    a.write("other", "other")
    a.sync()
    b.sync()
    hand_over(a)
    wait_for(a, is_done)
    for number in range(24):
        (a.folder / f"files/{number:02}").unlink()
    wait_for(a, lambda pair: pair.held == 24)
    status = a.run("status")
    assert (status.code, b"held: 24 deletions need approval" in status.out) == (6, True)

    ran = a.run("held", "approve", held_name(a))
    assert "24 files will be deleted by the daemon" in ran.err
    wait_for(a, is_done)

    b.sync("--max-delete", "off")
    assert b.tree() == a.tree() == {"files": "/", "other": "other"}
