"""Walk remote entries and write them to the disk: decide, fetch ahead, write in order, describe folders last.

One control thread decides and writes; `fetch_in_order` works ahead of it. A file of one chunk is written in one go; a
larger one grows in a partial file, which an interrupted run leaves and the next run continues after reading it back.
"""

from __future__ import annotations

import errno
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from mega_cli.crypto.content import content_hasher
from mega_cli.errors import IntegrityError, MegaError, TemporaryError
from mega_cli.formats.page import EXT_RAW_NAME, FILE, FOLDER, LINK, Entry
from mega_cli.localfs.failures import BlockedError
from mega_cli.localfs.publish import Destination, Expected, describe_file, make_symlink, read_link
from mega_cli.localfs.sources import open_source
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import DATA, MIB, Ref
from mega_cli.paths.filters import literal_pattern
from mega_cli.paths.names import name_to_disk
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.download import DamagedBlobError, fetch_in_order
from mega_cli.volume.get_decision import Verdict, decide, describes_folder
from mega_cli.volume.get_delete import LocalSurplus
from mega_cli.volume.get_write import FileWriter, Folders, Job, Place
from mega_cli.volume.lists import data_refs, entry_refs
from mega_cli.volume.pagetree import PageReader
from mega_cli.volume.progress import Outcome, Progress
from mega_cli.volume.requests import GetOptions, GetSummary, MostDeleted, Problem
from mega_cli.volume.source import Source
from mega_cli.volume.surplus import refusal
from mega_cli.volume.tree import FILES, Path, folder_ref, shown
from mega_cli.volume.walk import WalkLimits

