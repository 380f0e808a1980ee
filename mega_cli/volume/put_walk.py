"""Walk source folders and build the graft that a put commits: scan, decide, read in batches, seal, finish folders.

One control thread walks and reads what is tiny; a small pool reads the rest. Results join the graft in the order they
were begun, so a folder is finished after everything in it, and memory is bounded by one folder, `BATCHES_AHEAD`
batches and `STEPS_AHEAD` steps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from mega_cli.chunking.chunker import CHUNK_MIN_BYTES
from mega_cli.crypto import randomness
from mega_cli.errors import IntegrityError, LimitError, MegaError
from mega_cli.formats.page import FILE, FOLDER, Entry
from mega_cli.localfs.scan import ScannedEntry, is_cache_folder, list_folder
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import KIB, MIB, NEEDS_PER_COMMIT, BlobId, Ref
from mega_cli.state.index import SourceRow
from mega_cli.volume.content import SMALL_BYTES, Content
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.facts import Fact, remember
from mega_cli.volume.graft import Graft
from mega_cli.volume.lists import closure
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.progress import Outcome, Progress
from mega_cli.volume.put_decision import Verdict, decide, described, is_described, problem_of, written
from mega_cli.volume.put_delete import RemoteSurplus
from mega_cli.volume.put_read import Failed, Job, Place, Read, SourceReader, without_content
from mega_cli.volume.requests import Problem, PutOptions
from mega_cli.volume.seen import SeenFolder
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import Path, folder_ref, shown
from mega_cli.volume.upload import Uploader

BATCH_FILES = 64
BATCH_BYTES = 2 * MIB
BATCHES_AHEAD = 8
STEPS_AHEAD = 1_024
"""Batches and folders that wait behind a batch which is not full yet."""
POOLED_BYTES = 32 * KIB
"""Files smaller than this on average are read by the walk itself: each of their many short system calls hands the
interpreter lock over, and 10,000 files of 10 KB took 1.3 s so, against 1.5 s in one other thread and 1.7 s in two."""
LOOKUPS_AT_MOST = 64
"""Fewer names than this are looked up one by one; for more, the whole remote folder is read."""
FACTS_AT_ONCE = 1_000
CHECKPOINT_IDS = 200_000
"""A commit names at most 262,144 ids; a larger put commits what it has and goes on (docs/adr/0002)."""


@dataclass(slots=True)
class Counts:
    """What a put has done so far."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    folders: int = 0
    content_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)


Merge = Callable[[], None]


@dataclass(slots=True)
class _Batch:
    """Small files that one task reads; it stands in the queue from its first job on."""

    jobs: list[Job] = field(default_factory=list)
    size_bytes: int = 0
    future: Future[list[Read | Failed]] | None = None


