"""A world: devices, their people, one remote, and everything that may happen between two calls of an engine.

All of it is decided by one `random.Random(seed)`. At every call of an engine to its disk, its state or the remote, the
world may let a person act on any device, let another engine run a whole cycle, end this engine, or spoil something.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final, final

from mega_cli.errors import BugError, MegaError, SafetyStopError
from mega_cli.localfs.disk import Place
from mega_cli.sync.report import CycleReport
from mega_cli.sync.sim_folder import Fault
from mega_cli.sync.sim_volume import SimVolume
from tests.simulator.client import WRITING, Client
from tests.simulator.clocks import SECOND_NS, SimTime
from tests.simulator.compare import difference
from tests.simulator.hearing import Hearing, Kind
from tests.simulator.ledger import Ledger
from tests.simulator.users import HABITS, Person, Steps, shown
from tests.simulator.weather import DISK_ERRORS, FAULTS_AT, SPACE_CALLS, Weather

_CALL_NS: Final = 50_000
_DEPTH_MOST: Final = 2
_PROGRAMS_MOST: Final = 3
_HABITS: Final = tuple(habit for habit, _ in HABITS)
_WEIGHTS: Final = tuple(weight for _, weight in HABITS)
_JUMPS_S: Final = (86_400, -86_400, 3_600, -3_600, 1, -1, -0.01)
_PUBLISHING: Final = frozenset({"rename", "exchange", "make_file", "make_link", "file.write"})


@final
class World:
    """One world. `flaws` is what was found wrong so far; `trace` what happened, a line each."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self.chance = random.Random(f"world {seed}")
        self.weather = weather
        self.time = SimTime()
        self.volume = SimVolume()
        self.trace: list[str] = []
        self.flaws: list[str] = []
        self.is_fair = True
        """Nothing goes wrong between calls: set while a world settles, and while nobody shall interfere."""
        self.clients = [
            Client(at, machine, self, self.volume, time=self.time, seed=self.chance.getrandbits(64))
            for at, machine in enumerate(weather.machines)
        ]
        if (kind := Kind.of_seed(seed)) is not None:
            for client in self.clients:
                client.hearing = Hearing(kind, random.Random(f"hearing {seed} {client.index}"))
        self.ledger = Ledger(len(self.clients))
        self.people = [
            Person(client.name, client.user, client.view, client.clock.now_ns, self.chance)
            for client in self.clients[: weather.writers]
        ]
        self._programs: list[list[Steps]] = [[] for _ in self.people]
        self.is_judged = True
        """Every content can be accounted for: no power cut undid or tore what a user had not synced."""
        self.power_cuts = 0.5
        """Which share of crashes is one of the power."""
        self.planned: list[tuple[Client, str, Callable[[], object]]] = []
        """What shall happen just before the next such call of a device, once."""
        self.planned_faults: list[tuple[Client, str, Fault]] = []
        self._depth = 0
        self._unseen: list[Client] = []

    # --- what people do -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Let somebody do the next step of something, or begin something."""
        person = self.chance.randrange(len(self.people))
        programs = self._programs[person]
        if not programs or (len(programs) < _PROGRAMS_MOST and self.chance.random() < 0.4):
            (habit,) = self.chance.choices(_HABITS, _WEIGHTS)
            programs.append(habit(self.people[person]))
        self._step(person, self.chance.choice(programs))

    def finish_work(self) -> None:
        """Let everybody finish what they do."""
        for person, programs in enumerate(self._programs):
            while programs:
                self._step(person, programs[0])

    def _step(self, person: int, program: Steps) -> None:
        client = self.clients[person]
        before = client.view()
        try:
            what = next(program, None)
        except OSError as error:
            what = f"fail ({error.strerror})"
            self._programs[person].remove(program)
        if what is None:
            self._programs[person].remove(program)
        elif (after := client.view()) != before:
            client.deeds += 1
            self.ledger.note(person, what, before, after)
            self.tell(f"{client.name}: user {what}")
            if client.hearing is not None:
                client.hearing.overhear()

    # --- what engines do ----------------------------------------------------------------------------------------------

    def cycle(self, client: Client) -> CycleReport | None:
        """Let a device do one cycle, and look at what it says of it."""
        if client.is_running:
            return None
        deeds = client.deeds
        self.tell(f"{client.name}: cycle")
        try:
            outcome = client.cycle()
        except Exception as error:  # noqa: BLE001 -- whatever else an engine raises is what we look for
            at = traceback.extract_tb(error.__traceback__)[-1]
            self.flaw(f"{client.name} raised {error!r} in {Path(at.filename).name}:{at.lineno}")
            client.stop()
            return None
        self._check_published()
        if isinstance(outcome, MegaError):
            self.tell(f"{client.name}: {type(outcome).__name__}: {outcome.message}")
            if isinstance(outcome, BugError) or (isinstance(outcome, SafetyStopError) and self.is_fair):
                self.flaw(f"{client.name} stops: {outcome.message} {outcome.details}")
            return None
        if outcome is None:
            self._bury(client)
            return None
        self.tell(f"{client.name}: {summary(outcome)}")
        is_sure = client.hearing is None or client.hearing.is_sure
        if outcome.is_up_to_date and client.deeds == deeds and is_sure:
            assert client.observed is not None
            if found := difference(client, client.observed.tree or {}):
                self.flaw(f"{client.name} says that it is up to date, and {found}")
            self.ledger.note_sync(client.index, client.observed.revision)
        return outcome

    def _bury(self, client: Client) -> None:
        """Let a device that died in a cycle be off, its power cut or not."""
        if self.chance.random() >= self.power_cuts:
            self.tell(f"{client.name}: killed")
            client.stop()
        else:
            self.cut_power(client)

    def cut_power(self, client: Client) -> None:
        """Switch a device off and on again; what its user did may be undone only where he was not careful."""
        before, held = client.view(), client.contents()
        client.cut_power(self.chance)
        after = client.view()
        self.tell(f"{client.name}: power cut")
        client.deeds += before != after
        if not client.machine.is_settled and before != after:
            self.is_judged = False
            self._mend(client, held)
            self.ledger.note(client.index, "a power cut", before, client.view())
            self.ledger.note_amnesia(client.index, "a power cut", client.view())

    def _mend(self, client: Client, held: Mapping[int, tuple[Place, bytes]]) -> None:
        """Let a user find and write again what a power cut spoiled under stamps that do not show it: no engine can.

        By inodes: the same cut may have undone the renames of the folders above.
        """
        for ino, (place, content) in client.contents().items():
            if ino in held and held[ino][1] != content:
                client.user.write(place, f"mended {self.chance.getrandbits(32)}|".encode())

    # --- what happens at a call ---------------------------------------------------------------------------------------

    def on_call(self, client: Client, call: str, place: Place) -> None:
        """Hear of a call of an engine before it happens."""
        self.time.ns += _CALL_NS
        self.trace.append(f"{client.name}: {call} {shown(place)}" if place else f"{client.name}: {call}")
        self._check_published()
        if call in _PUBLISHING and (call not in WRITING or place[:1] != (b".mega",) or call in {"rename", "exchange"}):
            self._unseen.append(client)
        if self.planned:
            self._fire(client, call)
        if not self.is_fair and self._depth < _DEPTH_MOST and self.chance.random() < self.weather.events:
            self._depth += 1
            self._interfere(client)
            self._depth -= 1
            if client.is_dead:
                client._on_call(call, place)

    def _fire(self, client: Client, call: str) -> None:
        """Do what was planned for this call, once."""
        for planned in self.planned:
            if planned[0] is client and planned[1] in {call, f"#{client.calls}"}:
                self.planned.remove(planned)
                planned[2]()
                if client.is_dead:
                    client._on_call(call)
                return

    def fault(self, client: Client, moment: str) -> Fault | None:
        """Say what goes wrong with the remote."""
        for planned in self.planned_faults:
            if planned[:2] == (client, moment):
                self.planned_faults.remove(planned)
                return planned[2]
        if self.is_fair or self.chance.random() >= self.weather.remote:
            return None
        fault = self.chance.choice(FAULTS_AT[moment])
        self.tell(f"{client.name}: fault {fault}")
        return fault

    def _interfere(self, client: Client) -> None:
        """Do something while an engine waits for one call."""
        dice = self.chance.random()
        if dice < self.weather.crashes:
            client.is_dead = True
        elif dice < self.weather.crashes + self.weather.disk:
            self.spoil(client)
        elif self.chance.random() < 0.6:
            self.work()
        elif self.chance.random() < 0.8:
            self.cycle(self.chance.choice(self.clients))
        else:
            self.volume.deliver_late()

    def spoil(self, client: Client) -> None:
        """Let a part of a disk refuse a kind of call for a while, or end that."""
        if self.chance.random() < 0.4:
            client.disk.relent()
            return
        number = self.chance.choice(DISK_ERRORS)
        place = self.chance.choice([(), (b".mega",), *client.view()])
        calls = SPACE_CALLS if number == 28 else None
        client.disk.refuse(number, place, calls=calls, is_below=self.chance.random() < 0.5)
        self.tell(f"{client.name}: errno {number} at {shown(place)}")

    def jump(self, client: Client) -> None:
        """Let a device's wall clock jump."""
        seconds = self.chance.choice(_JUMPS_S)
        client.clock.offset_ns += int(seconds * SECOND_NS)
        self.tell(f"{client.name}: clock {seconds:+} s")

    # --- what is told -------------------------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """Add a line to the trace."""
        self.trace.append(line)

    def flaw(self, line: str) -> None:
        """Note something wrong."""
        self.flaws.append(line)
        self.tell(f"FLAW {line}")

    def digest(self) -> str:
        """Give a hash of all that happened."""
        return blake2b("\n".join(self.trace).encode(errors="surrogateescape"), digest_size=16).hexdigest()

    def _check_published(self) -> None:
        """Look for a file at a visible place that is not whole (V9)."""
        while self._unseen:
            client = self._unseen.pop()
            if not self.is_judged:
                continue
            for place, seen in client.view().items():
                if seen.kind == "f" and not self.ledger.is_whole(seen.content):
                    self.flaw(f"V9 {client.name} shows a part of a file at {shown(place)}: {seen.content[:40]!r}")


def summary(report: CycleReport) -> str:
    """Say in a line what a cycle did."""
    plan = report.plan
    facts = {
        "identities": len(plan.identities),
        "local": report.local_changes,
        "remote": report.remote_changes,
        "commits": report.commits,
        "skipped": report.skipped,
        "failures": len(report.failures),
        "stalls": len(plan.stalls),
        "holds": len(plan.holds),
        "waits": round(report.waiting_s, 2),
    }
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
    told += "".join(f"; {stall.reason} {'/'.join(stall.path)}" for stall in plan.stalls)
    told += "".join(f"; {failure.path}: {failure.error.message}" for failure in report.failures)
    return f"report: {told or 'nothing'}{'; up to date' if report.is_up_to_date else ''}"
