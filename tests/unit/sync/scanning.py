"""A disk, a state and a scanner for tests: what a cycle does around a scan, and a clock that moves only when told."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, final

from mega_cli.localfs.disk import Disk, Place
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import SimUser
from mega_cli.reconcile.nodes import Node, NodeId, path_of
from mega_cli.reconcile.situation import DiskRules, Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.scan import Scanner
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Observation

START_NS = 1_700_000_000_123_456_789
_S = 1_000_000_000


@final
class StillClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.wall_ns = START_NS
        self._steady_s = 1_000.0

    def now_ns(self) -> int:
        """Give the wall-clock time."""
        return self.wall_ns

    def steady_s(self) -> float:
        """Give steady seconds."""
        return self._steady_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.wall_ns += int(seconds * _S)
        self._steady_s += seconds


@final
class Counted:
    """Bytes nobody draws twice."""

    def __init__(self) -> None:
        self._drawn = 0

    def random_bytes(self, count: int) -> bytes:
        """Give the next number."""
        self._drawn += 1
        return self._drawn.to_bytes(count)


@final
class Bench:
    """One pair's local half."""

    def __init__(self, disk: Disk, clock: StillClock, settings: Settings) -> None:
        self.disk = disk
        self.clock = clock
        self.settings = settings
        self.state = SyncState(":memory:")
        self._chance = Counted()
        self.scanner = Scanner(disk, self.state, clock, self._chance, settings)

    def scan(self) -> Observation:
        """Scan and record, without waiting for anything."""
        observation = self.scanner.scan()
        with self.state.transaction():
            self.scanner.record(observation)
        return observation

    def settle(self) -> Observation:
        """Wait till everything is old, and scan as often as the scanner asks for; give the last observation."""
        self.clock.sleep(10)
        observation = self.scan()
        for _ in range(5):
            if not observation.waiting_s:
                break
            self.clock.sleep(observation.waiting_s)
            observation = self.scan()
        assert not observation.waiting_s, "it waits for ever"
        return observation

    def agree(self) -> None:
        """Let the base be what the rows say, as after a cycle in which the volume took everything over."""
        with self.state.transaction():
            self.state.base.clear()
            self.state.base.put_all(list(self.state.local))

    def start_again(self, settings: Settings | None = None) -> None:
        """Let the process end and another one begin: nothing is remembered but the state."""
        self.settings = self.settings if settings is None else settings
        self.scanner = Scanner(self.disk, self.state, self.clock, self._chance, self.settings)

    def nodes(self) -> dict[str, Node]:
        """Give every node by its path."""
        found = {}
        for node in self.state.local:
            path = path_of(self.state.local, node.id)
            assert path is not None, "the tree is well formed"
            assert "/".join(path) not in found, "names are unique"
            found["/".join(path)] = node
        return found

    def ids(self) -> dict[str, NodeId]:
        """Give every node's id by its path."""
        return {path: node.id for path, node in self.nodes().items()}

    def paths(self) -> list[str]:
        """Give every path."""
        return sorted(self.nodes())


class User(Protocol):
    """What a user does to either disk."""

    def write(self, place: Place, data: bytes) -> None:
        """Write a file in place."""

    def make_folder(self, place: Place) -> None:
        """Make a folder."""

    def rename(self, source: Place, target: Place) -> None:
        """Rename over whatever is there."""

    def remove(self, place: Place) -> None:
        """Remove, with all below."""

    def link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link."""

    def hard_link(self, place: Place, other: Place) -> None:
        """Give a file one more name."""


@final
class RealUser:
    """Somebody who uses a real folder."""

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)

    def path(self, place: Place) -> Path:
        """Give the path of a place."""
        return Path(os.fsdecode(b"/".join((self._root, *place))))

    def write(self, place: Place, data: bytes) -> None:
        """Write a file in place."""
        self.path(place).parent.mkdir(parents=True, exist_ok=True)
        self.path(place).write_bytes(data)

    def make_folder(self, place: Place) -> None:
        """Make a folder."""
        self.path(place).mkdir(parents=True, exist_ok=True)

    def rename(self, source: Place, target: Place) -> None:
        """Rename over whatever is there."""
        self.path(target).parent.mkdir(parents=True, exist_ok=True)
        self.path(source).replace(self.path(target))

    def remove(self, place: Place) -> None:
        """Remove, with all below."""
        path = self.path(place)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link."""
        self.path(place).symlink_to(os.fsdecode(target))

    def hard_link(self, place: Place, other: Place) -> None:
        """Give a file one more name."""
        self.path(other).hardlink_to(self.path(place))


@final
class SimBench:
    """A bench on a simulated disk, and somebody who uses it."""

    def __init__(self, disk_of: Callable[[StillClock], SimDisk] | None = None, **settings: object) -> None:
        self.clock = StillClock()
        self.disk = SimDisk(self.clock.now_ns) if disk_of is None else disk_of(self.clock)
        self.user = SimUser(self.disk)
        self.bench = Bench(self.disk, self.clock, replace(Settings(), **settings))  # type: ignore[arg-type]  # fields by name


def real_bench(root: Path) -> tuple[Bench, RealUser]:
    """Give a bench on a real folder; its clock starts at the real time, so that new files are never from its future."""
    clock = StillClock()
    clock.wall_ns = time.time_ns()
    return Bench(RealDisk(str(root)), clock, Settings()), RealUser(root)


FOLDS = DiskRules(folds_case=True, folds_form=True)


def place(path: str) -> Place:
    """Give the place of a path."""
    return tuple(name.encode() for name in path.split("/"))


def reasons(observation: Observation) -> dict[str, Reason]:
    """Give what is stalled, by path."""
    return {"/".join(stall.path): stall.reason for stall in observation.stalls}
