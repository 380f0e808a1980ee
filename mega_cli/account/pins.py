"""What this device pins of its account, and the one way on after a rollback or a fork: a person accepts what is shown.

The head that is accepted is verified like any other; only that it descends from the pin is not asked of it.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass

from mega_cli.account import connection
from mega_cli.account.access import account_fingerprint, known_account, open_session, open_volume
from mega_cli.crypto.keys import MasterKeys, VolumeKeys
from mega_cli.errors import MegaError, MissingItemError, RollbackError
from mega_cli.formats.root_record import open_root_record, record_header
from mega_cli.formats.words import state_words
from mega_cli.model import Pin
from mega_cli.state.session import Session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home
from mega_cli.volume.progress import Progress, SilentProgress


@dataclass(frozen=True, slots=True)
class Shown:
    """A verified root record: `time_ms` is when its writer made it; None when nobody could be asked."""

    pin: Pin
    time_ms: int | None

    @property
    def words(self) -> tuple[str, ...]:
        """Six words to compare."""
        return tuple(state_words(self.pin.digest))


@dataclass(frozen=True, slots=True)
class TrustView:
    """What this device pins of one account."""

    account: str
    origin: str
    fixed: AccountPin
    """Identity, salt and the floor of the password's derivation."""
    fingerprint_words: tuple[str, ...]
    """Empty when nobody is signed in: it takes the account's keys."""
    pinned: Shown | None


def trust_view(home: Home, progress: Progress | None = None) -> TrustView:
    """Show the pins of this profile; with a session, the server is asked once for the time of the pinned record.

    Raises NotInitialisedError without an account here.
    """
    origin, account = known_account(home)
    session = open_session(home) if home.session_file.exists() else None
    with closing(TrustStore(home.trust_file)) as trust:
        fixed = trust.account_pin(origin, account)
        pin = trust.newest_pin(origin, account)
    assert fixed is not None, "the account was found in the same file"
    words = () if session is None else account_fingerprint(session)
    time_ms = None if session is None or pin is None else _time_of(session, pin, progress)
    return TrustView(account, origin, fixed, words, None if pin is None else Shown(pin, time_ms))


def shown_head(home: Home, progress: Progress | None = None) -> tuple[Shown | None, Shown]:
    """Give the pin, None if there is none, and the head that the server shows now: verified, but not descended from it.

    A head that does descend raises the pin, as in every command: then the two are the same. Raises IntegrityError for
    a head that does not verify, RollbackError when the server shows none.
    """
    with open_volume(home, progress) as volume:
        with suppress(RollbackError):
            head = volume.head()
            followed = Shown(Pin(head.revision, head.digest), head.body.time_ms)
            return followed, followed
        pin = volume.pin()
        try:
            record = volume.client.head(volume.keys.volume)
        except MissingItemError as error:
            message = "the server shows no revision at all, so there is none to accept"
            raise RollbackError(message, "ask the server's administrator to restore the account") from error
        header, body = open_root_record(volume.keys, record)
    return None if pin is None else Shown(pin, None), Shown(Pin(header.revision, header.digest), body.time_ms)


def accept_head(home: Home, seen: Shown | None, shown: Shown) -> None:
    """Pin `shown` in place of `seen`. Raises SafetyStopError when another run changed the pin meanwhile."""
    session = open_session(home)
    keys = _keys(session)
    with closing(TrustStore(home.trust_file)) as trust:
        trust.accept(
            session.origin,
            session.account,
            keys.volume,
            keys.epoch,
            seen=None if seen is None else seen.pin,
            shown=shown.pin,
        )


def _keys(session: Session) -> VolumeKeys:
    return MasterKeys(session.master_key, session.epoch).volume_keys()


def _time_of(session: Session, pin: Pin, progress: Progress | None) -> int | None:
    """Ask the server for the pinned record: only one with the pinned hash says anything."""
    keys = _keys(session)
    on_wait = (progress or SilentProgress()).waiting
    with closing(connection.connect_session(session, on_wait=on_wait)) as client:
        try:
            found = client.one_try().records(keys.volume, pin.revision, pin.revision)
        except MegaError:
            return None  # the pins are shown without a server too
    is_it = bool(found) and record_header(found[0]).digest == pin.digest
    return open_root_record(keys, found[0])[1].time_ms if is_it else None
