"""A small language for the numbered scenarios: devices on a stage, what their users do, and what all of them hold then.

    stage = Stage()
    a, b = stage.devices
    a.write("x", "mine")
    b.write("x", "theirs")
    stage.sync(b, a, b)
    stage.expect({"x": "theirs", "x (conflict A)": "mine"})

Nothing happens by chance here, and time passes only between cycles. Every cycle is watched as in a simulation, and
`expect` also checks what must hold of every world at rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, final
from unicodedata import normalize

from mega_cli.errors import MegaError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_user import SimUser, SimUserFile
from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.nodes import MemoryTree, path_of
from mega_cli.reconcile.situation import DeleteLimit, DiskRules, Reason
from mega_cli.sync.report import CycleReport
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.simulator.client import Client, Machine
from tests.simulator.compare import is_ignored
from tests.simulator.invariants import check_rest, is_quiet
from tests.simulator.ledger import Seen, View
from tests.simulator.weather import Weather
from tests.simulator.world import World

Tree = dict[str, str]
"""By path: a file's content, `-> target` of a link, empty for an empty folder, whose path ends in a slash."""
_DATE: Final = re.compile(r" \d{4}-\d\d-\d\d \d{6}\)")
_CYCLES_MOST: Final = 12
_PAUSE_S: Final = 5.0


def machine(name: str, *, rules: DiskRules | None = None, settings: Settings | None = None, **kind: Any) -> Machine:
    """Make a device whose settings are those of `mega`, with no limit of deletions, but for what a scenario wants."""
    folds_form = bool(kind.get("folds_case") or kind.get("stores_nfd"))
    rules = rules or DiskRules(folds_case=bool(kind.get("folds_case")), folds_form=folds_form)
    chosen = settings or Settings(limit=DeleteLimit(None))
    return Machine(name, replace(chosen, device=name, disk=rules, free_least_bytes=0), **kind)


@final
class Device:
    """A device on the stage. What its user does is noted in the world's ledger."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self._stage = stage
        self.client = client
        self.reports: list[CycleReport] = []
        self.errors: list[MegaError] = []

    # --- its user -----------------------------------------------------------------------------------------------------

    def write(self, path: str, content: str) -> None:
        """Write a file in place, with its folders."""
        self.do("write", lambda user: user.write(_place(path), content.encode()))

    def append(self, path: str, content: str) -> None:
        """Write on at the end of a file."""
        self.do("append", lambda user: user.append(_place(path), content.encode()))

    def save(self, path: str, content: str, *, keeps_backup: bool = False) -> None:
        """Write beside the file and rename over it, as careful programs do."""
        self.do("save", lambda user: user.save(_place(path), content.encode(), keeps_backup=keeps_backup))

    def rename(self, source: str, target: str) -> None:
        """Rename, over what may be there."""
        self.do("rename", lambda user: user.rename(_place(source), _place(target)))

    def remove(self, path: str) -> None:
        """Remove something with all below it."""
        self.do("remove", lambda user: user.remove(_place(path)))

    def mkdir(self, path: str) -> None:
        """Make a folder and those above it."""
        self.do("mkdir", lambda user: user.make_folder(_place(path)))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        self.do("link", lambda user: user.link(_place(path), target.encode()))

    def chmod(self, path: str, mode: int) -> None:
        """Set permissions."""
        self.do("chmod", lambda user: user.chmod(_place(path), mode))

    def touch(self, path: str, mtime_ns: int) -> None:
        """Set a file's time."""
        self.do("touch", lambda user: user.touch(_place(path), mtime_ns))

    def open(self, path: str) -> SimUserFile:
        """Open a file in some program, to write to it later."""
        return self.client.user.open(_place(path))

    def write_late(self, file: SimUserFile, content: str, whole: str) -> None:
        """Write through an open file, wherever that is now, so that it then holds `whole`."""
        file.write(content.encode())
        view = self.client.view()
        ledger = self._stage.world.ledger
        ledger.note(self.client.index, "late bytes", view, {**view, (b"late",): Seen("f", whole.encode(), 0, 0)})
        ledger.tokens[whole.encode()].is_named = True  # a copy is the one place where they can be

    def do(self, what: str, act: Callable[[SimUser], object]) -> None:
        """Let the user do something."""
        before = self.client.view()
        act(self.client.user)
        self.client.deeds += 1
        self._stage.world.ledger.note(self.client.index, what, before, self.client.view())

    # --- its engine ---------------------------------------------------------------------------------------------------

    def cycle(self) -> CycleReport | None:
        """Do one cycle; None when it ended early, by a crash or an error, which is then the last of `errors`."""
        report = self._stage.world.cycle(self.client)
        if report is not None:
            self.reports.append(report)
        elif self.client.error is not None:
            self.errors.append(self.client.error)
        return report

    def sync(self) -> None:
        """Cycle until nothing is left to do."""
        for _ in range(_CYCLES_MOST):
            self._stage.world.time.pass_s(_PAUSE_S)
            report = self.cycle()
            self._stage.check()
            if is_quiet(report):
                return
        msg = f"{self.client.name} comes to no rest"
        raise AssertionError(msg)

    def at(self, call: str, act: Callable[[], object]) -> None:
        """Do something just before the next such call of the engine, once."""
        self._stage.world.planned.append((self.client, call, act))

    def at_call(self, number: int, act: Callable[[], object]) -> None:
        """Do something just before the engine's call of this number from now on, whatever it is."""
        self.at(f"#{self.client.calls + number + 1}", act)

    def at_nth(self, call: str, number: int, act: Callable[[], object]) -> None:
        """Do something just before such a call, after `number` others like it."""
        if number:
            self.at(call, lambda: self.at_nth(call, number - 1, act))
        else:
            self.at(call, act)

    def forget(self) -> None:
        """Tell the world's ledger that this device knows less than it did."""
        self._stage.world.ledger.note_amnesia(self.client.index, "a loss", self.client.view())

    def fail(self, moment: str, fault: Fault) -> None:
        """Let the remote fail the next time it is asked for this."""
        self._stage.world.planned_faults.append((self.client, moment, fault))

    def die_at(self, call: str) -> None:
        """Let the process be killed just before the next such call."""
        self.at(call, lambda: setattr(self.client, "is_dead", True))

    # --- what can be seen ---------------------------------------------------------------------------------------------

    @property
    def tree(self) -> Tree:
        """Show the disk, the dates of conflict copies left out."""
        return _shown(self.client.view())

    def read(self, path: str) -> str:
        """Read a file."""
        return self.client.user.read(_place(path)).decode()

    def path_of(self, shown: str) -> str:
        """Give the path that `tree` shows without its date."""
        paths = [b"/".join(place).decode() for place in self.client.view()]
        return next(path for path in paths if _DATE.sub(")", path) == shown)

    @property
    def events(self) -> list[tuple[Event, str]]:
        """Give all notices so far: what, and where."""
        told = [notice for report in self.reports for notice in report.plan.notices]
        return [(notice.event, _DATE.sub(")", "/".join(notice.path))) for notice in told]

    @property
    def stalls(self) -> dict[str, Reason]:
        """Give what stood still in the last cycle, and why."""
        return {"/".join(stall.path): stall.reason for stall in self.reports[-1].plan.stalls}

    @property
    def absent(self) -> dict[str, Reason]:
        """Give what is not on this disk on purpose, and why."""
        tree = MemoryTree(self.client.volume.tree.values())
        return {"/".join(path_of(tree, id_) or ()): reason for id_, reason in self.client.state.absent().items()}

    @property
    def uploaded(self) -> int:
        """Count the files whose content went up since the last `Stage.forget`."""
        return sum(report.uploaded for report in self.reports)

    @property
    def downloaded(self) -> int:
        """Count the files whose content came down since the last `Stage.forget`."""
        return sum(report.downloaded for report in self.reports)


