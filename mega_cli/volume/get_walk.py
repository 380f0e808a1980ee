"""Walk remote entries and write them to the disk: decide, fetch ahead, write in order, describe folders last.

One control thread decides and writes; `fetch_in_order` works ahead of it. A file of one chunk is written in one go; a
larger one grows in a partial file, which an interrupted run leaves and the next run continues after reading it back.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

from mega_cli.crypto.content import ContentHasher, content_digest, content_hasher
from mega_cli.errors import IntegrityError, MegaError
from mega_cli.formats.page import EXT_RAW_NAME, FILE, FOLDER, LINK, Entry
from mega_cli.localfs.folders import Folder
from mega_cli.localfs.publish import Destination, PartialFile, describe_file, make_symlink, publish_bytes, read_link
from mega_cli.localfs.sources import open_source
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import DATA, MIB, Ref
from mega_cli.paths.names import name_to_disk
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.get_decision import Verdict, decide
from mega_cli.volume.lists import data_refs, entry_refs
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.progress import Outcome, Progress
from mega_cli.volume.requests import GetOptions, GetSummary, Problem
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, Path, folder_ref, shown

FOLDERS_AT_ONCE = 256
"""Subfolders whose pages are asked for together."""
FATAL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""The disk itself failed: going on with the next file makes no sense."""


@dataclass(slots=True)
class _Place:
    """A local folder being filled. `is_new`: this run made it, so nothing can stand in the way."""

    names: tuple[bytes, ...]
    path: Path
    rel: str
    is_new: bool


@dataclass(slots=True)
class _Job:
    """One file being written."""

    entry: Entry
    place: _Place
    disk_name: bytes
    is_replacing: bool
    chunks_left: int
    partial: PartialFile | None = None
    hasher: ContentHasher = field(default_factory=content_hasher)
    resumed: list[Ref] = field(default_factory=list)
    has_failed: bool = False

    @property
    def shown(self) -> str:
        """Its remote path, for people."""
        return shown((*self.place.path, self.entry.name))


