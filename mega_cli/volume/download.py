"""Fetch, verify and open objects ahead of whoever consumes them, in order.

A few threads each take one batch: ask for it, check every blob's SHA-256 and commitment, open it. Nothing reaches the
consumer unverified. Memory is bounded by one batch more than there are threads, and by `AHEAD_BYTES`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from mega_cli.errors import IntegrityError
from mega_cli.formats.object import open_object
from mega_cli.model import MIB, BlobId, Ref
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.volume.refs import by_id
from mega_cli.volume.requests import TRANSFERS
from mega_cli.volume.source import Source

BATCH_BYTES = 8 * MIB
"""Of plaintext: one request, answered from about one pack."""
AHEAD_BYTES = 48 * MIB
"""Of plaintext, in all threads together: with many threads the batches are smaller."""
BATCH_REFS = 1_024

T = TypeVar("T")
_Fetched = tuple[dict[Ref, bytes], int]
"""What verified, and the sealed bytes that arrived."""


class DamagedBlobError(IntegrityError):
    """One blob is missing, or does not verify: which one, and what it was fetched for."""

    def __init__(self, blob: BlobId) -> None:
        super().__init__()
        self.blob = blob
        self.tags: list[object] = []


def fetch_in_order(
    source: Source,
    wanted: Iterable[tuple[T, Ref]],
    received: Callable[[int], None],
    *,
    threads: int = TRANSFERS,
    on_damage: Callable[[T], None] | None = None,
) -> Generator[tuple[T, Ref, bytes], None, None]:
    """Yield (tag, ref, plaintext) for each (tag, ref), in order; `wanted` is drawn a few batches ahead.

    `received` is told the sealed bytes of each batch. Raises DamagedBlobError for the first object that does not
    verify; unless there is `on_damage`, which is told its tag in its place. Close the generator to stop early.
    """
    prepare_bulk_run()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
    under_way: deque[tuple[list[tuple[T, Ref]], Future[_Fetched]]] = deque()
    try:
        for batch in _batches(wanted, min(BATCH_BYTES, AHEAD_BYTES // threads)):
            under_way.append((batch, pool.submit(_fetch if on_damage is None else _fetch_what_verifies, source, batch)))
            if len(under_way) > threads:
                yield from _finish(*under_way.popleft(), received, on_damage)
        while under_way:
            yield from _finish(*under_way.popleft(), received, on_damage)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _finish(
    batch: list[tuple[T, Ref]],
    future: Future[_Fetched],
    received: Callable[[int], None],
    on_damage: Callable[[T], None] | None,
) -> Iterator[tuple[T, Ref, bytes]]:
    try:
        opened, sealed_bytes = future.result()
    except DamagedBlobError as error:
        error.tags = [tag for tag, ref in batch if ref.id == error.blob]
        raise
    received(sealed_bytes)
    for tag, ref in batch:
        if ref in opened:
            yield tag, ref, opened[ref]
        elif on_damage is not None:
            on_damage(tag)


def _batches(wanted: Iterable[tuple[T, Ref]], most_bytes: int) -> Iterator[list[tuple[T, Ref]]]:
    batch: list[tuple[T, Ref]] = []
    size = 0
    for tag, ref in wanted:
        if batch and (size + ref.plain_len > most_bytes or len(batch) >= BATCH_REFS):
            yield batch
            batch, size = [], 0
        batch.append((tag, ref))
        size += ref.plain_len
    if batch:
        yield batch


def _fetch(source: Source, batch: list[tuple[T, Ref]]) -> _Fetched:
    """Fetch a batch that must verify whole."""
    return _open_all(source, by_id(ref for _, ref in batch), goes_on=False)


def _fetch_what_verifies(source: Source, batch: list[tuple[T, Ref]]) -> _Fetched:
    """Fetch what verifies of a batch."""
    refs: dict[BlobId, Ref] = {}
    for _, ref in batch:
        refs.setdefault(ref.id, ref)  # of two that share an id and are not equal, one can verify at most
    return _open_all(source, refs, goes_on=True)


def _open_all(source: Source, refs: dict[BlobId, Ref], *, goes_on: bool) -> _Fetched:
    """Fetch and open objects. Raises DamagedBlobError for the first that does not verify, or goes on behind it."""
    ids = list(refs)
    opened: dict[Ref, bytes] = {}
    at = sealed_bytes = 0
    while True:
        try:
            for id_, blob in source.fetch(ids[at:]):
                opened[refs[id_]] = open_object(blob, refs[id_])
                sealed_bytes += len(blob)
                at += 1
        except IntegrityError as error:
            if not goes_on:
                raise DamagedBlobError(ids[min(at, len(ids) - 1)]) from error
            at += 1
        else:
            return opened, sealed_bytes
