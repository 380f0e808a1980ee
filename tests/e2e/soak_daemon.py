"""Devices whose daemons mirror real folders for a while: `python -m tests.e2e.soak_daemon --seconds 3600`.

As `soak_sync`, but nobody runs a sync: the daemons do, all the time. People edit, move and delete at random; each also
has a folder of its own in which nobody else does anything, so that no conflict in it has an explanation. Daemons are
killed, stopped and suspended, folders vanish for a while, pairs are paused, states get lost, the server goes away. Now
and then people rest. Then every daemon must say "up to date" by itself within a bounded time, and from that moment on
all folders are equal, nothing that nobody took away is missing, and no daemon has died of anything but us.
It prints one JSON line, and ends with exit 1 when anything was otherwise; then its folder is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.e2e.soak_sync import REMOTE, Figures, Home, Soak
from tests.e2e.soak_user import Person
from tests.kit.device import Device
from tests.kit.server import LiveServer
from tests.kit.signals import GO_ON, KILL, STOP

SHARED: Final = "shared"
CONFLICT: Final = b" (conflict "
REST_MOST_S: Final = 300.0
"""From the last deed of a person to "up to date" everywhere: failures are tried again at least every minute."""
STEADY_S: Final = 6.0
"""So long everybody must say so before the folders are looked at: a commit elsewhere is on its way for a moment."""
_LOOK_S: Final = 0.5
_BEFORE_REST: Final = 6
_START_S: Final = 60.0


@dataclass
class Mirror:
    """One device: its home, the people at it, and its daemon."""

    home: Home
    people: list[Person]
    log: Path
    daemon: subprocess.Popen[bytes] | None = None
    was_killed: bool = False

    @property
    def device(self) -> Device:
        """Give where its command lines run."""
        return self.home.device

    def start(self) -> None:
        """Start the daemon, and wait until it answers."""
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "mega_cli", "daemon", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"MEGA_HOME": str(self.device.home), "MEGA_LOG": "info"},
            )
        self.was_killed = False
        ends_s = time.monotonic() + _START_S
        while not self.status().get("daemon"):
            assert time.monotonic() < ends_s, f"the daemon did not start: {self.log.read_text()[-2000:]}"
            time.sleep(_LOOK_S)

    def send(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        assert self.daemon is not None, "start it first"
        self.daemon.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Stop or kill the daemon; give its exit code."""
        assert self.daemon is not None, "start it first"
        self.was_killed = True
        self.daemon.send_signal(number)
        return self.daemon.wait(60)

    def status(self) -> dict[str, Any]:
        """Ask how it stands."""
        ran = self.device.run("status", "--json")
        found: dict[str, Any] = json.loads(ran.out) if ran.out.startswith(b"{") else {}
        return found

    def pair(self) -> dict[str, Any]:
        """Ask how its only pair stands."""
        pairs = self.status().get("pairs") or [{}]
        found: dict[str, Any] = pairs[0]
        return found


@dataclass
class DaemonFigures(Figures):
    """What happened, and how long a rest took."""

    rest_s: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    rss_mb: list[int] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


