"""Fetch files of the volume, many at once, and hand them to their sinks in order; each is verified by itself.

A damaged or missing blob fails its file and no other. It never touches the disk: the sinks do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import final

from mega_cli.crypto.content import ContentHasher, content_hasher
from mega_cli.errors import IntegrityError, MegaError
from mega_cli.formats.page import Entry
from mega_cli.model import DATA, Ref
from mega_cli.sync.remote import Download, Downloaded, RemoteMovedError, Sink, StalePartError
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.lists import data_refs, entry_refs
from mega_cli.volume.progress import Progress
from mega_cli.volume.source import Source

Find = Callable[[Download], Entry | None]
"""Finds the entry of a file in the folder as observed; None when another stands there."""


def fetch_files(
    source: Source, files: Iterable[Download], find: Find, *, transfers: int, progress: Progress
) -> Iterator[Downloaded]:
    """Fetch content; one answer a file, in order. Raises TemporaryError: the rest is not fetched."""
    jobs: deque[_Job] = deque()

    def wanted() -> Iterator[tuple[_Job, Ref]]:
        for download in files:
            progress.expect(1, download.node.size)
            job = _begin(source, download, find(download))
            progress.skip(download.held_bytes - job.skip)
            jobs.append(job)
            for ref in job.refs:
                yield job, ref

    chunks = fetch_in_order(source, wanted(), lambda _size: None, threads=transfers, on_damage=_Job.lose)
    with closing(chunks):
        for job, ref, plain in chunks:
            while jobs[0] is not job:
                yield jobs.popleft().finish()
            progress.advance(ref.plain_len)
            job.take(plain)
            if not job.left:
                yield jobs.popleft().finish()
    while jobs:
        yield jobs.popleft().finish()


@final
@dataclass(slots=True, eq=False)
class _Job:
    """One file on its way."""

    download: Download
    refs: list[Ref] = field(default_factory=list, repr=False)
    error: MegaError | OSError | None = None
    sink: Sink | None = field(default=None, repr=False)
    hasher: ContentHasher = field(default_factory=content_hasher, repr=False)
    skip: int = 0
    """How many bytes of the first chunk the sink holds already."""
    left: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the chunks to come."""
        self.left = len(self.refs)

    def take(self, plain: bytes) -> None:
        """Pass the next chunk on."""
        self.left -= 1
        if self.error is None:
            rest = memoryview(plain)[self.skip :]
            self.skip = 0
            self._guarded(lambda sink: sink.write(rest))
            self.hasher.update(rest)

    def lose(self) -> None:
        """Note that the next chunk cannot be had."""
        self.left -= 1
        self.error = self.error or IntegrityError()

    def finish(self) -> Downloaded:
        """Say how it ended."""
        if self.error is None:
            self._guarded(lambda _sink: None)  # a file without content has no first piece
        if self.error is None and self.hasher.digest() != self.download.node.digest:
            self.error = StalePartError() if self.download.held_bytes else IntegrityError()
        return Downloaded(self.download.node, self.error)

    def _guarded(self, act: Callable[[Sink], None]) -> None:
        """Do something with the sink, opened by now; what it raises is this file's failure."""
        try:
            if self.sink is None:
                self.sink = self.download.open()
                for piece in self.download.held():
                    self.hasher.update(piece)
            act(self.sink)
        except (MegaError, OSError) as error:
            self.error = error


def _begin(source: Source, download: Download, entry: Entry | None) -> _Job:
    """Find out what has to be fetched."""
    if entry is None or entry.digest != download.node.digest:
        return _Job(download, error=RemoteMovedError())
    try:
        refs = entry_refs(entry)
        if any(ref.kind != DATA for ref in refs):
            (refs,) = data_refs(source, [entry])
    except IntegrityError as error:
        return _Job(download, error=error)
    return _rest(download, refs)


def _rest(download: Download, refs: list[Ref]) -> _Job:
    """Leave out the chunks that the sink holds whole."""
    held = download.held_bytes
    for at, ref in enumerate(refs):
        if held < ref.plain_len:
            return _Job(download, refs[at:], skip=held)
        held -= ref.plain_len
    return _Job(download)
