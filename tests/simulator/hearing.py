"""What a device hears of its own disk: hints as a daemon gets them, and what of the disk each cycle looks at by them.

A world whose seed is 1,000,000 or more has such devices. In most of them hints are as the system promises, and cycles
that look only where they say must be enough; in the others hints are lost, late and doubled, and what was lost is found
by the next look at everything. All of it is drawn from chances of its own: it changes nothing in other worlds.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, Self, final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import Hint
from mega_cli.localfs.sim_hints import HintFaults, SimHints
from mega_cli.localfs.sim_inodes import SimTree

FIRST_SEED: Final = 1_000_000
_SPOILT: Final = 0.35
_EAGER: Final = 0.3


class Kind(NamedTuple):
    """How hints are in a world."""

    faults: HintFaults
    whole: float
    """Which share of the cycles look at everything though nobody asked for it."""

    @property
    def is_reliable(self) -> bool:
        """Tell whether whatever happens is told, or that it may have been missed."""
        return not self.faults.drops and not self.faults.delays and not self.faults.deaths

    @classmethod
    def of_seed(cls, seed: int) -> Self | None:
        """Draw it; None for a world without hints."""
        if seed < FIRST_SEED:
            return None
        chance = Random(f"hints {seed}")
        share = chance.choice((0.0, 0.0, 0.0, 0.05, 0.3))
        if chance.random() >= _SPOILT:
            return cls(HintFaults(duplicates=chance.choice((0.0, 0.2)), overflows=chance.choice((0.0, 0.02))), share)
        faults = HintFaults(
            drops=chance.choice((0.0, 0.02, 0.2, 0.7)),
            duplicates=chance.choice((0.0, 0.2)),
            delays=chance.choice((0.0, 0.1, 0.5)),
            reorders=chance.choice((0.0, 0.5)),
            overflows=chance.choice((0.0, 0.02)),
            deaths=chance.choice((0.0, 0.02)),
        )
        return cls(faults, share)


@final
class Hearing:
    """One device's. A process that ends hears nothing more; the next one begins with a look at everything."""

    def __init__(self, kind: Kind, chance: Random) -> None:
        self._kind = kind
        self._chance = chance
        self._tree: SimTree | None = None
        self._hints: SimHints | None = None
        self._is_whole = True
        self._places: set[Place] = set()
        self._closed: dict[Place, bool] = {}
        self.is_sure = True
        """The cycle that was asked for last looks at all that may have changed."""

    def begin(self, tree: SimTree) -> Callable[[Place], bool]:
        """Begin to listen, for a new process; give what is to be told of folders that are listed."""
        if self._hints is not None:
            self._hints.stop()
        self._tree = tree
        self._hints = SimHints(tree, self._chance, self._kind.faults)
        self._hints.start(self._take)
        return self._watch

    def mend(self) -> None:
        """Let everything be told from now on; what was lost until now is found by a look at everything."""
        if not self._kind.is_reliable:
            self._kind = Kind(HintFaults(), self._kind.whole)
            if self._tree is not None:
                self.begin(self._tree)

    def overhear(self) -> None:
        """Let the system tell, or not yet, what somebody just did."""
        if self._hints is not None and self._chance.random() < _EAGER:
            self._hints.flow()

    def next_scope(self, steady_s: float) -> tuple[frozenset[Place] | None, frozenset[Place]]:
        """Say where the next cycle looks: the folders, None for everything, and the files that were closed."""
        if self._hints is not None:
            self._hints.flow()
            self._hints.tick(steady_s)
        is_whole = self._is_whole or self._chance.random() < self._kind.whole
        self.is_sure = is_whole or self._kind.is_reliable
        scope = None if is_whole else frozenset(self._places)
        closed = frozenset(place for place, is_closed in self._closed.items() if is_closed)
        self._is_whole = False
        self._places.clear()
        self._closed.clear()
        return scope, closed

    def _watch(self, place: Place) -> bool:
        return self._hints is None or self._hints.watch(place)

    def _take(self, hint: Hint) -> None:
        if hint.place is None:
            self._is_whole = True
        elif hint.is_folder:
            self._places.add(hint.place)
        else:
            self._places.add(hint.place[:-1])
            self._closed[hint.place] = hint.was_closed