@final
class Stage:
    """Some devices and one volume, at the same folder."""

    def __init__(self, *machines: Machine, devices: int = 2) -> None:
        """Begin with empty disks; without `machines`, plain ones named A, B and so on."""
        chosen = machines or tuple(machine(name) for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:devices])
        self.world = World(0, Weather(chosen, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, is_calm=True, writers=len(chosen)))
        self.world.power_cuts = 0.0
        self.devices = tuple(Device(self, client) for client in self.world.clients)

    def begin(self, tree: Mapping[str, str]) -> None:
        """Let the first device write a tree, and all sync it; then forget what was reported."""
        for path, content in tree.items():
            if path.endswith("/"):
                self.devices[0].mkdir(path)
            elif content.startswith("-> "):
                self.devices[0].link(path, content.removeprefix("-> "))
            else:
                self.devices[0].write(path, content)
        self.sync()
        self.sync()
        self.expect(tree)
        self.forget()

    def sync(self, *devices: Device) -> None:
        """Let devices sync, one after the other; without names, all of them and once more."""
        for device in devices or (*self.devices, *self.devices):
            device.sync()

    def forget(self) -> None:
        """Forget what was reported so far."""
        for device in self.devices:
            device.reports.clear()

    def expect(self, tree: Mapping[str, str], *devices: Device) -> None:
        """Require that all devices, or these, show exactly this, and that the world is at rest."""
        for device in devices or self.devices:
            assert device.tree == dict(tree), f"{device.client.name} holds {device.tree}"
        if not devices:
            check_rest(self.world)
        self.check()

    def check(self) -> None:
        """Require that nothing was found wrong so far."""
        assert not self.world.flaws, self.world.flaws


def _place(path: str) -> Place:
    return tuple(part.encode(errors="surrogateescape") for part in path.strip("/").split("/"))


def _shown(view: View) -> Tree:
    full = {place[:depth] for place in view for depth in range(1, len(place))}
    shown = {}
    for place, seen in sorted(view.items()):
        path = _DATE.sub(")", normalize("NFC", b"/".join(place).decode(errors="surrogateescape")))
        if is_ignored(place):
            continue
        if seen.kind != "d":
            shown[path] = seen.content.decode(errors="surrogateescape")
        elif place not in full:
            shown[f"{path}/"] = ""
    return shown
