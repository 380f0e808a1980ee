"""Send sealed objects: fill packs, post them from a few threads, tell who asked when they are stored.

`add` blocks while enough packs are under way, which is what bounds a put's memory. Order of arrival at the server is
not promised; `flush` is. The order of blobs within a pack is drawn at random, so that it tells nothing of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Self

from mega_cli.api.client import ServerClient
from mega_cli.crypto import randomness
from mega_cli.formats.object import SealedObject
from mega_cli.model import PACK_TARGET_BYTES, BlobId, VolumeId
from mega_cli.volume.facts import Fact
from mega_cli.volume.requests import TRANSFERS

PACK_BLOBS = 4_096
"""Fewer than the server's 16,384, so that a pack of the smallest blobs is still about 2 MiB of work."""

Record = Callable[[Sequence[Fact]], None]


@dataclass(slots=True)
class _Pack:
    ids: list[BlobId] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    size_bytes: int = 0


class Uploader:
    """A put's way out. `add` may be called from any thread; the rest belongs to the control thread."""

    def __init__(self, client: ServerClient, volume: VolumeId, record: Record, *, senders: int = TRANSFERS) -> None:
        """`senders` packs are under way at once (a server's fsync takes 28 ms for 8 MiB here).

        `record` is told the facts of each pack once the server has it; it is called from a sender, one at a time.
        """
        self._client = client
        self._volume = volume
        self._record = record
        self._lock = Lock()
        self._record_lock = Lock()
        self._pack = _Pack()
        self._queued: set[BlobId] = set()
        self._slots = BoundedSemaphore(senders)
        self._pool = ThreadPoolExecutor(senders, thread_name_prefix="send")
        self._under_way: set[Future[None]] = set()
        self.sent_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the senders; on an error, forget what has not been sent."""
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def add(self, sealed: SealedObject, facts: Sequence[Fact] = ()) -> None:
        """Queue an object; `facts` become true once it is stored. Raises what an earlier send raised."""
        full: _Pack | None = None
        with self._lock:
            if sealed.ref.id in self._queued:
                return
            self._queued.add(sealed.ref.id)
            if self._pack.ids and (
                self._pack.size_bytes + len(sealed.blob) > PACK_TARGET_BYTES or len(self._pack.ids) >= PACK_BLOBS
            ):
                full, self._pack = self._pack, _Pack()
            self._pack.ids.append(sealed.ref.id)
            self._pack.blobs.append(sealed.blob)
            self._pack.size_bytes += len(sealed.blob)
            self._pack.facts += facts
        if full is not None:
            self._send(full)

    def flush(self) -> None:
        """Send what is queued and wait until the server has stored everything. Raises what a send raised."""
        with self._lock:
            rest, self._pack = self._pack, _Pack()
        if rest.ids:
            self._send(rest)
        with self._lock:
            waiting = set(self._under_way)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
        with self._lock:
            self._under_way.clear()

    def _send(self, pack: _Pack) -> None:
        self._slots.acquire()
        with self._lock:
            done = {future for future in self._under_way if future.done()}  # once: more may end while we look
            failed = next((future for future in done if future.exception() is not None), None)
            if failed is None:
                self._under_way -= done
        if failed is not None:
            self._slots.release()
            failed.result()
        future = self._pool.submit(self._post, pack)
        with self._lock:
            self._under_way.add(future)

    def _post(self, pack: _Pack) -> None:
        order = randomness.shuffled(len(pack.ids))  # or a pack would tell which blobs lie beside one another
        try:
            self._client.upload_pack(self._volume, [pack.ids[at] for at in order], [pack.blobs[at] for at in order])
        finally:
            self._slots.release()
        with self._record_lock:
            self.sent_bytes += pack.size_bytes
            if pack.facts:
                self._record(pack.facts)
