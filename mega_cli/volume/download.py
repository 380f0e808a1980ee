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
) -> Generator[tuple[T, Ref, bytes], None, None]:
    """Yield (tag, ref, plaintext) for each (tag, ref), in order; `wanted` is drawn a few batches ahead.

    `received` is told the sealed bytes of each batch. Raises DamagedBlobError for the first object that
    does not verify. Close the generator to stop early.
    """
    prepare_bulk_run()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
    under_way: deque[tuple[list[tuple[T, Ref]], Future[tuple[dict[BlobId, bytes], int]]]] = deque()
    try:
        for batch in _batches(wanted, min(BATCH_BYTES, AHEAD_BYTES // threads)):
            under_way.append((batch, pool.submit(_fetch, source, batch)))
            if len(under_way) > threads:
                yield from _finish(*under_way.popleft(), received)
        while under_way:
            yield from _finish(*under_way.popleft(), received)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _finish(
    batch: list[tuple[T, Ref]], future: Future[tuple[dict[BlobId, bytes], int]], received: Callable[[int], None]
) -> Iterator[tuple[T, Ref, bytes]]:
    try:
        opened, sealed_bytes = future.result()
    except DamagedBlobError as error:
        error.tags = [tag for tag, ref in batch if ref.id == error.blob]
        raise
    received(sealed_bytes)
    for tag, ref in batch:
        yield tag, ref, opened[ref.id]


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


def _fetch(source: Source, batch: list[tuple[T, Ref]]) -> tuple[dict[BlobId, bytes], int]:
    refs = by_id(ref for _, ref in batch)
    opened: dict[BlobId, bytes] = {}
    sealed_bytes = 0
    ids = list(refs)
    try:
        for id_, blob in source.fetch(ids):
            opened[id_] = open_object(blob, refs[id_])
            sealed_bytes += len(blob)
    except IntegrityError as error:
        raise DamagedBlobError(ids[min(len(opened), len(ids) - 1)]) from error
    return opened, sealed_bytes