class PutWalk:
    """One run over the sources. After `finish`, `top` is the graft and `ids` the closure of what it brings in.

    `seen` is what the graft takes for granted: the folder at the destination first, which the caller adds.
    """

    def __init__(
        self,
        session: VolumeSession,
        reader: SourceReader,
        uploader: Uploader,
        pool: Executor,
        options: PutOptions,
        progress: Progress,
        checkpoint: Callable[[PutWalk], None],
    ) -> None:
        self._session = session
        self._reader = reader
        self._uploader = uploader
        self._pool = pool
        self._options = options
        self._progress = progress
        self._checkpoint = checkpoint
        self.top = Graft(None)
        self.ids: set[BlobId] = set()
        self.revision = 0
        self.seen: list[SeenFolder] = []
        self.counts = Counts()
        self.has_sealed_folders = False
        self.surplus = RemoteSurplus(session.pages, options.filters) if options.deletes is not None else None
        self.facts_once_committed: list[Fact] = []
        self._true_facts: list[Fact] = []
        self._queue: deque[_Batch | Merge] = deque()
        self._batch: _Batch | None = None
        self._submitted = 0
        self._open: list[Place] = []

    def put(self, disk_folder: bytes, item: ScannedEntry, existing: Entry | None, parent: Path) -> None:
        """Put one source, found in `disk_folder`, under `item.name` into the folder at `parent`."""
        place = Place(disk_folder, parent, "", self.top, self.seen[0])
        rows = self._session.index.sources_in(disk_folder) if item.kind == FILE else {}
        self._put_item(place, item, existing, rows.get(item.disk_name), device=item.stat.dev)

    def put_stream(self, parent: Path, name: str, existing: Entry | None, content: Content) -> None:
        """Take content that was stored already, as a file with mode 0600 (nothing says who may read standard input)."""
        stat = StatPrint(content.size, time.time_ns(), 0, 0, 0, 0o600 if existing is None else existing.mode)
        item = ScannedEntry(b"", name, b"", FILE, stat)
        self.top.children[name] = written(item, content, _node_id(existing), self.revision)
        self._need(content.ids)
        self._count("new" if existing is None else "changed", shown((*parent, name)), content.size)

    def finish(self) -> None:
        """Wait for everything under way and join it to the graft."""
        while self._queue:
            self._settle()
            self._commit_if_due()
        self._tell_facts()

    # --- folders ------------------------------------------------------------------------------------------------------

    def _put_folder(self, place: Place, existing: Entry | None, device: int) -> None:
        try:
            items = list_folder(place.disk)
        except MegaError as error:
            self._problem(shown(place.path), error.message)
            return
        if self._options.filters.excludes_caches and is_cache_folder(place.disk):
            items = []
        elif self.surplus is not None and existing is not None:
            is_source = not place.rel.rstrip("/").count("/")
            names = [item.name for item in items]
            self.surplus.look(place.path, place.rel, existing, names, is_source=is_source)
        there = self._entries_there(existing, items)
        rows = self._session.index.sources_in(place.disk)
        self._open.append(place)
        for item in items:
            self._put_item(place, item, there.get(item.name), rows.get(item.disk_name), device)
        self._open.pop()

    def _entries_there(self, existing: Entry | None, items: list[ScannedEntry]) -> dict[str, Entry]:
        """Find the remote entries with the names of `items`."""
        ref = folder_ref(existing) if existing is not None else None
        if ref is None:
            return {}
        tree = PageTree(self._session.pages, ref)
        if len(items) < LOOKUPS_AT_MOST:
            return {entry.name: entry for item in items if (entry := tree.lookup(item.name)) is not None}
        return {entry.name: entry for entry in tree.entries()}

    def _begin_folder(self, place: Place, item: ScannedEntry, existing: Entry | None, device: int) -> None:
        try:
            refuse_too_deep(len(place.path))
        except LimitError as error:
            self._problem(shown((*place.path, item.name)), error.message)
            return
        graft = Graft(
            written(item, None, _node_id(existing), self.revision),
            describes=existing is None or not is_described(item, existing),
            is_new=existing is None,
        )
        place.graft.children[item.name] = graft
        disk, path = place.disk + b"/" + item.disk_name, (*place.path, item.name)
        seen = None if existing is None else SeenFolder(path, existing, stays_described=not graft.describes)
        if seen is not None:
            self.seen.append(seen)
        below = Place(disk, path, f"{place.rel}{item.name}/", graft, seen)
        self.counts.folders += 1
        self._put_folder(below, existing, device)
        self._queue.append(lambda: self._finish_folder(place.graft, graft, item.name))

    def _finish_folder(self, parent: Graft, graft: Graft, name: str) -> None:
        """Seal a new folder whole, so that only its entry stays in memory; drop an old one that needs no change."""
        if graft.is_new and graft.entry is not None and not self._options.is_dry_run:
            children = {key: child for key, child in graft.children.items() if isinstance(child, Entry)}
            assert len(children) == len(graft.children), "subfolders are finished before their parent"
            ref = PageTree(self._session.pages, None).edit(children)
            self.has_sealed_folders = True
            for sealed in self._session.pages.take_fresh():
                self._uploader.add(sealed)
                self.ids.add(sealed.ref.id)
            parent.children[name] = graft.entry.replace(refs=b"" if ref is None else ref.pack())
        elif not graft.describes and not graft.children:
            del parent.children[name]

    # --- items --------------------------------------------------------------------------------------------------------

    def _put_item(
        self, place: Place, item: ScannedEntry, existing: Entry | None, row: SourceRow | None, device: int
    ) -> None:
        path = shown((*place.path, item.name))
        if self._options.filters.excludes(place.rel + item.name, item.kind == FOLDER):
            return
        if problem := problem_of(item):
            self._problem(path, problem)
            return
        if self._options.stays_on_one_filesystem and item.stat.dev != device:
            return
        if item.kind == FILE:
            self._progress.expect(1, item.stat.size)
        if existing is not None and self._reader.lacks(existing):
            existing = without_content(existing)
        verdict = decide(item, existing, row)
        if verdict is Verdict.CLASH:
            self._problem(path, "a folder and a file cannot replace each other; remove the one in the volume first")
        elif item.kind == FOLDER:
            self._begin_folder(place, item, existing, device)
        else:
            if item.kind == FILE and verdict is not Verdict.SAME:
                self._commit_if_due(expected_ids=item.stat.size // CHUNK_MIN_BYTES)
            if verdict is Verdict.READ:
                self._read(Job(place, item, existing))
            else:
                self._take(place, item, existing, verdict, row)
        self._settle_what_can()
        self._commit_if_due()

    def _take(
        self, place: Place, item: ScannedEntry, existing: Entry | None, verdict: Verdict, row: SourceRow | None
    ) -> None:
        """Handle an item that needs no reading."""
        outcome: Outcome = "changed" if existing is not None else "new"
        content = None
        if verdict is Verdict.SAME:
            outcome = self._keep(place, item.name)
        elif verdict is Verdict.DESCRIBE and existing is not None:
            try:
                self._describe(place.graft, item, existing)
            except IntegrityError:  # a list of its content is lost: the file here mends it
                self._read(Job(place, item, without_content(existing)))
                return
        else:
            if verdict is Verdict.REUSE and row is not None:
                content = Content(item.stat.size, row.digest, row.refs, tuple(r.id for r in Ref.unpack_all(row.refs)))
                self._need(content.ids)
            place.graft.children[item.name] = written(item, content, _node_id(existing), self.revision)
        size = item.stat.size if item.kind == FILE else 0
        self._progress.skip(size)
        self._count(outcome, shown((*place.path, item.name)), size)

    def _keep(self, place: Place, name: str) -> Outcome:
        """Leave an entry as it is; a commit to a newer head asks whether it still is."""
        if place.seen is not None:
            place.seen.keep(name)
        return "unchanged"

    def _describe(self, graft: Graft, item: ScannedEntry, existing: Entry) -> None:
        """Give what is there another mode or time. Another device may replace it meanwhile, so its closure is named."""
        if not self._options.is_dry_run:
            self._need(closure(self._session, existing))
        graft.children[item.name] = described(item, existing, self.revision)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, job: Job) -> None:
        if self._options.is_dry_run:
            self._join(self._reader.look(job))
        elif job.item.stat.size < SMALL_BYTES:
            self._add_to_batch(job)
        else:
            self._join(self._reader.read_large(job))

    def _add_to_batch(self, job: Job) -> None:
        if self._batch is None:
            self._batch = _Batch()
            self._queue.append(self._batch)
        batch = self._batch
        batch.jobs.append(job)
        batch.size_bytes += job.item.stat.size
        if len(batch.jobs) >= BATCH_FILES or batch.size_bytes >= BATCH_BYTES:
            self._submit(batch)

    def _submit(self, batch: _Batch) -> None:
        self._batch = None
        self._submitted += 1
        batch.future = Future()
        if batch.size_bytes < POOLED_BYTES * len(batch.jobs):
            batch.future.set_result(self._read_batch(batch))
        else:
            batch.future = self._pool.submit(self._read_batch, batch)

    def _read_batch(self, batch: _Batch) -> list[Read | Failed]:
        return [self._reader.read_small(job) for job in batch.jobs]

    def _settle_what_can(self) -> None:
        """Finish the folders that wait for nothing, and what is too far behind."""
        while self._queue and (
            not isinstance(self._queue[0], _Batch) or self._submitted > BATCHES_AHEAD or len(self._queue) > STEPS_AHEAD
        ):
            self._settle()

    def _settle(self) -> None:
        """Finish what stands first in the queue."""
        step = self._queue.popleft()
        if not isinstance(step, _Batch):
            step()
            return
        if step.future is None:
            self._submit(step)
        assert step.future is not None
        for read in step.future.result():
            self._join(read)
        self._submitted -= 1

    # --- results ------------------------------------------------------------------------------------------------------

    def _join(self, read: Read | Failed) -> None:
        """Let a file that was read stand in the graft, and remember what was learnt."""
        job = read.job
        path = shown((*job.place.path, job.item.name))
        if isinstance(read, Failed):
            self._problem(path, read.error.message)
            return
        item = job.item.with_stat(read.stat)
        existing = job.existing
        outcome: Outcome = "new" if existing is None else "changed"
        if read.content is None:
            assert existing is not None
            if is_described(item, existing):
                outcome = self._keep(job.place, item.name)
            else:
                self._describe(job.place.graft, item, existing)
            self._true_facts.append(read.fact(existing.digest, existing.refs))
            self._progress.skip(read.stat.size if read.stat.size < SMALL_BYTES else 0)
        else:
            job.place.graft.children[item.name] = written(item, read.content, _node_id(existing), self.revision)
            self._need(read.content.ids)
            if len(read.content.ids) != 1:
                self.facts_once_committed.append(read.fact(read.content.digest, read.content.refs))
            self._progress.advance(read.stat.size if read.stat.size < SMALL_BYTES else 0)
        self._count(outcome, path, read.stat.size)
        if len(self._true_facts) >= FACTS_AT_ONCE:
            self._tell_facts()

    def _need(self, ids: Iterable[BlobId]) -> None:
        """Name ids in the next commit; a dry run has none."""
        if not self._options.is_dry_run:
            self.ids.update(ids)

    def _commit_if_due(self, *, expected_ids: int = 0) -> None:
        """Make a checkpoint when enough ids are pending, or when those that a file is about to add may not fit."""
        if len(self.ids) > CHECKPOINT_IDS or (self.ids and len(self.ids) + expected_ids > NEEDS_PER_COMMIT):
            self._make_checkpoint()

    def _make_checkpoint(self) -> None:
        """Commit what has been built, then go on with empty grafts for the folders still open."""
        while self._queue:
            self._settle()
        self._checkpoint(self)
        self.ids.clear()
        grafts = [self.top, *(place.graft for place in self._open)]
        for graft, child in zip(grafts, [*grafts[1:], None], strict=True):
            for name in [name for name, kept in graft.children.items() if kept is not child]:
                del graft.children[name]
        for place in self._open:
            place.graft.is_new = False
        self.seen[1:] = [place.seen for place in self._open if place.seen is not None]
        for seen in self.seen:
            del seen.equal[:]  # it was so when this was committed

    def _tell_facts(self) -> None:
        remember(self._session.index, self._true_facts)
        self._true_facts.clear()

    def _count(self, outcome: Outcome, path: str, size_bytes: int) -> None:
        if outcome == "new":
            self.counts.new += 1
        elif outcome == "changed":
            self.counts.changed += 1
        else:
            self.counts.unchanged += 1
        self.counts.content_bytes += size_bytes
        self._progress.file_done(path, outcome)

    def _problem(self, path: str, message: str) -> None:
        self.counts.problems.append(Problem(path, message))
        self._progress.problem(path, message)


def _node_id(existing: Entry | None) -> bytes:
    """Keep the node's identity; a new node gets 16 random bytes."""
    return existing.node_id if existing is not None else randomness.random_bytes(16)
