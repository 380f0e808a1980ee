"""Write fetched files: whole when they are one chunk, else in a partial file that a later run can continue.

Nothing takes its final name before its digest is the entry's. Whatever ends a run, `close` lets go of the partial
files and keeps them on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from mega_cli.crypto.content import ContentHasher, content_digest, content_hasher
from mega_cli.errors import IntegrityError
from mega_cli.formats.page import Entry
from mega_cli.localfs.folders import Folder
from mega_cli.localfs.publish import Destination, Expected, PartialFile, publish_bytes
from mega_cli.model import MIB, Ref
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.progress import Progress
from mega_cli.volume.source import Source
from mega_cli.volume.tree import Path


class Place(NamedTuple):
    """A local folder being filled. `is_new`: this run made it, so nothing is expected in it."""

    names: tuple[bytes, ...]
    path: Path
    rel: str
    is_new: bool


@dataclass(slots=True)
class Job:
    """One file being written."""

    entry: Entry
    place: Place
    disk_name: bytes
    expected: Expected
    """What was in its place when it was decided to write it."""
    refs: list[Ref] = field(default_factory=list)
    """All its chunks; known once it is resumed."""
    resumed: int = 0
    """How many of them an earlier run left in the partial file."""
    chunks_left: int = 0
    partial: PartialFile | None = None
    hasher: ContentHasher = field(default_factory=content_hasher)
    has_failed: bool = False


class Folders:
    """Folders below the destination; the last one stays open, because files come folder by folder."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._names: tuple[bytes, ...] = ()
        self._folder: Folder | None = None

    def at(self, names: tuple[bytes, ...]) -> Folder:
        """Open a folder; it is valid until the next call. Raises a MegaError."""
        if self._folder is not None and names == self._names:
            return self._folder
        above = self._folder if names[:-1] == self._names else None
        opened = self._destination.folder(names) if above is None else above.open_folder(names[-1])
        self.close()
        self._folder, self._names = opened, names
        return opened

    def close(self) -> None:
        """Let go of the last one."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


class FileWriter:
    """Writes the files of one get, in the order their chunks come."""

    def __init__(self, source: Source, folders: Folders, progress: Progress, received: Callable[[int], None]) -> None:
        """`received` is told the sealed bytes of what has to be fetched again."""
        self._source = source
        self._folders = folders
        self._progress = progress
        self._received = received
        self._open: dict[int, tuple[Job, Folder]] = {}

    def resume(self, job: Job, refs: list[Ref]) -> list[Ref]:
        """Open the partial file and hash what an earlier run left; give the refs that are still to be fetched."""
        job.refs = refs
        folder = self._folders.at(job.place.names).duplicate()
        self._open[id(job)] = (job, folder)
        partial = job.partial = PartialFile(folder, job.disk_name, job.entry.digest)
        kept = 0
        while job.resumed < len(refs) and kept + refs[job.resumed].plain_len <= partial.size_bytes:
            kept += refs[job.resumed].plain_len
            job.resumed += 1
        partial.truncate(kept)
        buffer = bytearray(min(kept, MIB))
        at = 0
        while at < kept and (count := partial.readinto(buffer, at)):
            job.hasher.update(memoryview(buffer)[:count])
            at += count
        self._progress.skip(kept)
        job.chunks_left = len(refs) - job.resumed
        return refs[job.resumed :]

    def take(self, job: Job, plain: bytes) -> bool:
        """Write the next chunk; True when the file has its name. Raises IntegrityError, and the disk's errors."""
        if job.partial is None:
            self.write_whole(job, plain)
            return True
        _append(job, job.partial, plain)
        job.chunks_left -= 1
        if not job.chunks_left:
            self.finish(job)
        return not job.chunks_left

    def write_whole(self, job: Job, data: bytes) -> None:
        """Publish a file of one chunk or none."""
        if content_digest(data) != job.entry.digest:
            raise IntegrityError
        folder, entry = self._folders.at(job.place.names), job.entry
        publish_bytes(folder, job.disk_name, data, entry.mode, entry.mtime_ns, expected=job.expected)

    def finish(self, job: Job) -> None:
        """Check a large file whole and give it its name; what an earlier run left damaged is fetched again."""
        partial = job.partial
        assert partial is not None
        if job.resumed and job.hasher.digest() != job.entry.digest:
            partial.truncate(0)
            job.hasher = content_hasher()
            chunks = fetch_in_order(self._source, ((None, ref) for ref in job.refs), self._received)
            with closing(chunks):
                for _, _, plain in chunks:
                    _append(job, partial, plain)
        if job.hasher.digest() != job.entry.digest:
            partial.discard()
            raise IntegrityError
        partial.finish(job.entry.mode, job.entry.mtime_ns, expected=job.expected)
        self.let_go(job)

    def let_go(self, job: Job) -> None:
        """Close a job's partial file, and keep it for another run unless it has its name."""
        job, folder = self._open.pop(id(job), (job, None))
        if job.partial is not None:
            job.partial.close()
        if folder is not None:
            folder.close()

    def close(self) -> None:
        """Let go of everything still open."""
        for job, _ in list(self._open.values()):
            self.let_go(job)


def _append(job: Job, partial: PartialFile, plain: bytes) -> None:
    partial.append(plain)
    job.hasher.update(plain)
