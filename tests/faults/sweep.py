"""Fail, then kill, at the N-th call of a run, for N = 1, 2, … until the run completes: `python -m tests.faults.sweep`.

After each: the same command without a fault succeeds, the volume holds exactly what it should, byte by byte, what a get
has left is whole or not there, and the server's check finds no damage. It prints one JSON line a sweep, and ends with
exit 1 when anything was otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import KIB
from tests.kit.fault_plan import KILLED_CODE, MODES, Mode
from tests.kit.fault_world import NEW, PASSWORD, Fault, FaultWorld, listen, load_everything, stretch_cheaply
from tests.kit.forge import fixed

SIDES: Final = ("client", "server")
Tree = dict[str, str]
"""What lies at each relative path: a digest, a link's text, or a folder."""


@dataclass(frozen=True)
class Run:
    """A command of the sweep; `{src}` and other names in braces stand for the run's folders."""

    words: tuple[str, ...]
    once_done: int = 0
    """How the command ends when its change is there already."""
    otherwise: tuple[tuple[str, ...], ...] = ()
    """What else a user has who was told neither yes nor no: the other recovery kit, or another file for a new one."""
    proof: tuple[str, ...] = ()
    """A command that succeeds only when the change is there."""


NEW_PASSWORD: Final = ("--new-password-file", "{keys}/new")
RUNS: Final = {
    "put": Run(("put", "{src}", "/")),
    "get": Run(("get", "/base", "{out}")),
    "mv": Run(("mv", "/base/small", "/base/renamed"), once_done=4),
    "rm": Run(("rm", "-r", "/base/sub"), once_done=4),
    "mkdir": Run(("mkdir", "-p", "/made/deeper")),
    "cp": Run(("cp", "/base/large", "/copied")),
    "trash": Run(("trash", "empty", "--yes")),
    "passwd": Run(
        ("passwd", "--password-file", "{keys}/password", *NEW_PASSWORD),
        once_done=12,
        proof=("login", "alice", "--server", "{url}", "--password-file", "{keys}/new"),
    ),
    "recover": Run(
        ("recover", "--kit-file", "{keys}/kit", "--recovery-kit", "{keys}/kit-2", *NEW_PASSWORD),
        once_done=12,
        otherwise=(
            ("recover", "--kit-file", "{keys}/kit", "--recovery-kit", "{keys}/kit-3", *NEW_PASSWORD),
            ("recover", "--kit-file", "{keys}/kit-2", "--recovery-kit", "{keys}/kit-4", *NEW_PASSWORD),
        ),
        proof=("login", "alice", "--server", "{url}", "--password-file", "{keys}/new"),
    ),
}
MAY_FAIL_WITH: Final = {
    "client": frozenset({1, 3, 5, 7, 8, 12, 13}),
    "server": frozenset({1, 3, 5, 8}),
}
"""Clear ends of a run that was hit. Never a bug, an integrity error or a rollback: a fault must not cry wolf."""


@dataclass
class Sweep:
    """What one sweep found."""

    run: str
    side: str
    mode: Mode
    calls: int = 0
    tried: int = 0
    ends: Counter[int] = field(default_factory=Counter)
    repeats: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Write it down."""
        return json.dumps(
            {
                "run": self.run,
                "side": self.side,
                "mode": self.mode,
                "calls": self.calls,
                "tried": self.tried,
                "ends": dict(sorted(self.ends.items())),
                "repeats": dict(sorted(self.repeats.items())),
                "wrong": self.wrong,
            }
        )


class Bench:
    """A base to copy each run from, and what each command leads to when nothing fails."""

    def __init__(self, folder: Path, *, forgets: bool = False) -> None:
        """Sign up, and store the files that commands work on. `forgets` loses a pack after each hit."""
        self._forgets = forgets
        self._base = folder / "base"
        self.world = FaultWorld(folder / "run", listen())
        self._golden: dict[str, tuple[Tree, Tree]] = {}
        stretch_cheaply()
        load_everything()
        made = FaultWorld(self._base, self.world.listener)
        made.initialise()
        for name in ("out", "base", "src", "old", "keys"):
            made.path(name).mkdir(parents=True)
        for name in ("base", "src", "old"):
            _fill(made.path(name), name)
        (made.path("keys") / "password").write_text(PASSWORD)
        (made.path("keys") / "new").write_text(NEW)
        told = ("--server", "{url}", "--password-file", "{keys}/password", "--recovery-kit", "{keys}/kit")
        for words in (("signup", *told, "alice"), ("put", "{base}", "{old}", "/"), ("rm", "-r", "/old")):
            ended = made.run(_filled(words, made))
            assert ended.code == 0, ended.err + made.server_said
        made.stop_server()

    def count(self, name: str, side: str, mode: Mode) -> int:
        """Count a command's calls of one side."""
        return self._begin(name, Fault(side, mode, 0))[1]

    def golden(self, name: str) -> tuple[Tree, Tree]:
        """Give the volume and the folder `out` after a command that nothing disturbed."""
        if name not in self._golden:
            ended, _ = self._begin(name, None)
            assert ended == 0
            self._golden[name] = self._volume(), _tree(self.world.path("out"))
        return self._golden[name]

    def _begin(self, name: str, fault: Fault | None) -> tuple[int, int]:
        self.world.stop_server()
        self.world.copy_from(self._base)
        ended = self.world.run(_filled(RUNS[name].words, self.world), fault)
        assert ended.code == 0, ended.err
        return ended.code, ended.count

    def strike(self, sweep: Sweep, number: int) -> bool:
        """Hit one call and look at everything afterwards; False when the run made fewer calls than that."""
        world, run = self.world, RUNS[sweep.run]
        volume, out = self.golden(sweep.run)
        world.stop_server()
        world.copy_from(self._base)
        hit = world.run(_filled(run.words, world), Fault(sweep.side, sweep.mode, number))
        where = f"{number} ({hit.hit})"
        if not hit.hit:
            return False
        sweep.tried += 1
        sweep.ends[hit.code] += 1
        is_killed = sweep.mode == "killed" and sweep.side == "client" and hit.code == KILLED_CODE
        if hit.code and not is_killed and (hit.code not in MAY_FAIL_WITH[sweep.side] or "Traceback" in hit.err):
            sweep.wrong.append(f"{where}: exit {hit.code}: {hit.err[-600:]}")
        if hit.code not in {0, KILLED_CODE} and "mega: error: " not in hit.err and hit.code != 3:
            sweep.wrong.append(f"{where}: no clear error: {hit.err[-300:]}")
        for path, found in _tree(world.path("out")).items():
            if out.get(path) != found:
                sweep.wrong.append(f"{where}: {path} has its name and is not whole")
        again = world.run(_filled(run.words, world))
        for words in run.otherwise if again.code else ():
            again = world.run(_filled(words, world))
            if not again.code:
                break
        sweep.repeats[again.code] += 1
        if again.code not in {0, run.once_done}:
            sweep.wrong.append(f"{where}: the next run ended with {again.code}: {again.err[-600:]}")
        if run.proof and (proved := world.run(_filled(run.proof, world))).code:
            sweep.wrong.append(f"{where}: the change is not there: {proved.err[-300:]}")
        if _tree(world.path("out")) != out:
            sweep.wrong.append(f"{where}: the next run did not complete the folder")
        if self._forgets:
            next(path for path in world.path("server").rglob("v/*/*")).unlink()
        if self._volume() != volume:
            sweep.wrong.append(f"{where}: the volume is not what it should be")
        world.stop_server()
        sweep.wrong += [f"{where}: {what}" for what in world.damage()]
        return True

    def _volume(self) -> Tree:
        """Fetch everything, with nothing cached."""
        for cached in (*self.world.path("home").rglob("pages.db*"), *self.world.path("home").rglob("index.db*")):
            cached.unlink()
        ended = self.world.run(("get", "/", str(self.world.path("everything"))))
        if ended.code:
            return {"a get of everything": f"exit {ended.code}: {ended.err[-300:]}"}
        return _tree(self.world.path("everything"))


