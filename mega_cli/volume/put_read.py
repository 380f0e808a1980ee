"""Read one source file for a put: store what it holds, or find that the remote has it already.

It decides nothing about the tree. A file that cannot be read, or changes meanwhile, is a `Failed`, never an exception:
the others go on. Errors of the upload itself pass through.
"""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import NamedTuple

from mega_cli.crypto.content import content_digest, content_hasher
from mega_cli.errors import IntegrityError, MegaError
from mega_cli.formats.page import FILE, Entry
from mega_cli.localfs.racy import is_racy
from mega_cli.localfs.scan import ScannedEntry
from mega_cli.localfs.sources import open_source, read_small
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import BlobId
from mega_cli.state.index import SourceRow
from mega_cli.volume.content import SMALL_BYTES, Content, ContentWriter
from mega_cli.volume.facts import Fact, SourceStored
from mega_cli.volume.graft import Graft
from mega_cli.volume.item_failure import ItemFailedError, ItemReader, item_failures
from mega_cli.volume.lists import closure
from mega_cli.volume.progress import Progress
from mega_cli.volume.seen import SeenFolder
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import Path


class Place(NamedTuple):
    """A folder being put: on the disk, in the volume, relative to its source, in the graft, and as it was before."""

    disk: bytes
    path: Path
    rel: str
    graft: Graft
    seen: SeenFolder | None


class Job(NamedTuple):
    """One file to read."""

    place: Place
    item: ScannedEntry
    existing: Entry | None

    @property
    def disk_path(self) -> bytes:
        """Where it lies on the disk."""
        return self.place.disk + b"/" + self.item.disk_name


class Read(NamedTuple):
    """What reading a file gave; `content` None means that it equals the existing entry's."""

    job: Job
    stat: StatPrint
    is_racy: bool
    content: Content | None

    def fact(self, digest: bytes, refs: bytes) -> Fact:
        """Say what a later run may remember of this source."""
        row = SourceRow(self.job.item.disk_name, self.stat, self.is_racy, digest, refs)
        return SourceStored(self.job.place.disk, row)


class Failed(NamedTuple):
    """A file that could not be read."""

    job: Job
    error: MegaError


class _Stored(NamedTuple):
    """The blobs of a file's content that are stored, and whether those are all."""

    ids: frozenset[BlobId]
    is_whole: bool


class SourceReader:
    """Reads the files of one put. `read_small` may be called from any thread, the others from the control thread."""

    def __init__(
        self,
        session: VolumeSession,
        writer: ContentWriter,
        pool: Executor,
        progress: Progress,
        gone: AbstractSet[BlobId] = frozenset(),
    ) -> None:
        """Take the parts; `gone` are blobs that the server has said it lacks, whatever the head relies on."""
        self._session = session
        self._writer = writer
        self._pool = pool
        self._progress = progress
        self._gone = gone

    def read_small(self, job: Job) -> Read | Failed:
        """Read and store a file of one chunk."""
        now_ns = time.time_ns()
        try:
            data, stat = read_small(job.disk_path, job.item.stat.size)
        except MegaError as error:
            return Failed(job, error)
        digest = content_digest(data)
        same = Read(job, stat, is_racy(stat, now_ns), None)
        if _is_same(job.existing, len(data), digest):
            return same
        return same._replace(content=self._writer.store_small(data, digest, lambda refs: same.fact(digest, refs)))

    def read_large(self, job: Job) -> Read | Failed:
        """Read and store a file of any size, chunk by chunk."""
        now_ns = time.time_ns()
        stored = self._stored(job.existing)
        if job.existing is not None and not stored.is_whole:
            job = job._replace(existing=without_content(job.existing))
        try:
            with ExitStack() as stack:
                with item_failures():
                    source = stack.enter_context(open_source(job.disk_path))
                item = ItemReader(source)
                known = None if job.existing is None else (job.existing.size, job.existing.digest)
                content = self._writer.store_stream(item, self._pool, self._progress, stored.ids, known)
                with item_failures():
                    source.check_unchanged()
        except ItemFailedError as failed:
            return Failed(job, failed.error)
        same = _is_same(job.existing, content.size, content.digest)
        return Read(job, source.stat, is_racy(source.stat, now_ns), None if same else content)

    def lacks(self, existing: Entry | None) -> bool:
        """Say whether the server has told this put that it lacks some of a file's content."""
        return bool(self._gone) and existing is not None and not self._stored(existing).is_whole

    def _stored(self, existing: Entry | None) -> _Stored:
        """Find what the server stores of an existing file's content, as far as it has told."""
        if existing is None:
            return _Stored(frozenset(), is_whole=True)
        try:
            ids = closure(self._session, existing)
        except IntegrityError:
            # A list is lost or damaged. The file on the disk is what mends it: nothing of it counts as stored.
            return _Stored(frozenset(), is_whole=False)
        return _Stored(ids - self._gone, is_whole=not ids & self._gone)

    def look(self, job: Job) -> Read | Failed:
        """Say what a real run would find, and store nothing."""
        now_ns = time.time_ns()
        hasher = content_hasher()
        buffer = bytearray(SMALL_BYTES)
        size = 0
        try:
            with open_source(job.disk_path) as source:
                while count := source.readinto(buffer):
                    hasher.update(memoryview(buffer)[:count])
                    size += count
                source.check_unchanged()
        except MegaError as error:
            return Failed(job, error)
        same = _is_same(job.existing, size, hasher.digest())
        content = None if same else Content(size, hasher.digest(), b"", ())
        return Read(job, source.stat, is_racy(source.stat, now_ns), content)


def without_content(existing: Entry) -> Entry:
    """Give an entry that equals no content, for one whose content the server lacks; it is never written."""
    return existing.replace(size=0, digest=b"", refs=b"")


def _is_same(existing: Entry | None, size: int, digest: bytes) -> bool:
    return existing is not None and existing.kind == FILE and existing.size == size and existing.digest == digest
