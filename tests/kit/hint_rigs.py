"""The members of `Hints`, each with a disk, hands that change it, and the way its system moves on."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from mega_cli.localfs.disk import Disk, Place
from mega_cli.localfs.hints import Hint, Hints
from mega_cli.localfs.poll_hints import PollHints
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_hints import HintFaults, SimHints
from mega_cli.localfs.sim_user import SimUser
from mega_cli.localfs.watch_hints import WatchdogHints
from tests.kit.disks import ticking
from tests.kit.followers import Follower, Hands, Inbox, RealHands, image_of

WATCHING: Final = ("watching", "watching, in memory")
MEMBERS: Final = (*WATCHING, "polling", "simulated", "simulated, troubled")
EXACT: Final = (*WATCHING, "simulated")
"""Those that tell one change by one hint."""
_MEMORY: Final = Path("/dev/shm")
_TROUBLE: Final = HintFaults(duplicates=0.2, delays=0.3, reorders=0.3, overflows=0.1)


@dataclass
class Rig:
    """One member, not started. `move` lets its system tell what it has to tell."""

    hints: Hints
    disk: Disk
    hands: Hands
    inbox: Inbox
    move: Callable[[], None]
    is_exact: bool

    def start(self) -> Follower:
        """Start it, and look at everything once."""
        self.hints.start(self.inbox.take)
        follower = Follower(self.disk, self.hints, self.inbox)
        follower.follow()
        return follower

    def told_after(self, mark: int, place: Place) -> list[Hint]:
        """Wait until a folder is told; give all that came by then."""
        self.move()
        return self.inbox.wait(lambda hints: any(tells(hint, place) for hint in hints), mark)

    def told_before_fence(self, mark: int) -> list[Hint]:
        """Give what was told of anything but a fence that is written now: what came before it in time comes before."""
        self.hands.write((b"fence",), b"")
        if self.is_exact:
            fence = Hint((b"fence",), is_folder=False, was_closed=True)
            self.move()
            self.inbox.wait(lambda hints: fence in hints, mark)
        return [hint for hint in self.inbox.since(mark) if hint.place not in {(b"fence",), None}]

    def follow(self, follower: Follower) -> None:
        """Have the follower follow until it has seen everything."""
        follower.follow_until(lambda: follower.image == image_of(self.disk), self.move)


def tells(hint: Hint, folder: Place) -> bool:
    """Tell whether a hint has a folder listed."""
    place = hint.place if hint.is_folder or hint.place is None else hint.place[:-1]
    return place is None or place == folder


@contextmanager
def rig_called(name: str, folder: Path) -> Iterator[Rig]:
    """Give one member over an empty folder with `.mega` in it, and stop it."""
    if name.startswith("simulated"):
        yield from _stopped(_simulated(name))
        return
    if name == "watching, in memory":
        if not _MEMORY.is_dir():
            pytest.skip("no file system in memory is there")
        with tempfile.TemporaryDirectory(dir=_MEMORY) as memory:
            yield from _real(name, Path(memory))
        return
    yield from _real(name, folder)


def _real(name: str, folder: Path) -> Iterator[Rig]:
    root = folder / "root"
    (root / ".mega").mkdir(parents=True)
    with RealDisk(os.fsencode(root)) as disk:
        hints: Hints = PollHints("a test", "", period_s=1.0) if name == "polling" else WatchdogHints(root)
        times = itertools.count()
        move = (lambda: _often(lambda: hints.tick(float(next(times))))) if name == "polling" else _nothing
        yield from _stopped(Rig(hints, disk, RealHands(root), Inbox(), move, name in EXACT))


def _simulated(name: str) -> Rig:
    disk = SimDisk(ticking())
    disk.make_folder((b".mega",), 0o700)
    faults = _TROUBLE if name == "simulated, troubled" else HintFaults()
    hints = SimHints(disk.tree, random.Random(7), faults)
    return Rig(hints, disk, SimUser(disk), Inbox(), lambda: _often(hints.flow), name in EXACT)


def _stopped(rig: Rig) -> Iterator[Rig]:
    try:
        yield rig
    finally:
        rig.hints.stop()


def _often(move: Callable[[], object]) -> None:
    """Let time pass, and come what was delayed."""
    for _ in range(10):
        move()


def _nothing() -> None:
    """Let the real system tell by itself."""