class GetWalk:
    """One run. `add` every source, then `run`."""

    def __init__(
        self, session: VolumeSession, destination: Destination, options: GetOptions, progress: Progress
    ) -> None:
        self._session = session
        self._destination = destination
        self._options = options
        self._progress = progress
        self._sources: list[tuple[Path, Entry, str]] = []
        self._described: list[tuple[tuple[bytes, ...], Entry]] = []
        self._open_names: tuple[bytes, ...] | None = None
        self._open_folder: Folder | None = None
        self._new = self._changed = self._unchanged = self._folders = 0
        self._content_bytes = self._received_bytes = 0
        self._problems: list[Problem] = []

    def add(self, path: RemotePath, entry: Entry, name: str) -> None:
        """Fetch `entry` as `name` into the destination; "" lets a folder's contents go into it."""
        self._sources.append(((FILES, *path.parts), entry, name))

    def run(self) -> None:
        """Write everything. Raises IntegrityError, TemporaryError, and the disk's errors that end a run."""
        try:
            for job, ref, plain in fetch_in_order(self._session, self._wanted(), self._received):
                self._take(job, ref, plain)
            for names, entry in reversed(self._described):
                self._describe(names, entry)
        finally:
            self._close_folder()

    def summary(self) -> GetSummary:
        """Say what was done."""
        return GetSummary(
            new=self._new,
            changed=self._changed,
            unchanged=self._unchanged,
            folders=self._folders,
            content_bytes=self._content_bytes,
            received_bytes=self._received_bytes,
            problems=tuple(self._problems),
        )

    # --- deciding, a few batches ahead of writing ---------------------------------------------------------------------

    def _wanted(self) -> Iterator[tuple[_Job, Ref]]:
        top = _Place((), (FILES,), "", is_new=False)
        for path, entry, name in self._sources:
            place = _Place((), path[:-1], "", is_new=False)
            if name:
                yield from self._entry(place, entry.replace(name=name) if name != entry.name else entry)
            else:
                yield from self._contents(top, entry)

    def _contents(self, place: _Place, folder: Entry) -> Iterator[tuple[_Job, Ref]]:
        children: list[Entry] = []
        for entry in PageTree(self._session.pages, folder_ref(folder)).entries():
            children.append(entry)
            if len(children) >= FOLDERS_AT_ONCE:
                yield from self._children(place, children)
                children = []
        yield from self._children(place, children)

    def _children(self, place: _Place, children: list[Entry]) -> Iterator[tuple[_Job, Ref]]:
        """Handle some entries of a folder, after asking for the pages of all subfolders among them at once."""
        pages = [ref for entry in children if entry.kind == FOLDER and (ref := folder_ref(entry)) is not None]
        self._session.pages.load_many(pages)
        for entry in children:
            yield from self._entry(place, entry)

    def _entry(self, place: _Place, entry: Entry) -> Iterator[tuple[_Job, Ref]]:
        if self._options.filters.excludes(place.rel + entry.name, entry.kind == FOLDER):
            return
        if entry.kind == FILE:
            self._progress.expect(1, entry.size)
        try:
            disk_name = name_to_disk(entry.name, entry.ext.get(EXT_RAW_NAME, b""))
            if entry.kind == FOLDER:
                below = self._enter(place, entry, disk_name)
            elif entry.kind in (FILE, LINK):
                job = self._begin(place, entry, disk_name)
            else:
                self._problem(place, entry, "a newer version of mega wrote this; update mega to fetch it")
                return
        except MegaError as error:
            self._fail(place, entry, error)
            return
        if entry.kind == FOLDER:
            yield from self._contents(below, entry)
        elif job is not None:
            yield from self._refs(job)

    def _enter(self, place: _Place, entry: Entry, disk_name: bytes) -> _Place:
        """Make a folder, or find that it exists."""
        names = (*place.names, disk_name)
        self._folders += 1
        is_new = place.is_new
        if not self._options.is_dry_run:
            is_new = self._folder(place.names).make_folder(disk_name)
            self._described.append((names, entry))
        elif not is_new:
            is_new = self._look(place, disk_name) is None
        return _Place(names, (*place.path, entry.name), f"{place.rel}{entry.name}/", is_new)

    def _begin(self, place: _Place, entry: Entry, disk_name: bytes) -> _Job | None:
        """Decide what to do with a file or link; links and files that need no content are finished here."""
        found = None if place.is_new else self._look(place, disk_name)
        verdict = decide(
            entry,
            found,
            self._options.overwrite,
            has_same_content=lambda: self._has_same_content(place, entry, disk_name),
        )
        if verdict is Verdict.WRITE:
            job = _Job(entry, place, disk_name, found is not None, 0)
            if self._options.is_dry_run:
                self._done(job)
            elif entry.kind == FILE:
                return job
            else:
                make_symlink(self._folder(place.names), disk_name, entry.target, entry.mtime_ns)
                self._done(job)
        elif verdict is Verdict.BLOCKED:
            self._problem(place, entry, "a folder stands in its place")
        elif verdict is Verdict.REFUSE:
            self._problem(place, entry, "a different file is there already; to replace it: --overwrite if-changed")
        else:
            if verdict is Verdict.ADJUST and not self._options.is_dry_run:
                self._adjust(place, entry, disk_name)
            self._count(shown((*place.path, entry.name)), "skipped" if verdict is Verdict.SKIP else "unchanged", 0)
            self._progress.skip(entry.size)
        return None

    def _refs(self, job: _Job) -> Iterator[tuple[_Job, Ref]]:
        """Give what is to be fetched of a file; what a partial file holds already is read back instead."""
        refs = entry_refs(job.entry)
        if not refs:
            self._write_whole(job, b"")
            return
        if len(refs) > 1 or refs[0].plain_len != job.entry.size or refs[0].kind != DATA:
            (refs,) = data_refs(self._session, [job.entry])
            try:
                refs = self._resume(job, refs)
            except MegaError as error:
                self._fail(job.place, job.entry, error)
                return
        job.chunks_left = len(refs)
        for ref in refs:
            yield job, ref
        if not refs:
            self._finish(job)

    def _resume(self, job: _Job, refs: list[Ref]) -> list[Ref]:
        """Open the partial file and hash what an earlier run left; give the refs that are still to be fetched."""
        partial = job.partial = PartialFile(self._folder(job.place.names).duplicate(), job.disk_name, job.entry.digest)
        kept = 0
        while len(job.resumed) < len(refs) and kept + refs[len(job.resumed)].plain_len <= partial.size_bytes:
            kept += refs[len(job.resumed)].plain_len
            job.resumed.append(refs[len(job.resumed)])
        partial.truncate(kept)
        buffer = bytearray(min(kept, MIB))
        at = 0
        while at < kept and (count := partial.readinto(buffer, at)):
            job.hasher.update(memoryview(buffer)[:count])
            at += count
        self._progress.skip(kept)
        return refs[len(job.resumed) :]

    # --- writing ------------------------------------------------------------------------------------------------------

    def _take(self, job: _Job, ref: Ref, plain: bytes) -> None:
        """Write one chunk where it belongs."""
        if job.has_failed:
            return
        try:
            self._progress.advance(ref.plain_len)
            if job.partial is None:
                self._write_whole(job, plain)
                return
            job.partial.append(plain)
            job.hasher.update(plain)
            job.chunks_left -= 1
            if not job.chunks_left:
                self._finish(job)
        except IntegrityError:
            raise
        except MegaError as error:
            job.has_failed = True
            self._fail(job.place, job.entry, error)

    def _write_whole(self, job: _Job, data: bytes) -> None:
        if content_digest(data) != job.entry.digest:
            raise IntegrityError
        folder = self._folder(job.place.names)
        publish_bytes(folder, job.disk_name, data, job.entry.mode, job.entry.mtime_ns)
        self._done(job)

    def _finish(self, job: _Job) -> None:
        """Check a large file whole and give it its name."""
        partial = job.partial
        assert partial is not None
        if job.hasher.digest() != job.entry.digest:
            partial.discard()
            if job.resumed:
                raise IntegrityError(
                    "the part that an earlier run left was damaged and has been removed: run the same command again"
                )
            raise IntegrityError
        partial.finish(job.entry.mode, job.entry.mtime_ns)
        self._done(job)

    def _describe(self, names: tuple[bytes, ...], entry: Entry) -> None:
        """Give a folder its mode and time, once nothing in it changes any more."""
        try:
            self._folder(names).set_attributes(entry.mode, entry.mtime_ns)
        except MegaError as error:
            self._problem(_Place((), (), "", is_new=False), entry, error.message)

    def _adjust(self, place: _Place, entry: Entry, disk_name: bytes) -> None:
        describe_file(self._folder(place.names), disk_name, entry.mode, entry.mtime_ns)

    # --- the disk and the tally ---------------------------------------------------------------------------------------

    def _look(self, place: _Place, disk_name: bytes) -> tuple[int, StatPrint] | None:
        return self._folder(place.names).look(disk_name)

    def _has_same_content(self, place: _Place, entry: Entry, disk_name: bytes) -> bool:
        folder = self._folder(place.names)
        if entry.kind == LINK:
            return read_link(folder, disk_name) == entry.target
        hasher = content_hasher()
        buffer = bytearray(MIB)
        with open_source(folder.path_of(disk_name)) as source:
            while count := source.readinto(buffer):
                hasher.update(memoryview(buffer)[:count])
        return hasher.digest() == entry.digest

    def _folder(self, names: tuple[bytes, ...]) -> Folder:
        """Open a folder below the destination; the last one stays open, because files come folder by folder."""
        if self._open_folder is None or names != self._open_names:
            self._close_folder()
            self._open_folder = self._destination.folder(names)
            self._open_names = names
        return self._open_folder

    def _close_folder(self) -> None:
        if self._open_folder is not None:
            self._open_folder.close()
            self._open_folder = None

    def _received(self, size_bytes: int) -> None:
        self._received_bytes += size_bytes

    def _done(self, job: _Job) -> None:
        self._count(job.shown, "changed" if job.is_replacing else "new", job.entry.size)

    def _count(self, path: str, outcome: Outcome, size_bytes: int) -> None:
        if outcome == "new":
            self._new += 1
        elif outcome == "changed":
            self._changed += 1
        else:
            self._unchanged += 1
        self._content_bytes += size_bytes
        self._progress.file_done(path, outcome)

    def _fail(self, place: _Place, entry: Entry, error: MegaError) -> None:
        """List an item that failed. Raises the error again when the disk itself failed."""
        cause = error.__cause__
        if isinstance(error, IntegrityError) or (isinstance(cause, OSError) and cause.errno in FATAL_ERRNOS):
            raise error
        self._problem(place, entry, error.message)

    def _problem(self, place: _Place, entry: Entry, message: str) -> None:
        path = shown((*place.path, entry.name))
        self._problems.append(Problem(path, message))
        self._progress.problem(path, message)
