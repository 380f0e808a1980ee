"""What becomes of a pair after an error: the state it is shown in, and what has to happen before it is tried again.

One table, read from the top; the first row that fits counts. "The user must act" and "it may pass" are told apart here
and nowhere else. Nothing here retries: `worker.py` does.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

from mega_cli.daemon.status import PairState
from mega_cli.errors import (
    IntegrityError,
    LimitError,
    LockedError,
    MegaError,
    MissingItemError,
    NotInitialisedError,
    NotLoggedInError,
    PermissionRefusedError,
    PolicyError,
    RollbackError,
    SafetyStopError,
    TemporaryError,
    UntrustedKeyError,
    UsageError,
)


class Until(Enum):
    """What is waited for."""

    USER = auto()
    """The user's word: nothing is even looked at before."""
    LOGIN = auto()
    """Another session on this device."""
    LOOK = auto()
    """A look, every half minute: whoever mends it need not tell us."""
    SOON = auto()
    """A while, that grows to a minute."""
    WHILE = auto()
    """A while, that grows to an hour."""


class Treatment(NamedTuple):
    """How a pair goes on. What keeps its pair open goes on watching the folder."""

    state: PairState
    until: Until
    keeps_open: bool = False


_TABLE: Final[tuple[tuple[type[MegaError], Treatment], ...]] = (
    (IntegrityError, Treatment("frozen", Until.USER)),
    (RollbackError, Treatment("frozen", Until.USER)),  # `mega trust accept` says so
    (NotLoggedInError, Treatment("frozen", Until.LOGIN)),
    (NotInitialisedError, Treatment("frozen", Until.LOGIN)),
    (SafetyStopError, Treatment("frozen", Until.LOOK)),  # a disk that is mounted again, a state that can be written
    (LockedError, Treatment("waiting", Until.SOON)),  # `mega sync --once` is at it
    (TemporaryError, Treatment("offline", Until.SOON, keeps_open=True)),
    (UntrustedKeyError, Treatment("frozen", Until.LOOK)),  # of a certificate: a hotel's network
    (PolicyError, Treatment("frozen", Until.LOOK)),  # the same: something else answered
    (UsageError, Treatment("frozen", Until.LOOK)),
    (MissingItemError, Treatment("frozen", Until.LOOK)),
    (PermissionRefusedError, Treatment("frozen", Until.LOOK)),
    (LimitError, Treatment("waiting", Until.SOON, keeps_open=True)),  # a full disk, a full account
    (MegaError, Treatment("waiting", Until.WHILE, keeps_open=True)),
)
INTEGRITY_FAILURES_MOST: Final = 2
"""Files of one cycle whose content was not what it should be. More are no damage of a single blob, but a server that
must not be believed: the pair freezes."""


def treatment_of(error: MegaError) -> Treatment:
    """Find the row of an error."""
    return next(treatment for kind, treatment in _TABLE if isinstance(error, kind))


def way_on(treatment: Treatment, hint: str, pair: str) -> str:
    """Complete an error's hint: what waits for the user's word also says which word that is."""
    if treatment.until is not Until.USER or pair in hint:
        return hint
    return "; ".join(filter(None, (hint, f"to try again: mega syncs resume {pair}")))
