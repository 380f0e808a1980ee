"""One device of a simulated world: its disk, its clock, its state, and the engine, which may die at any call.

A crash is an exception that is raised in the hook of one call and of every later one, so that nothing tidies up after
it; then the process is gone, or the power. What the state had committed is kept, as SQLite keeps it with FULL sync.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, Protocol, final

from mega_cli.errors import MegaError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.failures import disk_failures
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_inodes import SimTree
from mega_cli.localfs.sim_power import Inode
from mega_cli.localfs.sim_user import SimUser
from mega_cli.reconcile.actions import Stall
from mega_cli.reconcile.situation import DiskRules
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.engine import Engine
from mega_cli.sync.marker import FolderMark, Owner, Verdict, make_own_folder
from mega_cli.sync.report import CycleReport
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault, SimFolder
from mega_cli.sync.sim_volume import SimRecord, SimVolume
from tests.simulator.clocks import SeededChance, SimClock, SimTime
from tests.simulator.hearing import Hearing
from tests.simulator.ledger import Seen, View

OWN_FOLDER: Final = b".mega"
_VOLUME: Final = b"volume"
WRITING: Final = frozenset(
    {
        "make_folder",
        "make_file",
        "continue_file",
        "make_link",
        "rename",
        "exchange",
        "remove_file",
        "remove_folder",
        "describe",
        "file.write",
        "file.describe",
    }
)
"""The calls that change a disk."""


class CrashError(BaseException):
    """The process of this device is gone: nothing may catch it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What kind of disk a device has, and its user's settings."""

    name: str
    settings: Settings
    tick_ns: int = 1
    folds_case: bool = False
    stores_nfd: bool = False
    tells_birth: bool = False
    has_exchange: bool = True
    capacity_bytes: int | None = None
    is_settled: bool = True
    """What its user does is durable at once."""

    @property
    def rules(self) -> DiskRules:
        """Give what the disk can hold."""
        return DiskRules(folds_case=self.folds_case, folds_form=self.folds_case or self.stores_nfd)


class Surroundings(Protocol):
    """What a device tells of its calls, and who decides what becomes of them."""

    def on_call(self, client: Client, call: str, place: Place) -> None:
        """Hear of a call of the engine before it happens."""

    def fault(self, client: Client, moment: str) -> Fault | None:
        """Say what goes wrong with the remote."""