class DaemonSoak(Soak):
    """The devices with their daemons."""

    def __init__(self, base: Path, seed: int, devices: int, server: LiveServer) -> None:
        """Sign up, let every device mirror, and give each person a place of their own."""
        super().__init__(base, seed, devices, server)
        self.figures: DaemonFigures = DaemonFigures(seed)
        self.mirrors = [self._mirror(base, home) for home in self.homes]
        for mirror in self.mirrors:
            mirror.start()
            ran = mirror.device.run("sync", str(mirror.home.folder), REMOTE)
            assert ran.code == 0, ran.err

    def _mirror(self, base: Path, home: Home) -> Mirror:
        people = []
        for place in (SHARED, f"own-{home.person.name}"):
            (home.folder / place).mkdir()
            attic = base / f"attic-{home.person.name}-{place}"
            attic.mkdir()
            who, luck = f"{home.person.name} {place}", Random(self.luck.random())
            root = os.fsencode(home.folder / place)
            people.append(Person(who, root, os.fsencode(attic), os.fsencode(self.outside), self.ledger, luck))
        return Mirror(home, people, base / f"daemon-{home.person.name}.log")

    # --- storms

    def storm(self) -> None:
        """Let people act for some seconds while something goes wrong."""
        luck = self.luck
        self.figures.storms += 1
        for mirror in self.mirrors:
            for person in mirror.people:
                self.figures.deeds.update(person.act() for _ in range(luck.choice((0, 1, 3, 10, 30))))
        self._work(luck.choice((0.5, 2, 5)))
        blows = (self._kill, self._stop, self._suspend, self._vanish, self._pause, self._lose_server, self._nothing)
        blow = luck.choice((*blows, self._nothing))
        blow(luck.choice(self.mirrors))
        self._work(luck.choice((0.5, 2, 5)))
        for mirror in self.mirrors:
            if mirror.daemon is not None and mirror.daemon.poll() is not None:
                tail = mirror.log.read_text(errors="replace")[-3000:]
                self.wrong(f"{mirror.home.person.name}: the daemon ended with {mirror.daemon.returncode}: {tail}")
                mirror.start()

    def _work(self, seconds: float) -> None:
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            person = self.luck.choice(self.luck.choice(self.mirrors).people)
            self.figures.deeds[person.act()] += 1
            time.sleep(self.luck.choice((0.01, 0.05, 0.3)))  # between two deeds of people

    def _blow(self, name: str) -> None:
        self.figures.blows[name] += 1

    def _nothing(self, _mirror: Mirror) -> None:
        self._blow("none")

    def _kill(self, mirror: Mirror) -> None:
        self._blow("daemon killed")
        mirror.end(KILL)
        self._work(self.luck.choice((0, 1, 3)))
        if self.luck.random() < 0.3:
            self._tamper(mirror.home)
        mirror.start()

    def _stop(self, mirror: Mirror) -> None:
        self._blow("daemon stopped")
        began_s = time.monotonic()
        code = mirror.end(signal.SIGTERM)
        if code != 0 or time.monotonic() - began_s > 10:  # 5 s are promised; the machine is busy
            self.wrong(f"{mirror.home.person.name}: stop took {time.monotonic() - began_s:.1f} s, exit {code}")
        self._work(self.luck.choice((0, 1, 3)))
        mirror.start()

    def _suspend(self, mirror: Mirror) -> None:
        self._blow("daemon suspended")
        mirror.send(STOP)
        self._work(self.luck.choice((1, 4, 8)))
        mirror.send(GO_ON)

    def _vanish(self, mirror: Mirror) -> None:
        """Take the folder away for a while, as a disk that is not mounted; its people wait."""
        self._blow("folder away")
        away = mirror.home.folder.with_name(f"{mirror.home.folder.name}.away")
        mirror.home.folder.rename(away)
        time.sleep(self.luck.choice((0.2, 2, 5)))  # so long it is away
        away.rename(mirror.home.folder)

    def _pause(self, mirror: Mirror) -> None:
        self._blow("paused")
        mirror.device.run("syncs", "pause")
        self._work(self.luck.choice((0.5, 3)))
        mirror.device.run("syncs", "resume")

    def _lose_server(self, _mirror: Mirror) -> None:
        self._drop_server()

    # --- rests

    def rest(self) -> None:
        """Let people rest until every daemon says that both sides are equal; then look at everything."""
        self.figures.rests += 1
        began_s, good_since_s = time.monotonic(), None
        while time.monotonic() - began_s < REST_MOST_S:
            states = [self._state(mirror) for mirror in self.mirrors]
            self.figures.states.update(states)
            if any(state != "up-to-date" for state in states):
                good_since_s = None
            elif good_since_s is None:
                good_since_s = time.monotonic()
            elif time.monotonic() - good_since_s > STEADY_S:
                self.figures.rest_s.append(round(good_since_s - began_s, 1))
                break
            time.sleep(_LOOK_S)
        else:
            shown = [mirror.pair() for mirror in self.mirrors]
            self.wrong(f"not up to date after {REST_MOST_S:.0f} s: {json.dumps(shown, indent=1)}")
        self.figures.rss_mb = [_rss_mb(mirror) for mirror in self.mirrors]
        self._judge()
        self._judge_conflicts()

    def _state(self, mirror: Mirror) -> str:
        """Ask for the state, and do what it asks for."""
        mirror.home.person.drop_rules()
        pair = mirror.pair()
        state = str(pair.get("state", "no answer"))
        if state == "held":
            for held in json.loads(mirror.device.run("held", "ls", "--json").out)["held"]:
                self._blow("held approved")
                mirror.device.run("held", "approve", held["name"])
        if state == "attention":
            if pair.get("stalled"):
                self._mend_stalled(mirror)
            elif pair.get("conflicts"):
                self._settle_conflicts(mirror)
        if state in {"frozen", "stopped"}:
            self.figures.blows[f"{state}: {pair.get('error')}"] += 1
        return state

    def _mend_stalled(self, mirror: Mirror) -> None:
        listed = json.loads(mirror.device.run("syncs", "ls", "-v", "--json").out)["pairs"][0]
        items = {item["path"] for item in listed.get("items", [])}
        own = f"own-{mirror.home.person.name}"
        for item in items:
            if item.startswith("own-") and item.split("/")[0] != own:
                continue  # its person mends it: two would make a conflict that nobody could explain
            if not any(other.startswith(f"{item}/") for other in items):
                self._mend(mirror.home, item)

    def _settle_conflicts(self, mirror: Mirror) -> None:
        for conflict in json.loads(mirror.device.run("conflicts", "ls", "--json").out)["conflicts"]:
            copy = mirror.home.folder / conflict["copy"]
            mirror.device.run("conflicts", "resolve", "--keep", "both", str(copy))

    def _judge_conflicts(self) -> None:
        """In a folder of one person's own nobody else changed anything: no copy there has an explanation."""
        mirror = self.mirrors[0]
        for path in mirror.home.person.everything():
            below = path[len(mirror.home.person.root) + 1 :]
            if below.startswith(b"own-") and CONFLICT in below:
                self.figures.unexplained.append(os.fsdecode(below))
        self.figures.unexplained = sorted(set(self.figures.unexplained))

    def close(self) -> None:
        """Stop every daemon."""
        for mirror in self.mirrors:
            if mirror.daemon is not None and mirror.daemon.poll() is None:
                mirror.end(signal.SIGTERM)


