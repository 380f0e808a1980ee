"""The trust store: what this device must never forget about a server. SQLite, synchronous=FULL, one file.

It holds the pins (the newest revision of each volume seen), the salt and the KDF floor of each account, and the public
identity of each account. Nothing else writes or deletes it; it is no cache and cannot be rebuilt. Pins only rise, but
for `accept`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mega_cli.errors import PolicyError, RollbackError, SafetyStopError, UntrustedKeyError
from mega_cli.model import KdfPolicy, Pin, VolumeId
from mega_cli.state.private_files import touch_private_file

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pins(
    origin TEXT NOT NULL, account TEXT NOT NULL, volume BLOB NOT NULL, epoch INTEGER NOT NULL,
    revision INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(origin, account, volume, epoch)) STRICT;
CREATE TABLE IF NOT EXISTS accounts(
    origin TEXT NOT NULL, account TEXT NOT NULL, server_salt BLOB NOT NULL, passes INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL, identity BLOB NOT NULL, PRIMARY KEY(origin, account)) STRICT;
"""


@dataclass(frozen=True, slots=True)
class AccountPin:
    """What an account's first login on this device fixed for ever."""

    server_salt: bytes
    policy: KdfPolicy
    """The floor: later parameters may only be stronger."""
    identity: bytes
    """The account's public Ed25519 identity key."""