@final
class Client:
    """One device. The engine lives from `start` to a crash; everything else stays."""

    def __init__(
        self, index: int, machine: Machine, surroundings: Surroundings, volume: SimVolume, *, time: SimTime, seed: int
    ) -> None:
        self.index = index
        self.machine = machine
        self.name = machine.name
        self.clock = SimClock(time)
        self.volume = volume
        self.chance = SeededChance(random.Random(seed))
        self._surroundings = surroundings
        self.disk = SimDisk(
            self.clock.now_ns,
            tick_ns=machine.tick_ns,
            folds_case=machine.folds_case,
            stores_nfd=machine.stores_nfd,
            tells_birth=machine.tells_birth,
            has_exchange=machine.has_exchange,
            capacity_bytes=machine.capacity_bytes,
        )
        self.disk.on_call = self._on_call
        self.user = SimUser(self.disk, is_settled=machine.is_settled)
        self.state = self.new_state()
        self.folder = self._new_folder()
        self.engine: Engine | None = None
        self.hearing: Hearing | None = None
        """Where its cycles look, in a world with hints; else everywhere."""
        self.pair = machine.name
        self.wants_resync = False
        self.verdict: Verdict | None = None
        """What the marker said when the engine was started last."""
        self.is_running = False
        self.error: MegaError | None = None
        """What ended the last cycle early, if anything but a crash did."""
        self.stalls: tuple[Stall, ...] = ()
        """What stood still in the last cycle."""
        self.is_dead = False
        self.deeds = 0
        """How often something but the engine changed the disk."""
        self.observed: SimRecord | None = None
        """The head that the engine saw last."""
        self._is_observing = False
        self.calls = 0
        """Calls of the engine to disk, state and remote."""
        self.writes = 0
        """Calls of the engine that change the disk, those that begin a transaction left out."""

    def new_state(self) -> SyncState:
        """Make an empty state that tells of its transactions."""
        return SyncState(":memory:", watch=lambda moment: self._on_call(f"state.{moment}", ()))

    def _new_folder(self) -> SimFolder:
        return SimFolder(
            self.volume,
            self.name,
            on_call=lambda moment: self._on_call(f"remote.{moment}", ()),
            faults=lambda moment: self._surroundings.fault(self, moment),
        )

    # --- the engine ---------------------------------------------------------------------------------------------------

    def start(self) -> Engine:
        """Start the engine unless it runs."""
        if self.engine is None:
            branch, frozen = self.folder.branch, self.folder.frozen
            self.folder = self._new_folder()
            self.folder.branch, self.folder.frozen = branch, frozen
            engine = Engine(
                disk=self.disk,
                remote=self.folder,
                state=self.state,
                clock=self.clock,
                chance=self.chance,
                settings=self.machine.settings,
            )
            if self.hearing is not None:
                engine.watch_folders(self.hearing.begin(self.disk.tree))
            mark = self._mark()
            with disk_failures(b"."):
                self.verdict = mark.look(is_asked=self.wants_resync)
                make_own_folder(self.disk)
                if self.verdict.is_resync:
                    engine.resync()
                mark.begin(self.chance, self.clock)
            self.engine, self.wants_resync = engine, False
        else:
            with disk_failures(b"."):
                self._mark().look()
        return self.engine

    def _mark(self) -> FolderMark:
        return FolderMark(self.disk, self.state, Owner(_VOLUME, self.pair))

    def cycle(self, *, is_dry_run: bool = False) -> CycleReport | MegaError | None:
        """Let the engine do one cycle; give its report, its error, or None when it died on the way."""
        assert not self.is_running
        self.is_running, self.error = True, None
        try:
            engine = self.start()
            scope, closed = (None, ()) if self.hearing is None else self.hearing.next_scope(self.clock.steady_s())
            report = engine.cycle(is_dry_run=is_dry_run, scope=scope, closed=closed)
        except MegaError as error:
            self.error = error
            return error
        except CrashError:
            return None
        else:
            self.stalls = report.plan.stalls
            return report
        finally:
            self.is_running = False

    def resync(self) -> None:
        """Let the user begin anew: the next process joins both sides."""
        self.stop()
        self.wants_resync = True

    def stop(self) -> None:
        """End the process, between two calls or, with `is_dead`, in the middle."""
        self.disk.kill()
        self.engine = None
        self.is_dead = False

    def cut_power(self, chance: random.Random) -> None:
        """Switch the device off and on again."""
        self.disk.cut_power(chance)
        self.engine = None
        self.is_dead = False

    def _on_call(self, call: str, place: Place = ()) -> None:
        if self.is_dead:
            raise CrashError
        self.calls += 1
        if self._is_observing:
            self.observed, self._is_observing = self.volume.pins.get(self.name), False
        self._is_observing = call in ("remote.observe done", "remote.commit.swap done")
        if call in WRITING:
            self.writes += 1
        self._surroundings.on_call(self, call, place)

    # --- the state ----------------------------------------------------------------------------------------------------

    def copy_of_state(self) -> SyncState:
        """Copy the state as it is now, as a backup does."""
        copy = self.new_state()
        self.state._db.backup(copy._db)
        return copy

    def take_state(self, state: SyncState) -> None:
        """Go on with another state, with a new process."""
        self.stop()
        self.state.close()
        self.state = state

    def approve_all(self) -> bool:
        """Let the user approve what is held; tell whether anything was."""
        ids = {id_ for row in self.state.holds() for id_ in row.ids}
        if ids:
            self.state._db.execute("BEGIN IMMEDIATE")
            self.state.keep_approved(sorted(ids | self.state.approved()))
            self.state._db.execute("COMMIT")
        return bool(ids)

    def become_clone_of(self, other: Client) -> None:
        """Hold the disk image and the state of another device, inodes and all."""
        self.put_back(other.disk_image())
        other.state._db.backup(self.state._db)
        self.pair = other.pair

    def disk_image(self) -> SimTree:
        """Copy the whole disk as it is now."""
        tree = self.disk.tree
        image = SimTree(tree.now_ns, tick_ns=tree.tick_ns)
        image.root, image._next_ino = deepcopy(tree.root), tree._next_ino
        return image

    def put_back(self, image: SimTree) -> None:
        """Let the disk be what an image holds, with a new process."""
        self.stop()
        tree = self.disk.tree
        tree.root = self.disk._mounted = image.root
        tree._next_ino = image._next_ino
        tree.count_again()

    # --- the disk -----------------------------------------------------------------------------------------------------

    def view(self) -> View:
        """Look at everything a user can see."""
        return view_of(self.disk.tree)

    def contents(self) -> dict[int, tuple[Place, bytes]]:
        """Give every file a user can see, by its inode: one of its places, and what it holds."""
        files = ((place, seen.content) for place, seen in self.view().items() if seen.kind == "f")
        return {self.user.look(place).ino: (place, content) for place, content in files}


def view_of(tree: SimTree) -> dict[Place, Seen]:
    """Look at everything in a simulated tree but mega's own folder."""
    found: dict[Place, Seen] = {}
    folders: list[tuple[Place, Inode]] = [((), tree.root)]
    for place, folder in folders:  # grows while it is walked
        for name, node in folder.entries.values():
            if not place and name == OWN_FOLDER:
                continue
            at = (*place, name)
            if node.kind == "d":
                found[at] = Seen("d", b"", node.mode, 0)
                folders.append((at, node))
            elif node.kind == "l":
                found[at] = Seen("l", b"-> " + node.target, 0, 0)
            else:
                found[at] = Seen(node.kind, bytes(node.data), node.mode, node.mtime_ns)
    return found
