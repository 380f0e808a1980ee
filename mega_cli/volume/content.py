"""Turn file content into refs: small files in one piece, large ones cut into chunks that several threads seal.

The bytes of a chunk are immutable from the chunker to the seal (crypto.md 3). What the local index knows is not sealed
again; whether the server still has it is the commit's question, never the index's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor, Future
from typing import NamedTuple, Protocol

from mega_cli.chunking.chunker import CHUNK_MIN_BYTES, Chunker
from mega_cli.crypto.content import chunk_fingerprint, content_hasher
from mega_cli.crypto.keys import VolumeKeys
from mega_cli.formats.lists import ENTRY_MOST_DATA_REFS, cut_into_lists
from mega_cli.formats.object import DEDUP_LEAST_BYTES, Sealer
from mega_cli.model import MIB, BlobId, Ref
from mega_cli.volume.facts import ChunkStored, Fact
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import Readable
from mega_cli.volume.upload import Uploader

SMALL_BYTES = CHUNK_MIN_BYTES
"""Below this a file is one chunk, whatever it holds."""
READ_BYTES = 4 * MIB
CHUNKS_AHEAD = 6
"""Chunks cut but not yet sealed: enough to keep two sealing threads busy, at most 24 MiB."""


class Content(NamedTuple):
    """What an entry says of a file's content. `ids` is the closure of `refs`: every id a commit must name."""

    size: int
    digest: bytes
    refs: bytes
    ids: tuple[BlobId, ...]

    def __repr__(self) -> str:
        """Show no refs: they hold keys."""
        return f"Content(size={self.size})"


class _Stored(NamedTuple):
    """A chunk's ref, and whether it needed no sending."""

    ref: Ref
    was_known: bool


class ChunkIndex(Protocol):
    """What is believed stored, by keyed fingerprint (`mega_cli.state.index`)."""

    def lookup(self, fingerprints: Iterable[bytes]) -> dict[bytes, Ref]:
        """Give the refs of those that are known."""

    def add(self, items: Iterable[tuple[bytes, Ref]]) -> None:
        """Remember chunks that are stored."""


class ContentWriter:
    """Seals content and hands it to the uploader. `store_small` may be called from any thread."""

    def __init__(
        self, keys: VolumeKeys, sealer: Sealer, uploader: Uploader, index: ChunkIndex, index_key: bytes
    ) -> None:
        self._keys = keys
        self._sealer = sealer
        self._uploader = uploader
        self._index = index
        self._index_key = index_key
        self._buffer = bytearray(READ_BYTES)

    def store_small(self, data: bytes, digest: bytes, learn: Callable[[bytes], Fact] | None = None) -> Content:
        """Store a file of one chunk, whose digest the caller has; `learn` makes the fact that its refs are stored."""
        if not data:
            return Content(0, digest, b"", ())
        ref = self._store_chunk(data, (), learn).ref
        return Content(len(data), digest, ref.pack(), (ref.id,))

    def store_stream(
        self,
        source: Readable,
        pool: Executor,
        progress: Progress,
        stored: Collection[BlobId] = (),
        known: tuple[int, bytes] | None = None,
    ) -> Content:
        """Store what `source` gives until its end; chunks are sealed in `pool`.

        Blobs in `stored` are on the server under the present head, and are not sent. Content of the `known` size and
        digest is stored whole: no list is made for it, and only its size and digest are given.
        One thread at a time: the read buffer is the writer's.
        """
        hasher = content_hasher()
        chunker = Chunker(self._keys.cdc)
        under_way: deque[Future[_Stored]] = deque()
        refs: list[Ref] = []
        size = 0

        def seal(chunks: list[bytes]) -> None:
            for chunk in chunks:
                under_way.append(pool.submit(self._store_chunk, chunk, stored))
                if len(under_way) > CHUNKS_AHEAD:
                    settle()

        def settle() -> None:
            ref, was_known = under_way.popleft().result()
            refs.append(ref)
            (progress.skip if was_known else progress.advance)(ref.plain_len)

        with memoryview(self._buffer) as buffer:
            while count := source.readinto(buffer):
                size += count
                hasher.update(buffer[:count])
                seal(chunker.feed(buffer[:count]))
        seal(chunker.finish())
        while under_way:
            settle()
        digest = hasher.digest()
        if (size, digest) == known:
            return Content(size, digest, b"", ())
        top, ids = self._store_lists(refs)
        return Content(size, digest, b"".join(ref.pack() for ref in top), ids)

    def _store_chunk(
        self, chunk: bytes, stored: Collection[BlobId], learn: Callable[[bytes], Fact] | None = None
    ) -> _Stored:
        if len(chunk) < DEDUP_LEAST_BYTES:
            sealed = self._sealer.seal_data(chunk)
            self._uploader.add(sealed, [learn(sealed.ref.pack())] if learn else [])
            return _Stored(sealed.ref, was_known=False)
        fingerprint = chunk_fingerprint(chunk, self._index_key)
        known = self._index.lookup([fingerprint]).get(fingerprint)
        if known is not None and known.plain_len == len(chunk):
            return _Stored(known, was_known=True)
        sealed = self._sealer.seal_data(chunk)
        was_known = sealed.ref.id in stored
        if was_known:
            self._index.add([(fingerprint, sealed.ref)])
        else:
            facts: list[Fact] = [ChunkStored(fingerprint, sealed.ref)]
            self._uploader.add(sealed, [*facts, learn(sealed.ref.pack())] if learn else facts)
        return _Stored(sealed.ref, was_known)

    def _store_lists(self, refs: list[Ref]) -> tuple[list[Ref], tuple[BlobId, ...]]:
        """Seal the lists over a file's chunks; give what stands in the entry, and every id below it."""
        ids = [ref.id for ref in refs]
        top = refs
        while len(top) > (ENTRY_MOST_DATA_REFS if top is refs else 1):
            parents = []
            for run in cut_into_lists(top):
                sealed = self._sealer.seal_list(run)
                self._uploader.add(sealed)
                parents.append(sealed.ref)
            ids += [ref.id for ref in parents]
            top = parents
        return top, tuple(ids)
