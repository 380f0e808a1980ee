"""A pair under test: a disk in memory with its user, a state, an engine, and a volume that several pairs may share.

Time passes only when somebody sleeps. `OtherDevice` commits to the volume directly, as a device elsewhere would.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import Left, SimUser
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.engine import Engine
from mega_cli.sync.local_end import LocalEnd
from mega_cli.sync.report import CycleReport
from mega_cli.sync.run import run_once
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault, SimFolder
from mega_cli.sync.sim_volume import SimVolume

START_NS: Final = 1_772_366_400_000_000_000
"""2026-03-01 12:00:00 UTC."""


@final
@dataclass
class SleepyClock:
    """A clock that stands still but for sleep."""

    ns: int = START_NS

    def now_ns(self) -> int:
        """Give the wall-clock time."""
        return self.ns

    def steady_s(self) -> float:
        """Give seconds since the start."""
        return (self.ns - START_NS) / 1e9

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.ns += int(seconds * 1e9)


@final
class RepeatedChance:
    """Random bytes, the same in every run."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def random_bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return self._random.randbytes(count)


@final
@dataclass
class SyncPair:
    """One device's folder and what syncs it. `restart` makes a new engine, as a new process would."""

    volume: SimVolume = field(default_factory=SimVolume)
    name: str = "laptop"
    clock: SleepyClock = field(default_factory=SleepyClock)
    settings: Settings = field(default_factory=Settings)
    moods: dict[str, Any] = field(default_factory=dict)
    """What kind of disk it is: arguments of `SimDisk`."""

    def __post_init__(self) -> None:
        """Begin with an empty folder."""
        self.disk = SimDisk(self.clock.now_ns, **self.moods)
        self.disk.make_folder((b".mega",), 0o700)
        self.disk.sync_folder(())
        self.user = SimUser(self.disk)
        self.on_state: Any = lambda _moment: None
        self.on_remote: Any = lambda _moment: None
        self.faults: Any = lambda _moment: None
        self.state = SyncState(":memory:", watch=self._tell_state)
        self.chance = RepeatedChance(self.name)
        self.restart()

    def restart(self) -> None:
        """Begin a new process."""
        self.remote = SimFolder(
            self.volume,
            self.name,
            on_call=self._tell_remote,
            faults=self._fault,
        )
        self.engine = Engine(
            disk=self.disk,
            remote=self.remote,
            state=self.state,
            clock=self.clock,
            chance=self.chance,
            settings=self.settings,
        )
        self.end = LocalEnd(self.disk, self.state, self.clock, self.chance, self.settings)

    def _tell_state(self, moment: str) -> None:
        self.on_state(moment)  # as it is set now, not as it was when the state was made

    def _tell_remote(self, moment: str) -> None:
        self.on_remote(moment)

    def _fault(self, moment: str) -> Fault | None:
        found: Fault | None = self.faults(moment)
        return found

    def run(self) -> list[CycleReport]:
        """Sync until there is nothing left to do."""
        return run_once(self.engine, self.clock)

    def tree(self) -> dict[str, Left]:
        """Give what the user sees."""
        return {_text(place): left for place, left in self.user.tree().items()}

    def hidden(self) -> dict[str, Left]:
        """Give what lies in `.mega`, folders left out."""
        return {_text(place): left for place, left in self.user.tree((b".mega",)).items() if left is not None}

    def save(self, path: str, data: bytes) -> None:
        """Let the user save a file."""
        self.user.write(place(path), data)

    def remote_tree(self) -> dict[str, Left]:
        """Give what the volume holds."""
        nodes = self.volume.tree
        found: dict[str, Left] = {}
        for node in nodes.values():
            names, at = [node.name], node.parent
            while at in nodes:
                names.append(nodes[at].name)
                at = nodes[at].parent
            path = "/".join(reversed(names))
            found[path] = {"f": self.volume.blobs.get(node.digest), "d": None, "l": f"-> {node.target}"}[node.kind]
        return dict(sorted(found.items()))

    def rename_there(self, names: dict[str, str]) -> None:
        """Let nodes at the top of the volume's folder have other names, as any client may do."""
        nodes = self.volume.tree.values()
        self.volume.put_tree(node._replace(name=names.get(node.name, node.name)) for node in nodes)

    def meanwhile(self, call: str, act: Callable[[], object], at: str = "") -> None:
        """Let something happen just before the engine's next call of this name, at this path if one is given."""

        def on_call(now: str, where: Place) -> None:
            if now == call and at in ("", _text(where)):
                self.disk.on_call = _nothing
                act()

        self.disk.on_call = on_call

    def fault_once(self, moment: str, fault: Fault) -> None:
        """Let something go wrong at the next such moment."""

        def faults(now: str) -> Fault | None:
            if now != moment:
                return None
            self.faults = lambda _moment: None
            return fault

        self.faults = faults


def place(path: str) -> Place:
    """Split a path."""
    return tuple(name.encode() for name in path.split("/"))


def _text(at: Place) -> str:
    return "/".join(name.decode(errors="replace") for name in at)


def _nothing(_call: str, _place: Place) -> None:
    """Let it happen."""


def two_pairs(**moods: Any) -> tuple[SyncPair, SyncPair]:
    """Make two devices with one volume and one time; the first has a disk of these moods."""
    one = SyncPair(moods=moods)
    return one, SyncPair(one.volume, "phone", one.clock)


def equal_pairs(files: dict[str, bytes], **moods: Any) -> tuple[SyncPair, SyncPair]:
    """Make two devices that hold these files, an hour ago."""
    here, there = two_pairs(**moods)
    for path, data in files.items():
        there.save(path, data)
    for pair in (there, here, there):
        assert pair.run()[-1].is_up_to_date
    here.clock.sleep(3_600)
    return here, there
