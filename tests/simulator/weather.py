"""What goes wrong in a world, how often, and of what kind its devices are: drawn from the seed, at the beginning."""

from __future__ import annotations

import errno
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mega_cli.reconcile.situation import DeleteLimit, DiskRules
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.simulator.client import Machine

FAULTS_AT: Final[Mapping[str, tuple[Fault, ...]]] = {
    "observe": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.STALE),
    "has_committed": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.STALE),
    "upload": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.QUOTA),
    "fetch": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.BAD_BLOB),
    "commit.read": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.STALE, Fault.QUOTA),
    "commit.swap": (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.DROP_REPLY, Fault.LATE, Fault.LOST_BLOBS),
    "past_digests": (Fault.DROP_REQUEST, Fault.DROP_REPLY),
}
DISK_ERRORS: Final = (errno.EACCES, errno.EIO, errno.EBUSY, errno.ENOSPC)
SPACE_CALLS: Final = frozenset({"make_file", "make_folder", "make_link", "file.write"})
_NAMES: Final = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True)
class Weather:
    """One world's nature. Rates are chances at each call, or each step."""

    machines: tuple[Machine, ...]
    events: float
    """Of something at a call of the engine."""
    remote: float
    """Of a fault at a moment of the remote."""
    crashes: float
    """Which share of the events at a call are crashes."""
    disk: float
    """Which share of them are errors of a disk."""
    amnesia: float
    """Of losing or restoring a state, at a step."""
    clocks: float
    """Of a jump of a wall clock, at a step."""
    is_calm: bool
    """All devices sync after everything a user does."""
    writers: int
    """How many of the devices have users who change anything."""


def forecast(chance: random.Random) -> Weather:
    """Draw a world's nature."""
    count = chance.choice((2, 2, 2, 3, 3, 4))
    is_settled = chance.random() < 0.9
    machines = tuple(_machine(chance, name, is_settled=is_settled) for name in _NAMES[:count])
    is_calm = chance.random() < 0.15
    is_quiet = chance.random() < 0.15
    return Weather(
        machines=machines,
        events=0.0 if is_quiet else chance.choice((0.002, 0.01, 0.01, 0.04)),
        remote=0.0 if is_quiet else chance.choice((0.0, 0.01, 0.05, 0.2)),
        crashes=chance.choice((0.0, 0.1, 0.5)),
        disk=chance.choice((0.0, 0.0, 0.1)),
        amnesia=chance.choice((0.0, 0.0, 0.0, 0.02)),
        clocks=chance.choice((0.0, 0.0, 0.05)),
        is_calm=is_calm,
        writers=1 if chance.random() < 0.15 else count,
    )


def _machine(chance: random.Random, name: str, *, is_settled: bool) -> Machine:
    """Draw one device."""
    folds_case = chance.random() < 0.12
    stores_nfd = folds_case and chance.random() < 0.5
    capacity_bytes = chance.choice((None, None, None, None, None, 60_000))
    settings = Settings(
        device=name,
        disk=DiskRules(folds_case=folds_case, folds_form=folds_case),
        limit=chance.choice((DeleteLimit(), DeleteLimit(None), DeleteLimit(4, 0.2, 4))),
        free_least_bytes=chance.choice((0, 10_000)),
    )
    return Machine(
        name=name,
        settings=settings,
        tick_ns=chance.choice((1, 1, 20_000_000, 1_000_000_000, 2_000_000_000)),
        folds_case=folds_case,
        stores_nfd=stores_nfd,
        tells_birth=chance.random() < 0.5,
        has_exchange=chance.random() < 0.7,
        capacity_bytes=capacity_bytes,
        is_settled=is_settled,
    )
