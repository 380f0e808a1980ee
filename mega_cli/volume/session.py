"""A signed-in device's view of one volume: its verified head, its pages, its keys.

Nothing the server shows is used before `accept` has checked it against the pin; the pin only ever rises.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Self

from mega_cli.api.client import ServerClient
from mega_cli.crypto.keys import VolumeKeys
from mega_cli.errors import MissingItemError, RollbackError
from mega_cli.formats.object import Sealer
from mega_cli.formats.root_record import RootBody, open_root_record, record_header
from mega_cli.model import BlobId, Pin
from mega_cli.state.index import ContentIndex
from mega_cli.state.pages import PageCache
from mega_cli.state.trust import TrustStore
from mega_cli.volume.pagestore import BlobCache, OpenedPages, SealedPages

RECORDS_AT_ONCE = 8_192


@dataclass(frozen=True, slots=True)
class Head:
    """A verified root record: the pin itself, or a descendant of it."""

    revision: int
    digest: bytes
    body: RootBody


@dataclass(frozen=True, slots=True)
class Device:
    """Who commits: this device's random id, and the clock its records are stamped with (milliseconds since 1970)."""

    id: bytes
    now_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose volume it is: the account, and the origin it was made under. Pins are kept by both."""

    origin: str
    account: str


class VolumeSession:
    """Everything the services need to work on one volume. Use it from one control thread; close it when done.

    `newest` is the head that was verified last, `has_committed` whether this session has changed the volume.
    """

    def __init__(
        self,
        *,
        client: ServerClient,
        keys: VolumeKeys,
        trust: TrustStore,
        pages: PageCache,
        index: ContentIndex,
        device: Device,
        owner: Owner,
        index_key: bytes,
    ) -> None:
        self.client = client
        self.keys = keys
        self.index = index
        self.index_key = index_key
        self.device = device
        self._trust = trust
        self.page_cache = pages
        self.owner = owner
        self.newest: Head | None = None
        self.has_committed = False
        self.pages = SealedPages(keys.page, Sealer(keys), self.fetch, pages)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the local stores and the connections."""
        self.client.close()
        self.index.close()
        self.page_cache.close()
        self._trust.close()

    def more_pages(self, cache: BlobCache | None = None) -> OpenedPages:
        """Open a second page store over the same connections and, unless told another, the same cache: to read only."""
        return OpenedPages(self.fetch, cache or self.page_cache)

    def fetch(self, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs of the volume in the order asked, unverified."""
        return self.client.fetch_blobs(self.keys.volume, ids)

    def pin(self) -> Pin | None:
        """Give the newest revision this device has seen, or None on a fresh device."""
        return self._trust.pin(self.owner.origin, self.owner.account, self.keys.volume, self.keys.epoch)

    def head(self) -> Head:
        """Ask for the head and verify it. Raises RollbackError, IntegrityError, TemporaryError."""
        since = self.pin()  # before asking: another process of this device may raise the pin while we wait
        return self.accept(self._shown_head(), since)

    def shows(self, committed: Pin, since: Pin) -> bool:
        """Ask for the head, verify that it descends from `since`, and say whether `committed` lies on that way."""
        return committed in self.follow(self._shown_head(), since)[1]

    def accept(self, record: bytes, since: Pin | None) -> Head:
        """Verify a head record as `follow` does, and give the head alone."""
        return self.follow(record, since)[0]

    def follow(self, record: bytes, since: Pin | None) -> tuple[Head, list[Pin]]:
        """Verify a head record, trace it back to the pin `since`, and raise the device's pin to it.

        Gives the head and every record on the way, both ends included. Raises IntegrityError when the record itself
        does not verify, RollbackError when it does not descend from the pin.
        """
        header, body = open_root_record(self.keys, record)
        reached = Pin(header.revision, header.digest)
        passed = [reached] if since is None else self._trace(since, reached, header.prev)
        self._trust.raise_pin(self.owner.origin, self.owner.account, self.keys.volume, self.keys.epoch, passed)
        self.newest = Head(header.revision, header.digest, body)
        return self.newest, passed

    def _trace(self, since: Pin, head: Pin, head_prev: bytes) -> list[Pin]:
        """Follow `prev` hashes from a pin up to the head; give all records passed, both ends included."""
        passed = [since]
        if head == since:
            return passed
        while passed[-1].revision + 1 < head.revision:
            first = passed[-1].revision + 1
            last = min(first + RECORDS_AT_ONCE, head.revision) - 1
            for record in self.client.records(self.keys.volume, first, last):
                header = record_header(record)
                if header.revision != passed[-1].revision + 1 or header.prev != passed[-1].digest:
                    raise _rollback(since, head)
                passed.append(Pin(header.revision, header.digest))
            if passed[-1].revision != last:
                raise _rollback(since, head)
        if passed[-1].revision + 1 != head.revision or head_prev != passed[-1].digest:
            raise _rollback(since, head)
        return [*passed, head]

    def _shown_head(self) -> bytes:
        try:
            return self.client.head(self.keys.volume)
        except MissingItemError as error:
            raise RollbackError(
                "the server says that this account has no volume, but a volume is made only once, at signup",
                "nothing was changed; the server may have been restored or replaced: ask its administrator",
            ) from error


def _rollback(pin: Pin, head: Pin) -> RollbackError:
    return RollbackError(
        f"the server showed revision {head.revision}, which does not descend from revision {pin.revision}, "
        "the newest this device has seen",
        "nothing was changed; ask the server's administrator why; if you know why, go on with: mega trust accept",
        {"seen_revision": pin.revision, "shown_revision": head.revision},
    )