def _rss_mb(mirror: Mirror) -> int:
    """Read what a daemon holds in memory."""
    if sys.platform == "win32":
        return 0  # it is read from /proc
    assert mirror.daemon is not None, "it runs"
    pages = int(Path(f"/proc/{mirror.daemon.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


def soaked(base: Path, seconds: float, seed: int, devices: int, say: Callable[[str], object]) -> DaemonFigures:
    """Storm and rest for so long, and rest at the end."""
    with LiveServer(base / "server") as server:
        soak = DaemonSoak(base, seed, devices, server)
        ends_s = time.monotonic() + seconds
        try:
            while time.monotonic() < ends_s and not soak.figures.wrong:
                for _ in range(_BEFORE_REST):
                    if time.monotonic() < ends_s:
                        soak.storm()
                soak.rest()
                figures = soak.figures
                say(f"{figures.storms} storms, rest in {figures.rest_s[-1:]} s, {figures.rss_mb} MB\n")
            if "Traceback" in server.log:
                soak.wrong(server.log[-3000:])
        finally:
            soak.close()
        for mirror in soak.mirrors:
            if "Traceback" in mirror.log.read_text(errors="replace"):
                soak.wrong(f"{mirror.home.person.name}: a traceback in {mirror.log}")
        if soak.figures.unexplained:
            soak.wrong(f"conflicts without an explanation: {soak.figures.unexplained}")
        return soak.figures


def main() -> None:
    """Soak, and keep the folder only if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--devices", type=int, default=2)
    parser.add_argument("--folder", help="where to make folders; the disk that is tried")
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="mega-soak-", dir=asked.folder))
    figures = soaked(base, asked.seconds, asked.seed, asked.devices, sys.stderr.write)
    sys.stdout.write(json.dumps(vars(figures)) + "\n")
    if figures.wrong:
        sys.stderr.write(f"kept: {base}\n")
    else:
        shutil.rmtree(base)
    sys.exit(1 if figures.wrong else 0)


if __name__ == "__main__":
    main()
