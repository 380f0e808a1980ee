"""Devices that sync real folders for a while, all at odds: `python -m tests.e2e.soak_sync --seconds 300`.

People edit, move and delete at random, also during runs; runs overlap, are killed, lose their server, and find their
state deleted or older than it was. Now and then everything comes to rest. Then all folders are equal, every content
that nobody took away is in them, what was deleted lies in a trash, nothing elsewhere was touched, and no run broke.
It prints one JSON line, and ends with exit 1 when anything was otherwise; then its folder is kept.

A seed gives the same people and the same moments; what meets what depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from mega_cli.paths.names import text_from_disk
from tests.e2e.soak_user import Ledger, Person, digest
from tests.kit.device import Device
from tests.kit.server import LiveServer

PASSWORD: Final = "a long password of many words 77"
REMOTE: Final = "/pair"
CLEAN: Final = frozenset({0, 3, 5, 6, 11, -9})
"""How a run may end: 3 something stands still, 5 no server, 6 a conflict copy, 11 another run, -9 killed."""
DELETIONS: Final = {"deleted", "deleted with its folder"}
RUN_MOST_S: Final = 300
REST_ROUNDS: Final = 15
_TRASH_PASSES: Final = 20
_BEFORE_REST: Final = 12
"""So many storms from one rest to the next."""

Tree = dict[str, tuple[str, int, int, str]]
"""Of each path, composed as the volume has it, its kind, mode, time and content."""


@dataclass
class Home:
    """One device: its `MEGA_HOME`, its person, and the copy of its state that may come back."""

    device: Device
    person: Person
    folder: Path
    backup: Path

    def sync(self) -> subprocess.Popen[bytes]:
        """Start a run."""
        return self.device.start("sync", "--once", "--json", "--max-delete", "off", str(self.folder), REMOTE)

    @property
    def states(self) -> list[Path]:
        """List the files of its state; the list of pairs is not one of them."""
        return [path for path in self.device.home.rglob("sync/*") if ".db" in path.name]


@dataclass
class Figures:
    """What happened."""

    seed: int
    storms: int = 0
    rests: int = 0
    most_rounds: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    contents: int = 0
    removed: int = 0
    wrong: list[str] = field(default_factory=list)


class Soak:
    """The devices, the server, and what is known of every content."""

    def __init__(self, base: Path, seed: int, devices: int, server: LiveServer) -> None:
        """Sign up on the first device and log in on the others."""
        self.luck = Random(seed)
        self.figures = Figures(seed)
        self.ledger = Ledger()
        self.server = server
        self.kept: set[str] = set()
        """Contents that once were in every folder: none of them may vanish without a trace."""
        self.outside = base / "outside"
        self.outside.mkdir()
        (self.outside / "file").write_text("nobody touches this")
        (base / "password").write_text(PASSWORD)
        self.homes = [self._home(base, number) for number in range(devices)]
        self.before = _outside(self.outside)

    def _home(self, base: Path, number: int) -> Home:
        name = f"device{number}"
        device = Device(base / f"home-{name}")
        told = ("--server", self.server.url, "--password-file", str(base / "password"), "--device-name", name)
        words = ("login",) if number else ("signup", "--recovery-kit", str(base / "kit"))
        ran = device.run(*words, *told, "alice")
        assert ran.code == 0, ran.err
        folder, attic = base / name, base / f"attic-{name}"
        for made in (folder, attic):
            made.mkdir()
        luck = Random(self.luck.random())
        person = Person(name, os.fsencode(folder), os.fsencode(attic), os.fsencode(self.outside), self.ledger, luck)
        return Home(device, person, folder, base / f"backup-{name}")

    # --- storms

    def storm(self) -> None:
        """Let people act, some devices run, and something go wrong."""
        luck = self.luck
        self.figures.storms += 1
        for home in self.homes:
            self._act(home, luck.choice((0, 1, 3, 10, 30)))
        self._tamper(luck.choice(self.homes))
        runs = [(home, home.sync()) for home in luck.sample(self.homes, luck.randint(1, len(self.homes)))]
        if luck.random() < 0.1:
            runs.append((runs[0][0], runs[0][0].sync()))
        ends_s = time.monotonic() + luck.choice((0.5, 1.5, 3, 6))
        is_killing, is_editing, is_dropping = luck.random() < 0.4, luck.random() < 0.6, luck.random() < 0.15
        while time.monotonic() < ends_s:
            if is_editing:
                self._act(luck.choice(self.homes), 1)
            time.sleep(0.02)  # between two deeds of people
        if is_killing:
            self.figures.blows["run killed"] += 1
            luck.choice(runs)[1].kill()
        if is_dropping:
            self._drop_server()
        for home, process in runs:
            self._ended(home, process)

    def _act(self, home: Home, times: int) -> None:
        self.figures.deeds.update(home.person.act() for _ in range(times))

    def _tamper(self, home: Home) -> None:
        """Sometimes take a device's state away, keep a copy of it, or bring the copy back."""
        chance = self.luck.random()
        if chance < 0.1:
            shutil.rmtree(home.backup, ignore_errors=True)
            home.backup.mkdir()
            for path in home.states:
                shutil.copy2(path, home.backup)
        elif chance < 0.15 and home.backup.exists():
            self.figures.blows["state restored"] += 1
            folder = next(iter(home.states)).parent
            self._lose(home)
            for path in home.backup.iterdir():
                shutil.copy2(path, folder)
        elif chance < 0.18:
            self.figures.blows["state lost"] += 1
            self._lose(home)

    @staticmethod
    def _lose(home: Home) -> None:
        for path in home.states:
            path.unlink()

    def _drop_server(self) -> None:
        is_hard = self.luck.random() < 0.5
        self.figures.blows["server killed" if is_hard else "server stopped"] += 1
        (self.server.kill if is_hard else self.server.stop)()
        time.sleep(self.luck.choice((0, 1, 6)))  # a server that is away
        self.server.start()

    def _ended(self, home: Home, process: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, Any]]]:
        """Wait for a run; give its exit code and what it printed."""
        watchdog = threading.Timer(RUN_MOST_S, process.kill)
        watchdog.start()
        began_s = time.monotonic()
        out, err = process.communicate()
        watchdog.cancel()
        code = process.returncode
        self.figures.codes[str(code)] += 1
        if code not in CLEAN or b"Traceback" in err or time.monotonic() - began_s > RUN_MOST_S - 1:
            self.wrong(f"{home.person.name}: exit {code}: {err.decode(errors='replace')[-3000:]}")
        return code, [json.loads(line) for line in out.splitlines() if line.startswith(b"{") and line.endswith(b"}")]

    def wrong(self, what: str) -> None:
        """Note that something is not as it must be."""
        self.figures.wrong.append(f"storm {self.figures.storms}: {what}")
        sys.stderr.write(self.figures.wrong[-1] + "\n")

    # --- rests

    def rest(self) -> None:
        """Run until every device says that both sides are equal, mending what it lists; then look at everything."""
        self.figures.rests += 1
        for home in self.homes:
            home.person.drop_rules()
        for number in range(1, REST_ROUNDS + 1):
            self.figures.most_rounds = max(self.figures.most_rounds, number)
            resting = [self._is_at_rest(home) for home in self.homes]
            if all(resting):
                break
        else:
            self.wrong(f"no rest after {REST_ROUNDS} rounds")
        self._judge()

    def _is_at_rest(self, home: Home) -> bool:
        """Run once, do what the lines ask for, and tell whether nothing had to be done."""
        code, lines = self._ended(home, home.sync())
        items = {line["item"] for line in lines if line["message_type"] == "error"}
        for item in items:
            if not any(other.startswith(f"{item}/") for other in items):  # a folder may stand still for what is in it
                self._mend(home, item)
        summary = lines[-1] if lines else {}
        home.person.drop_rules()
        return code == 0 and summary.get("local_changes") == summary.get("remote_changes") == 0

    def _mend(self, home: Home, item: str) -> None:
        self.figures.blows["mended"] += 1
        for path in home.person.everything():
            name = path[len(home.person.root) + 1 :]
            if item in _spellings(name):
                home.person.mend(name)
                return

    def _judge(self) -> None:
        trees = [_tree(home) for home in self.homes]
        for home, tree in zip(self.homes[1:], trees[1:], strict=True):
            for path in sorted(trees[0].keys() | tree.keys()):
                if trees[0].get(path) != tree.get(path):
                    self.wrong(f"{path!r}: {trees[0].get(path)} here, {tree.get(path)} on {home.person.name}")
        seen = {content for tree in trees for kind, _, _, content in tree.values() if kind == "f"}
        ledger = self.ledger
        for content in seen - ledger.written.keys():
            self.wrong(f"a content that nobody wrote: {[p for p, entry in trees[0].items() if entry[3] == content]}")
        in_trash = {digest(path.read_bytes()) for home in self.homes for path in _files(home.folder / ".mega")}
        for content in ledger.written.keys() - ledger.removed.keys() - seen:
            where = "in a local trash alone" if content in in_trash else "nowhere"
            self.wrong(f"lost: {ledger.written[content]} is {where}")
        # What was written over anywhere is in the volume's history alone, which nobody can list yet.
        deleted = {one for one in self.kept - seen - in_trash if ledger.removed.get(one, {""}) <= DELETIONS}
        for content in deleted - (self._volume_trash() if deleted else set()):
            self.wrong(f"deleted for good: {ledger.written[content]}, {ledger.removed[content]}")
        self.kept |= seen
        if _outside(self.outside) != self.before:
            self.wrong("something outside of the folders was touched")
        for home in self.homes:
            ran = home.device.run("syncs", "ls", "--json")
            if not json.loads(ran.out)["pairs"][0]["is_up_to_date"]:
                self.wrong(f"{home.person.name} is not up to date: {ran.out.decode()}")
        self.figures.contents, self.figures.removed = len(ledger.written), len(ledger.removed)

    def _volume_trash(self) -> set[str]:
        """Read what lies in the volume's trash, by fetching it beside everything."""
        device, target = self.homes[0].device, self.outside.parent / "from-trash"
        ids = {entry["id"] for entry in json.loads(device.run("trash", "ls", "--json").out)["entries"]}
        number = 0
        while ids and number < _TRASH_PASSES:  # two of one name do not go into one folder
            number += 1
            folder = f"/from-trash/{number}"
            device.run("mkdir", "-p", folder)
            device.run("trash", "restore", "--to", folder, *sorted(ids))
            ids &= {entry["id"] for entry in json.loads(device.run("trash", "ls", "--json").out)["entries"]}
        device.run("get", "/from-trash", str(target))
        found = {digest(path.read_bytes()) for path in _files(target)}
        device.run("rm", "-r", "/from-trash")
        shutil.rmtree(target, ignore_errors=True)
        return found


