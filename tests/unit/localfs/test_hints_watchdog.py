"""What is relied on of Linux and of watchdog's reader, on real folders: a new version of watchdog must pass this."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mega_cli.localfs.hints import EVERYWHERE, Hint
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.watch_hints import ANSWER_S, CANARY_S, WatchdogHints
from tests.kit.followers import Follower, Inbox, RealHands, image_of
from tests.kit.small_disks import small_disk

if sys.platform != "linux":
    pytest.skip("inotify is Linux's", allow_module_level=True)

from watchdog.observers import inotify_c

from mega_cli.localfs.observer_watches import ObserverWatches
from mega_cli.localfs.watch_limits import LIMITS

A, FILE = (b"a",), (b"a", b"file")
_MOST_EVENTS: Final = 200_000
"""A queue longer than that is not filled by a test."""


class Gate(Inbox):
    """An inbox that can be shut: then the reader's thread waits, and the system's queue fills."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = threading.Event()
        self.is_open.set()
        self.is_waiting = threading.Event()

    def take(self, hint: Hint) -> None:
        """Keep a hint once the gate is open."""
        if not self.is_open.is_set():
            self.is_waiting.set()
            self.is_open.wait()
        super().take(hint)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a synced folder with a folder in it."""
    root = tmp_path / "root"
    (root / ".mega").mkdir(parents=True)
    (root / "a").mkdir()
    return root


@pytest.fixture
def gate() -> Gate:
    """Give an inbox."""
    return Gate()


@pytest.fixture
def hints(root: Path, gate: Gate) -> Iterator[WatchdogHints]:
    """Give hints that are not started."""
    hints = WatchdogHints(root, draw=lambda: 0.5)
    yield hints
    gate.is_open.set()
    hints.stop()


def shut(gate: Gate, root: Path) -> None:
    """Have the reader wait."""
    gate.is_open.clear()
    (root / "shut").touch()
    assert gate.is_waiting.wait(20)


def test_an_overflow_is_told(root: Path, hints: WatchdogHints, gate: Gate) -> None:
    """W1: when the system's queue is full and events are lost, everything is to be looked at."""
    queue = int((LIMITS / "max_queued_events").read_text())
    if queue > _MOST_EVENTS:
        pytest.skip(f"this system queues {queue} events")
    hints.start(gate.take)
    shut(gate, root)
    mark = gate.mark()
    paths = [root / "one", root / "other"]
    for path in paths:
        path.touch()
    for number in range(queue + 1):
        os.utime(paths[number % 2])
    gate.is_open.set()
    gate.wait(lambda told: EVERYWHERE in told, mark)
    mark = gate.mark()
    (root / "later").touch()
    gate.wait(lambda told: any(hint.place == (b"later",) for hint in told), mark)


def test_a_folder_moved_before_it_was_told_is_new_there(root: Path, hints: WatchdogHints, gate: Gate) -> None:
    """A watched folder that the scanner meets at another place, before the system told of the move, is to be listed."""
    hints.start(gate.take)
    hints.watch(A)
    shut(gate, root)
    (root / "a").rename(root / "b")
    assert hints.watch((b"b",))
    assert not hints.watch((b"b",))
    gate.is_open.set()


def test_a_new_folder_of_an_old_number_is_new(root: Path, hints: WatchdogHints, gate: Gate) -> None:
    """A folder made in the place of another, often with its inode number, is to be listed."""
    hints.start(gate.take)
    assert hints.watch(A)
    assert not hints.watch(A)
    (root / "a").rmdir()
    (root / "a").mkdir()
    assert hints.watch(A)


def test_the_reader_survives_what_is_made_and_gone(root: Path, hints: WatchdogHints, gate: Gate) -> None:
    """W3: folders that are made, moved and removed as fast as can be do not end the reader."""
    hints.start(gate.take)
    with RealDisk(os.fsencode(root)) as disk:
        follower = Follower(disk, hints, gate)
        for number in range(120):
            (root / "x" / "y" / "z").mkdir(parents=True)
            (root / "x" / "y").rename(root / "w") if number % 2 else (root / "x").rename(root / "w")
            follower.follow()
            for name in ("x", "w"):
                shutil.rmtree(root / name, ignore_errors=True)
        follower.follow_until(lambda: follower.image == image_of(disk), lambda: None)
    assert hints.tick(0) > 0
    assert hints.health().state == "watching"