FOLDERS_AT_ONCE = 256
"""Subfolders whose pages are asked for together."""
FATAL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""The disk itself failed: going on with the next file makes no sense."""


FOLDER_IN_THE_WAY = "a folder stands in its place"
FILE_IN_THE_WAY = "something that is not a folder stands in its place"


class GetWalk:
    """One run. `add` every source, then `run`."""

    def __init__(self, source: Source, destination: Destination, options: GetOptions, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._sources: list[tuple[Path, Entry, bool]] = []
        self._beside: tuple[Entry, Entry] | None = None
        self._limits = WalkLimits()
        self._described: list[tuple[Place, Entry]] = []
        self._folders = Folders(destination)
        self._writer = FileWriter(source, self._folders, progress, self._received)
        self._new = self._changed = self._unchanged = self._folder_count = 0
        self._content_bytes = self._received_bytes = 0
        self._problems: list[Problem] = []
        self._entered: list[tuple[Place, Entry]] = []
        self._began_ns = time.time_ns()
        self._deleted = 0
        self._safety_stop = ""

    def add(self, path: RemotePath, entry: Entry, *, is_inside: bool, beside: Entry | None = None) -> None:
        """Fetch what lies at `path` under the entry's name; `is_inside` lets a folder's contents go in directly.

        `beside` is fetched too, into the folder of `entry` and after what is in it.
        """
        if beside is not None:
            self._beside = entry, beside
        self._sources.append(((FILES, *path.parts), entry, is_inside))

    def run(self) -> None:
        """Write everything. Raises IntegrityError, TemporaryError, and the disk's errors that end a run."""
        try:
            threads = self._options.transfers
            with closing(fetch_in_order(self._source, self._wanted(), self._received, threads=threads)) as fetched:
                for job, ref, plain in fetched:
                    self._take(job, ref, plain)
            if self._options.deletes is not None and not self._problems:
                self._delete_surplus(self._options.deletes)
            self._describe_folders()
        except BaseException as error:
            if isinstance(error, DamagedBlobError):
                _name_the_file(error)
            self._describe_folders(added_bits=stat.S_IRWXU)  # the next run finds them there, and must get in
            raise
        finally:
            self._writer.close()
            self._folders.close()

    def summary(self) -> GetSummary:
        """Say what was done."""
        return GetSummary(
            new=self._new,
            changed=self._changed,
            unchanged=self._unchanged,
            folders=self._folder_count,
            content_bytes=self._content_bytes,
            received_bytes=self._received_bytes,
            problems=tuple(self._problems),
            deleted=self._deleted,
            safety_stop=self._safety_stop,
        )

    # --- deciding, a few batches ahead of writing ---------------------------------------------------------------------

    def _wanted(self) -> Iterator[tuple[Job, Ref]]:
        for path, source, is_inside in self._sources:
            if is_inside:
                top = Place((), path, "", is_new=False)
                self._note_entered(top, source)
                open_folders = [self._contents(top, source)]
            else:
                open_folders = [iter([(Place((), path[:-1], "", is_new=False), source)])]
            while open_folders:
                found = next(open_folders[-1], None)
                if found is None:
                    open_folders.pop()
                    continue
                place, entry = found
                begun = self._entry(place, entry)
                if isinstance(begun, Job):
                    yield from self._refs(begun)
                elif begun is not None:
                    open_folders.append(self._contents(begun, entry))

    def _contents(self, place: Place, folder: Entry) -> Iterator[tuple[Place, Entry]]:
        """Yield a folder's entries, after asking for the pages of all subfolders among some of them at once."""
        self._limits.enter(folder_ref(folder))
        entries = PageReader(self._source.pages, folder_ref(folder)).entries()
        while children := list(islice(entries, FOLDERS_AT_ONCE)):
            pages = [ref for entry in children if entry.kind == FOLDER and (ref := folder_ref(entry)) is not None]
            self._source.pages.load_many(pages)
            for entry in children:
                yield place, entry
        if self._beside is not None and folder is self._beside[0]:
            yield place, self._beside[1]

    def _entry(self, place: Place, entry: Entry) -> Place | Job | None:
        """Begin an entry: give the folder to go into, or the file to fetch."""
        if self._options.filters.excludes(place.rel + entry.name, entry.kind == FOLDER):
            return None
        if entry.kind == FILE:
            self._progress.expect(1, entry.size)
        try:
            disk_name = _disk_name(entry)
            if entry.kind == FOLDER:
                return self._enter(place, entry, disk_name)
            if entry.kind in (FILE, LINK):
                return self._begin(place, entry, disk_name)
            self._problem(place, entry, "a newer version of mega wrote this; update mega to fetch it")
        except MegaError as error:
            self._fail(place, entry, error)
        return None

    def _enter(self, place: Place, entry: Entry, disk_name: bytes) -> Place:
        """Make a folder, or find that it exists."""
        refuse_too_deep(len(place.path))
        names = (*place.names, disk_name)
        self._folder_count += 1
        found = None
        if not self._options.is_dry_run and self._folders.at(place.names).make_folder(disk_name):
            is_new = True
        else:
            found = None if self._options.is_dry_run and place.is_new else self._look(place, disk_name)
            is_new = found is None
            if found is not None and found[0] != stat.S_IFDIR:
                raise BlockedError(f"{shown((*place.path, entry.name))}: {FILE_IN_THE_WAY}")
        below = Place(names, (*place.path, entry.name), f"{place.rel}{entry.name}/", is_new)
        self._note_entered(below, entry)
        if not self._options.is_dry_run and describes_folder(entry, found and found[1], self._options.overwrite):
            self._described.append((below, entry))
        return below

    def _note_entered(self, place: Place, folder: Entry) -> None:
        """Remember a folder that may have to lose something at the end."""
        if self._options.deletes is not None:
            self._entered.append((place, folder))

    def _begin(self, place: Place, entry: Entry, disk_name: bytes) -> Job | None:
        """Decide what to do with a file or link; links and files that need no content are finished here."""
        found = None if place.is_new else self._look(place, disk_name)
        verdict = decide(
            entry,
            found,
            self._options.overwrite,
            has_same_content=lambda: self._has_same_content(place, entry, disk_name),
        )
        if verdict is Verdict.WRITE:
            job = Job(entry, place, disk_name, Expected(found))
            if self._options.is_dry_run:
                self._done(job)
            elif entry.kind == FILE:
                return job
            else:
                folder = self._folders.at(place.names)
                make_symlink(folder, disk_name, entry.target, entry.mtime_ns, expected=job.expected)
                self._done(job)
        elif verdict is Verdict.BLOCKED:
            self._problem(place, entry, FOLDER_IN_THE_WAY)
        elif verdict is Verdict.REFUSE:
            self._problem(place, entry, "a different file is there already; to replace it: --overwrite if-changed")
        else:
            if verdict is Verdict.ADJUST and not self._options.is_dry_run:
                self._adjust(place, entry, disk_name)
            self._count(shown((*place.path, entry.name)), "skipped" if verdict is Verdict.SKIP else "unchanged", 0)
            self._progress.skip(entry.size)
        return None

    def _refs(self, job: Job) -> Iterator[tuple[Job, Ref]]:
        """Give what is to be fetched of a file; what a partial file holds already is read back instead."""
        refs = entry_refs(job.entry)
        is_whole = not refs or (len(refs) == 1 and refs[0].kind == DATA)
        if not is_whole:
            (refs,) = data_refs(self._source, [job.entry])
        try:
            if not refs:
                self._writer.write_whole(job, b"")
            elif not is_whole:
                refs = self._writer.resume(job, refs)
                if not refs:
                    self._writer.finish(job)
        except MegaError as error:
            self._give_up(job, error)
            return
        if not refs:
            self._done(job)
        for ref in refs:
            yield job, ref

    # --- writing ------------------------------------------------------------------------------------------------------

    def _take(self, job: Job, ref: Ref, plain: bytes) -> None:
        """Write one chunk where it belongs."""
        self._progress.advance(ref.plain_len)
        if job.has_failed:
            return
        try:
            is_done = self._writer.take(job, plain)
        except MegaError as error:
            self._give_up(job, error)
            return
        if is_done:
            self._done(job)

    def _give_up(self, job: Job, error: MegaError) -> None:
        """List a file that failed; its partial file stays. Raises the error again when it must end the run."""
        job.has_failed = True
        self._writer.let_go(job)
        self._fail(job.place, job.entry, error)

    def _describe_folders(self, *, added_bits: int = 0) -> None:
        """Give folders their modes and times, once nothing in them changes any more: children before parents."""
        for place, entry in reversed(self._described):
            try:
                self._folders.at(place.names).set_attributes(entry.mode | added_bits, entry.mtime_ns)
            except MegaError as error:
                self._list(place.path, error.message)

    def _adjust(self, place: Place, entry: Entry, disk_name: bytes) -> None:
        describe_file(self._folders.at(place.names), disk_name, entry.mode, entry.mtime_ns)

    def _delete_surplus(self, most: MostDeleted) -> None:
        """Delete what the folders of this run hold and the volume does not."""
        surplus = LocalSurplus(self._folders, self._options.filters, self._began_ns)
        try:
            beside_root = {_disk_name(source) for _, source, is_inside in self._sources if not is_inside}
            for place, folder in self._entered:
                if not (self._options.is_dry_run and place.is_new):
                    entries = PageReader(self._source.pages, folder_ref(folder)).entries()
                    names = {_disk_name(entry) for entry in entries} | (set() if place.names else beside_root)
                    if self._beside is not None and folder is self._beside[0]:
                        names.add(self._beside[1].name.encode())
                    surplus.look(place, names, is_source=len(place.names) <= 1)
        except MegaError as error:
            self._list((FILES,), error.message)
            return
        self._safety_stop = refusal(surplus, most) if surplus.doomed else ""
        if self._safety_stop:
            return
        gone, problems = (surplus.paths(), []) if self._options.is_dry_run else surplus.delete()
        self._deleted = len(gone)
        for path in gone:
            self._progress.file_done(shown(path), "deleted")
        for problem in problems:
            self._problems.append(problem)
            self._progress.problem(problem.path, problem.message)

    # --- the disk and the tally ---------------------------------------------------------------------------------------

    def _look(self, place: Place, disk_name: bytes) -> tuple[int, StatPrint] | None:
        return self._folders.at(place.names).look(disk_name)

    def _has_same_content(self, place: Place, entry: Entry, disk_name: bytes) -> bool:
        folder = self._folders.at(place.names)
        if entry.kind == LINK:
            return read_link(folder, disk_name) == entry.target
        hasher = content_hasher()
        buffer = bytearray(MIB)
        with open_source(folder.path_of(disk_name)) as source:
            while count := source.readinto(buffer):
                hasher.update(memoryview(buffer)[:count])
        return hasher.digest() == entry.digest

    def _received(self, size_bytes: int) -> None:
        self._received_bytes += size_bytes

    def _done(self, job: Job) -> None:
        outcome: Outcome = "new" if job.expected.found is None else "changed"
        self._count(shown((*job.place.path, job.entry.name)), outcome, job.entry.size)

    def _count(self, path: str, outcome: Outcome, size_bytes: int) -> None:
        if outcome == "new":
            self._new += 1
        elif outcome == "changed":
            self._changed += 1
        else:
            self._unchanged += 1
        self._content_bytes += size_bytes
        self._progress.file_done(path, outcome)

    def _fail(self, place: Place, entry: Entry, error: MegaError) -> None:
        """List an item that failed. Raises the error again when the server or the disk itself failed."""
        cause = error.__cause__
        is_fatal = isinstance(cause, OSError) and cause.errno in FATAL_ERRNOS
        if is_fatal or isinstance(error, IntegrityError | TemporaryError):
            raise error
        self._problem(place, entry, error.message)

    def _problem(self, place: Place, entry: Entry, message: str) -> None:
        self._list((*place.path, entry.name), message)

    def _list(self, path: Path, message: str) -> None:
        self._problems.append(Problem(shown(path), message))
        self._progress.problem(shown(path), message)


def _disk_name(entry: Entry) -> bytes:
    return name_to_disk(entry.name, entry.ext.get(EXT_RAW_NAME, b""))


def _name_the_file(error: DamagedBlobError) -> None:
    """Say which file is damaged, and how to get at the others; nothing is asked for after such an error."""
    job = next((tag for tag in error.tags if isinstance(tag, Job)), None)
    if job is not None:
        place = shown((*job.place.path, job.entry.name))
        way_round = shlex.join(["--exclude", literal_pattern(job.place.rel + job.entry.name)])
        error.hint = f"it is in {place}; to fetch everything else, add: {way_round}; tell the server's administrator"