def sweep(bench: Bench, name: str, side: str, mode: Mode, most: int, until_s: float) -> Sweep:
    """Hit calls of a command: each of them until the run completes, or at most `most`, spread over the whole run.

    Ends early at `until_s` of the monotonic clock; `tried` then tells.
    """
    found = Sweep(name, side, mode, bench.count(name, side, mode))
    numbers: Iterable[int] = _all() if not most else _spread(found.calls, most)
    for number in numbers:
        if time.monotonic() > until_s:
            break
        if not bench.strike(found, number) and not most:
            found.calls = number - 1
            break
    return found


def _all() -> Iterator[int]:
    number = 1
    while True:
        yield number
        number += 1


def _spread(calls: int, most: int) -> list[int]:
    """Take the first, the last, and numbers between."""
    return sorted({1 + round(at * (calls - 1) / max(1, most - 1)) for at in range(most)})


def _filled(words: tuple[str, ...], world: FaultWorld) -> tuple[str, ...]:
    url = f"http://127.0.0.1:{world.listener.getsockname()[1]}"
    folders = {name: world.path(name) for name in ("src", "out", "base", "old", "keys")}
    return tuple(word.format(url=url, **folders) for word in words)


def _fill(folder: Path, salt: str) -> None:
    """Write a file of each size class, a folder, a link."""
    (folder / "sub").mkdir()
    (folder / "empty").touch()
    (folder / "small").write_bytes(fixed(salt + " small", 900))
    (folder / "large").write_bytes(fixed(salt + " large", 700 * KIB))
    (folder / "sub" / "inner").write_bytes(fixed(salt + " inner", 70 * KIB))
    (folder / "link").symlink_to("small")


def _tree(folder: Path) -> Tree:
    """Say what lies below a folder, partial files left out."""
    found = {}
    for path in folder.rglob("*"):
        if is_partial_name(os.fsencode(path.name)):
            continue
        if path.is_symlink():
            found[str(path.relative_to(folder))] = f"-> {path.readlink()}"
        else:
            found[str(path.relative_to(folder))] = "/" if path.is_dir() else sha256(path.read_bytes()).hexdigest()
    return found


def main() -> None:
    """Sweep what the command line names; everything by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    parser.add_argument("--side", action="append", choices=SIDES)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--most", type=int, default=0, help="calls to hit in each sweep; 0: every one")
    parser.add_argument(
        "--forget-packs", action="store_true", help="lose a pack after each hit: everything is wrong then"
    )
    parser.add_argument("--minutes", type=float, default=180, help="stop after so long")
    asked = parser.parse_args()
    until_s = time.monotonic() + asked.minutes * 60
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="mega-faults-") as folder:
        bench = Bench(Path(folder), forgets=asked.forget_packs)
        for name in asked.runs:
            for side in asked.side or SIDES:
                for mode in asked.mode or MODES:
                    found = sweep(bench, name, side, mode, asked.most, until_s)
                    sys.stdout.write(found.line() + "\n")
                    sys.stdout.flush()
                    wrong += len(found.wrong)
        bench.world.stop_server()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
