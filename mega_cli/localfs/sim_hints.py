"""SimHints: hints of a simulated disk, as a system gives them, and as it fails to: deterministic from its chance.

    hints = SimHints(disk.tree, random.Random(7), HintFaults(drops=0.1, overflows=0.01))
    hints.start(inbox.put)
    user.write((b"a", b"f"), b"words")
    hints.flow()                                    # what changed since the last flow is told, or lost, or told later
    hints.tick(clock.steady_s())                    # a death is noticed here, once it has lasted as long as a canary

It watches as inotify does: folders, by inode, told by the place at which they were watched last; what is in a folder
that is not watched is told to nobody. It finds changes by comparing the watched folders with what they held, so what
came and went between two flows is not told, and a write is told in each watched folder in which the file has a name.

A flow may come after any call of anybody. Without faults it keeps the promises of `Hints`; of the faults, overflows and
deaths keep them too, `drops` break them as a write through a mapping does: only a full look finds what they swallow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Final, NamedTuple, final

from mega_cli.localfs.disk import Found, Place
from mega_cli.localfs.failures import BlockedError
from mega_cli.localfs.hints import EVERYWHERE, IDLE, Health, Hint
from mega_cli.localfs.sim_inodes import SimTree
from mega_cli.localfs.sim_power import Inode
from mega_cli.localfs.teller import Teller
from mega_cli.localfs.watches import OWN

NOTICED_S: Final = 70.0
"""How long a death may last: the canary's period and patience."""


class HintFaults(NamedTuple):
    """Chances from 0 to 1: the first three of each hint, the others of each flow that has something to tell."""

    drops: float = 0.0
    """Of being lost, unnoticed."""
    duplicates: float = 0.0
    """Of being told twice."""
    delays: float = 0.0
    """Of being told at a later flow."""
    reorders: float = 0.0
    """Of being shuffled with all that are due."""
    overflows: float = 0.0
    """Of losing all that are due, noticed."""
    deaths: float = 0.0
    """Of telling nothing any more until `tick` notices."""


class _Watched(NamedTuple):
    """A folder that is watched, where it was then, and what it held when it was last compared."""

    place: Place
    held: dict[bytes, tuple[Inode, Found]]


@final
class SimHints:
    """The member for simulations: no threads, and nothing happens but in its calls."""

    def __init__(self, tree: SimTree, chance: Random, faults: HintFaults | None = None) -> None:
        """Tell of `tree`; the same chance and the same calls tell the same."""
        self._tree = tree
        self._chance = chance
        self._faults = faults or HintFaults()
        self._teller = Teller()
        self._top = tree.root
        self._watched: dict[Inode, _Watched] = {}
        self._due: list[Hint] = []
        self._is_dead = False
        self._dead_since_s: float | None = None

    def start(self, take: Callable[[Hint], None]) -> None:
        """Begin to tell; once."""
        self._top = self._tree.root
        self._teller.begin(take)

    def watch(self, place: Place) -> bool:
        """Watch a folder; True when changes may have gone by untold until now, so it is to be listed, and all below."""
        if not self._teller.is_telling or place[:1] == OWN or self._tree.root is not self._top:
            return True
        with self._tree.lock:
            try:
                folder = self._tree.folder(place)
            except (OSError, BlockedError):
                return True
            known = self._watched.get(folder)
            if known is not None and known.place == place:
                return False
            self._watched[folder] = _Watched(place, self._held(folder))
            return True

    def stop(self) -> None:
        """Tell nothing more."""
        self._teller.end()
        self._watched.clear()

    def health(self) -> Health:
        """Say how much is noticed now: nobody knows of a death before it is noticed."""
        return Health("watching") if self._teller.is_telling else IDLE

    def tick(self, steady_s: float) -> float:
        """Notice a death in time; give the seconds until the next call."""
        if not self._is_dead:
            return NOTICED_S
        if self._dead_since_s is None:
            self._dead_since_s = steady_s
        left_s = self._dead_since_s + NOTICED_S - steady_s
        if left_s <= 0:
            self._begin_anew()
        return left_s if left_s > 0 else NOTICED_S

    def flow(self) -> None:
        """Let the system tell what happened since the last flow, as far as its faults allow."""
        if not self._teller.is_telling or self._is_dead:
            return
        if self._tree.root is not self._top:  # another file system is there now, or this one again: its watches ended
            self._begin_anew()
            return
        with self._tree.lock:
            new = [hint for hint in self._changes() if not self._happens(self._faults.drops)]
        self._due += [hint for hint in new for _ in range(2 if self._happens(self._faults.duplicates) else 1)]
        if not self._due:
            return
        if self._happens(self._faults.deaths):
            self._is_dead = True
            self._due.clear()
        if self._happens(self._faults.overflows):
            self._due = [EVERYWHERE]
        if self._happens(self._faults.reorders):
            self._chance.shuffle(self._due)
        told, self._due = self._due, []
        for hint in told:
            if self._happens(self._faults.delays):
                self._due.append(hint)
            else:
                self._teller.tell(hint)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _happens(self, rate: float) -> bool:
        """Draw; a rate of 0 draws nothing, so that worlds without a fault are the same as before there was one."""
        return rate > 0 and self._chance.random() < rate

    def _begin_anew(self) -> None:
        """Lose every watch, and say so."""
        self._top = self._tree.root
        self._watched.clear()
        self._due.clear()
        self._is_dead, self._dead_since_s = False, None
        self._teller.tell(EVERYWHERE)

    def _held(self, folder: Inode) -> dict[bytes, tuple[Inode, Found]]:
        """Note what a folder holds; the tree makes a new `Found` at every change of an inode."""
        return {name: (node, self._tree.found(node)) for name, node in folder.entries.values()}

    def _changes(self) -> Iterable[Hint]:
        """Compare every watched folder with what it held."""
        for folder, (place, held) in list(self._watched.items()):
            if folder.is_free:
                self._watched.pop(folder, None)
                continue
            now = self._held(folder)
            for name in sorted(held.keys() | now.keys()):
                if (*place, name) != OWN:
                    yield from self._change((*place, name), held.get(name), now.get(name))
            if folder in self._watched:
                self._watched[folder] = _Watched(place, now)

    def _change(self, place: Place, was: tuple[Inode, Found] | None, now: tuple[Inode, Found] | None) -> Iterable[Hint]:
        """Tell of one name, by what had it and what has it."""
        if was is not None and was[0].kind == "d" and (now is None or now[0] is not was[0]):
            self._watched = {node: kept for node, kept in self._watched.items() if kept.place[: len(place)] != place}
        for side, other in ((was, now), (now, was)):
            if side is not None and side[0].kind == "d":
                if other is None or other[0] is not side[0] or other[1].stamps.mode != side[1].stamps.mode:
                    yield Hint(place[:-1])
            elif side is not None and (other is None or other[1] is not side[1]):
                is_closed = side is now and side[0].kind == "f" and not side[0].opens
                yield Hint(place, is_folder=False, was_closed=is_closed)