class TrustStore:
    """The pins of every account of one profile. Thread-safe; processes exclude each other by SQLite's lock."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises SafetyStopError when it is damaged: forgetting pins is never automatic."""
        self._path = path
        self._lock = threading.Lock()
        touch_private_file(path)
        with self._guarded():
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            # A damaged file may answer that there is no pin, as on a fresh device: 0.2 ms to look at all of it.
            (found,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def pin(self, origin: str, account: str, volume: VolumeId, epoch: int) -> Pin | None:
        """Give the newest revision seen, or None on a device that has seen none."""
        with self._guarded(), self._lock:
            return self._pin(origin, account, volume, epoch)

    def newest_pin(self, origin: str, account: str) -> Pin | None:
        """Give the newest revision seen of an account's volume, for whoever has no key to say which volume it is."""
        query = "SELECT revision, digest FROM pins WHERE origin=? AND account=? ORDER BY epoch DESC, revision DESC"
        with self._guarded(), self._lock:
            row = self._db.execute(query, (origin, account)).fetchone()
        return Pin(*row) if row else None

    def raise_pin(self, origin: str, account: str, volume: VolumeId, epoch: int, passed: Sequence[Pin]) -> None:
        """Raise the pin, durably, to the last of `passed`: a verified run of the chain, from the pin it began at.

        Another process may have raised the pin since that trace began. A pin within the run must then be one of its
        records, or two processes were shown two histories: RollbackError. A pin beyond the run stays, and the next head
        is traced from it.
        """
        key = (origin, account, volume, epoch)
        reached = passed[-1]
        with self._writing():
            now = self._pin(*key)
            if now is not None and passed[0].revision <= now.revision <= reached.revision and now not in passed:
                message = f"the server shows two different records at revision {now.revision}"
                raise RollbackError(message, "nothing was changed; do not trust this server until you know why")
            if now is None or passed[0].revision <= now.revision < reached.revision:
                row = (*key, reached.revision, reached.digest)
                self._db.execute("INSERT OR REPLACE INTO pins VALUES(?,?,?,?,?,?)", row)

    def accept(self, origin: str, account: str, volume: VolumeId, epoch: int, *, seen: Pin | None, shown: Pin) -> None:
        """Replace the pin by a record that does not descend from it: the one way down, and only a person decides it.

        `seen` is the pin that the person was shown. Raises SafetyStopError when it has changed since then.
        """
        with self._writing():
            if self._pin(origin, account, volume, epoch) != seen:
                message = "another run of mega has changed the pin meanwhile"
                raise SafetyStopError(message, "look again: mega trust")
            row = (origin, account, volume, epoch, shown.revision, shown.digest)
            self._db.execute("INSERT OR REPLACE INTO pins VALUES(?,?,?,?,?,?)", row)

    def account_pin(self, origin: str, account: str) -> AccountPin | None:
        """Give what the first login fixed, or None before it."""
        with self._guarded(), self._lock:
            return self._account_pin(origin, account)

    def known_accounts(self) -> list[tuple[str, str]]:
        """List origin and name of the accounts that logged in here."""
        with self._guarded(), self._lock:
            return sorted(self._db.execute("SELECT origin, account FROM accounts"))

    def check_kdf(self, origin: str, account: str, server_salt: bytes, policy: KdfPolicy) -> None:
        """Refuse another salt or weaker parameters than pinned. Raises PolicyError; does no work before."""
        pinned = self.account_pin(origin, account)
        if pinned is not None:
            _compare(pinned, server_salt, policy)

    def check_account_identity(self, origin: str, account: str, identity: bytes) -> None:
        """Refuse another identity than the pinned one. Raises UntrustedKeyError."""
        pinned = self.account_pin(origin, account)
        if pinned is not None and pinned.identity != identity:
            raise _other_keys(origin, account)

    def pin_account(self, origin: str, account: str, seen: AccountPin) -> None:
        """Fix salt, floor and identity after a login that proved them, or compare with what was fixed.

        Stronger parameters raise the floor. Raises PolicyError for the salt or weaker parameters, UntrustedKeyError for
        another identity.
        """
        with self._writing():
            pinned = self._account_pin(origin, account)
            if pinned is not None:
                _compare(pinned, seen.server_salt, seen.policy)
                if pinned.identity != seen.identity:
                    raise _other_keys(origin, account)
            row = (origin, account, seen.server_salt, seen.policy.passes, seen.policy.memory_bytes, seen.identity)
            self._db.execute("INSERT OR REPLACE INTO accounts VALUES(?,?,?,?,?,?)", row)

    def _pin(self, origin: str, account: str, volume: VolumeId, epoch: int) -> Pin | None:
        where = "origin=? AND account=? AND volume=? AND epoch=?"
        query = f"SELECT revision, digest FROM pins WHERE {where}"  # noqa: S608 -- a constant
        row = self._db.execute(query, (origin, account, volume, epoch)).fetchone()
        return Pin(*row) if row else None

    def _account_pin(self, origin: str, account: str) -> AccountPin | None:
        query = "SELECT server_salt, passes, memory_bytes, identity FROM accounts WHERE origin=? AND account=?"
        row = self._db.execute(query, (origin, account)).fetchone()
        return AccountPin(row[0], KdfPolicy(row[1], row[2]), row[3]) if row else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock from before the first read until the change is on the disk."""
        with self._guarded(), self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it already
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a message that quotes a damaged schema is no UTF-8
            message = f"the file of pins cannot be read or written: {self._path}: {error}"
            hint = (
                "it protects you from an old state being shown: restore it from a backup; or, when there is none, "
                "remove it and start again: mega logout, then: mega login ACCOUNT --server URL"
            )
            if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
                hint = "see that its disk is writable and not full, and run the same command again"
            raise SafetyStopError(message, hint) from error


def _other_keys(origin: str, account: str) -> UntrustedKeyError:
    message = f"the keys of {account} at {origin} are not the ones this device knows"
    return UntrustedKeyError(message, "nothing was sent; compare with the fingerprint in the recovery kit")


def _compare(pinned: AccountPin, server_salt: bytes, policy: KdfPolicy) -> None:
    if pinned.server_salt != server_salt:
        message = "the server shows another password salt than before"
        raise PolicyError(message, "the password was not used; ask the server's administrator")
    if policy.passes < pinned.policy.passes or policy.memory_bytes < pinned.policy.memory_bytes:
        message = "the server asks for weaker password derivation than before"
        raise PolicyError(message, "the password was not used; ask the server's administrator")