def _tree(home: Home) -> Tree:
    """Read a folder without sync's own. Of links and folders neither mode nor time is synced in the same way."""
    found: Tree = {}
    for path in home.person.everything():
        known = os.lstat(path)
        name, mode = _composed(path[len(home.person.root) + 1 :]), stat.S_IMODE(known.st_mode)
        if stat.S_ISREG(known.st_mode):
            found[name] = ("f", mode, known.st_mtime_ns, digest(Path(os.fsdecode(path)).read_bytes()))
        elif stat.S_ISDIR(known.st_mode):
            found[name] = ("d", mode, 0, "")
        else:
            found[name] = ("l", 0, 0, repr(os.readlink(path)))  # noqa: PTH115 -- bytes
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _outside(folder: Path) -> list[object]:
    return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_mode) for path in (folder, *folder.rglob("*"))]


def _spellings(name: bytes) -> set[str]:
    """Say how a path may be written in a message."""
    parts = name.split(b"/")
    return {name.decode(errors="replace"), "/".join(map(text_from_disk, parts)), _composed(name)}


def _composed(name: bytes) -> str:
    """Spell a path as the volume does: two spellings of one accent are one name."""
    return unicodedata.normalize("NFC", "/".join(map(text_from_disk, name.split(b"/"))))


def soaked(base: Path, seconds: float, seed: int, devices: int) -> Figures:
    """Storm and rest for so long, and rest at the end."""
    with LiveServer(base / "server") as server:
        soak = Soak(base, seed, devices, server)
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s and not soak.figures.wrong:
            for _ in range(_BEFORE_REST):
                if time.monotonic() < ends_s:
                    soak.storm()
            soak.rest()
        if "Traceback" in server.log:
            soak.wrong(server.log[-3000:])
        return soak.figures


def main() -> None:
    """Soak, and keep the folder only if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--devices", type=int, default=3)
    parser.add_argument("--folder", help="where to make folders; the disk that is tried")
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="mega-soak-", dir=asked.folder))
    figures = soaked(base, asked.seconds, asked.seed, asked.devices)
    sys.stdout.write(json.dumps(vars(figures)) + "\n")
    if figures.wrong:
        sys.stderr.write(f"kept: {base}\n")
    else:
        shutil.rmtree(base)
    sys.exit(1 if figures.wrong else 0)


if __name__ == "__main__":
    main()
