"""Store files of the disk in the volume, many at once: read stably, seal, send, and answer once they are stored.

It decides nothing about the tree. What the content index knows is not sent again; whether the server still has it is
the commit's question. It shares the writer, the sender and their measures with `put`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from mega_cli.crypto.content import content_digest
from mega_cli.errors import MegaError
from mega_cli.formats.object import Sealer
from mega_cli.model import MIB
from mega_cli.sync.remote import Upload, Uploaded
from mega_cli.sync.stable_read import open_stable
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.volume.content import SMALL_BYTES, ContentWriter
from mega_cli.volume.facts import remember
from mega_cli.volume.item_failure import ItemFailedError, ItemReader, item_failures
from mega_cli.volume.progress import Progress
from mega_cli.volume.put import SEALERS
from mega_cli.volume.put_walk import BATCH_BYTES, BATCH_FILES, BATCHES_AHEAD, POOLED_BYTES
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.upload import Uploader

ANSWERED_FILES: Final = 4_096
ANSWERED_BYTES: Final = 256 * MIB
"""After so many files or bytes, what was sent is waited for and answered: the rest may still fail."""


def store_files(
    session: VolumeSession, files: Iterable[Upload], *, transfers: int, progress: Progress
) -> Iterator[Uploaded]:
    """Store content; each answer is given when the server has everything of the file.

    Raises TemporaryError, LimitError and whatever else ends an upload: files without an answer are not stored.
    """
    prepare_bulk_run()
    uploader = Uploader(
        session.client, session.keys.volume, lambda facts: remember(session.index, facts), senders=transfers
    )
    with uploader, ThreadPoolExecutor(SEALERS, thread_name_prefix="seal") as pool:
        writer = ContentWriter(session.keys, Sealer(session.keys), uploader, session.index, session.index_key)
        run = _Run(writer, pool, progress)
        for upload in files:
            run.add(upload)
            if len(run.answers) >= ANSWERED_FILES or run.unanswered_bytes >= ANSWERED_BYTES:
                run.settle()
                uploader.flush()
                yield from run.take_answers()
        run.settle()
        uploader.flush()
        yield from run.take_answers()


class _Run:
    """Files under way: small ones by the batch, in this thread or the pool, large ones one after the other."""

    def __init__(self, writer: ContentWriter, pool: Executor, progress: Progress) -> None:
        self._writer = writer
        self._pool = pool
        self._progress = progress
        self._batch: list[Upload] = []
        self._batch_bytes = 0
        self._under_way: deque[Future[list[Uploaded]]] = deque()
        self.answers: list[Uploaded] = []
        self.unanswered_bytes = 0

    def add(self, upload: Upload) -> None:
        """Take the next file."""
        self._progress.expect(1, upload.node.size)
        self.unanswered_bytes += upload.node.size
        if upload.node.size >= SMALL_BYTES:
            self._answer([self._store_large(upload)])
            return
        self._batch.append(upload)
        self._batch_bytes += upload.node.size
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            self._begin_batch()

    def settle(self) -> None:
        """Wait for everything under way."""
        self._begin_batch()
        while self._under_way:
            self._answer(self._under_way.popleft().result())

    def take_answers(self) -> list[Uploaded]:
        """Hand over the answers, once what was sent has been stored."""
        answers, self.answers, self.unanswered_bytes = self.answers, [], 0
        return answers

    def _begin_batch(self) -> None:
        """Read a batch in the pool, or here when its files are tiny (`put_walk.POOLED_BYTES` says why)."""
        batch, self._batch = self._batch, []
        size_bytes, self._batch_bytes = self._batch_bytes, 0
        if size_bytes < POOLED_BYTES * len(batch):
            self._answer(self._store_batch(batch))
        elif batch:
            self._under_way.append(self._pool.submit(self._store_batch, batch))
        if len(self._under_way) > BATCHES_AHEAD:
            self._answer(self._under_way.popleft().result())

    def _answer(self, answers: list[Uploaded]) -> None:
        self.answers += answers
        for answer in answers:
            if answer.error is None and answer.node.size < SMALL_BYTES:
                self._progress.advance(answer.node.size)

    def _store_batch(self, batch: list[Upload]) -> list[Uploaded]:
        return [self._store_small(upload) for upload in batch]

    def _store_small(self, upload: Upload) -> Uploaded:
        try:
            with open_stable(upload) as file:
                data = file.read_all()
                digest = content_digest(data)
                file.check(digest)
        except MegaError as error:
            return Uploaded(upload.node, None, error)
        return Uploaded(upload.node, self._writer.store_small(data, digest))

    def _store_large(self, upload: Upload) -> Uploaded:
        """Store a file chunk by chunk; chunks of one that turns out unstable are stored, and serve the next try."""
        try:
            with ExitStack() as stack:
                with item_failures():
                    file = stack.enter_context(open_stable(upload))
                content = self._writer.store_stream(ItemReader(file), self._pool, self._progress)
                with item_failures():
                    file.check(content.digest)
        except ItemFailedError as failed:
            return Uploaded(upload.node, None, failed.error)
        return Uploaded(upload.node, content)