def readers() -> list[threading.Thread]:
    """Find watchdog's threads."""
    return [thread for thread in threading.enumerate() if isinstance(thread, inotify_c.InotifyFD)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_reader_is_noticed(
    root: Path, hints: WatchdogHints, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W3: a reader's thread that ended is replaced at the next tick, and what is then changed is told."""
    hints.start(gate.take)
    hints.tick(0)

    def fail(_event: object) -> None:
        raise KeyError

    dying = readers()
    for reader in dying:
        monkeypatch.setattr(reader, "handle_event", fail)
    (root / "missed").touch()
    for reader in dying:
        reader.join(20)
    mark = gate.mark()
    hints.tick(1)
    assert gate.since(mark) == [EVERYWHERE]
    (root / "later").touch()
    gate.wait(lambda told: any(hint.place == (b"later",) for hint in told), mark)


def test_a_silent_reader_is_noticed(hints: WatchdogHints, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """W3: a reader that lives and tells nothing is replaced once the canary was not heard."""
    hints.start(gate.take)
    hints.tick(0)
    for reader in readers():
        monkeypatch.setattr(reader, "handle_event", lambda _: None)
    hints.tick(CANARY_S)
    mark = gate.mark()
    hints.tick(CANARY_S + ANSWER_S)
    assert gate.since(mark) == [EVERYWHERE]


def test_the_canary_is_heard(root: Path, hints: WatchdogHints, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real canary is told by the real system, and leads to no hint."""
    heard = threading.Event()
    monkeypatch.setattr(hints, "_heard", heard)
    hints.start(gate.take)
    hints.tick(0)
    hints.tick(CANARY_S)
    assert heard.wait(20)
    hints.tick(CANARY_S + ANSWER_S)
    assert gate.since() == [EVERYWHERE]
    assert (root / ".mega" / "canary").read_bytes()


def test_a_removed_top_is_noticed(root: Path, hints: WatchdogHints, gate: Gate) -> None:
    """W4: when the synced folder itself goes, everything is to be looked at, and watching begins anew."""
    hints.start(gate.take)
    hints.tick(0)
    mark = gate.mark()
    shutil.rmtree(root)
    gate.wait(lambda told: EVERYWHERE in told, mark)
    root.mkdir()
    hints.tick(ANSWER_S)
    assert hints.health().state == "watching"
    mark = gate.mark()
    (root / "later").touch()
    gate.wait(lambda told: any(hint.place == (b"later",) for hint in told), mark)


def test_an_unmounted_top_is_noticed(tmp_path: Path, gate: Gate) -> None:
    """W4: when the disk goes, everything is to be looked at; the watches keep no disk from being unmounted."""
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        hints = WatchdogHints(disk)
        hints.start(gate.take)
    try:
        gate.wait(lambda told: told.count(EVERYWHERE) > 1)
    finally:
        hints.stop()


def limited(monkeypatch: pytest.MonkeyPatch, number: int, *, after: int) -> None:
    """Have the system refuse watches with this errno, after so many."""
    real = inotify_c.inotify_add_watch
    left = iter(range(after))

    def add(fd: int, path: bytes, mask: int) -> inotify_c.WatchDescriptor:
        if next(left, None) is not None:
            return real(fd, path, mask)
        ctypes.set_errno(number)
        return inotify_c.WatchDescriptor(-1)

    monkeypatch.setattr(inotify_c, "inotify_add_watch", add)


@pytest.mark.parametrize(("number", "state"), [(errno.ENOSPC, "partly"), (errno.EACCES, "watching")])
def test_a_refused_watch_is_known(
    hints: WatchdogHints, gate: Gate, monkeypatch: pytest.MonkeyPatch, number: int, state: str
) -> None:
    """W5: a folder that the system does not watch is listed at every look; only the limit is the user's trouble."""
    limited(monkeypatch, number, after=1)
    hints.start(gate.take)
    assert hints.watch(A)
    assert hints.watch(A)
    assert hints.health().state == state


_LIMITED: Final = """
import sys
from pathlib import Path
Path("/proc/sys/user/max_inotify_{0}").write_text("{1}")
from mega_cli.localfs.watch_hints import WatchdogHints
hints = WatchdogHints(Path(sys.argv[1]))
hints.start(lambda hint: None)
print(hints.watch((b"a",)), hints.watch((b"b",)), hints.watch((b"b",)), hints.health().state, hints.health().hint)
hints.stop()
"""


@pytest.mark.parametrize(
    ("what", "limit", "told"),
    [
        ("watches", 2, "True True True partly echo fs.inotify.max_user_watches="),
        ("instances", 0, "True True True polling echo fs.inotify.max_user_instances="),
        ("watches", 3, "True True False watching"),
    ],
)
def test_a_real_limit_is_known(root: Path, what: str, limit: int, told: str) -> None:
    """W5: in a user namespace with limits of its own, the real errors are what the code takes them for."""
    (root / "b").mkdir()
    words = ("unshare", "--user", "--map-root-user", sys.executable, "-c", _LIMITED.format(what, limit), str(root))
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode and ("unshare" in done.stderr or "max_inotify" in done.stderr):
        pytest.skip(f"no user namespace with limits of its own: {done.stderr.strip().splitlines()[-1]}")
    assert done.stdout.startswith(told), done.stderr


def test_the_observer_of_other_systems_tells(root: Path) -> None:
    """What macOS and Windows are watched with works on Linux at least: changes, the canary, and its end."""
    inbox, heard = Inbox(), threading.Event()
    watches = ObserverWatches(os.fsencode(root), inbox.take, heard)
    try:
        assert watches.watch(A)
        assert not watches.watch(A)
        RealHands(root).write(FILE, b"1")
        inbox.wait(lambda told: Hint(FILE, is_folder=False, was_closed=True) in told)
        (root / "a").rename(root / "b")
        inbox.wait(lambda told: Hint(()) in told)
        (root / ".mega" / "canary").touch()
        assert heard.wait(20)
        assert watches.watch(A)
        assert watches.is_well()
    finally:
        watches.close()
    assert not watches.is_well()
    assert all(hint.place is None or hint.place[:1] != (b".mega",) for hint in inbox.since())
