"""Copy what a link names into one's own volume, under one's own keys, as it arrives: nothing lies on the disk between.

Everything is uploaded, whatever the volume holds already, and nothing of it is remembered for later puts: who shared it
may have planted guesses, and watches what is skipped (attacks.md T52). Modes, times and symbolic links are kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from mega_cli.crypto import randomness
from mega_cli.errors import IntegrityError, UsageError
from mega_cli.formats.object import Sealer
from mega_cli.formats.page import EXT_RAW_NAME, FILE, FOLDER, LINK, Entry
from mega_cli.model import BlobId, Ref
from mega_cli.paths.remote import RemotePath
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.volume.commit import commit, open_tree
from mega_cli.volume.content import ContentWriter
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.lists import data_refs
from mega_cli.volume.pagetree import PageReader, PageTree
from mega_cli.volume.progress import Progress
from mega_cli.volume.put import SEALERS
from mega_cli.volume.requests import Problem, PutSummary
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.source import Source
from mega_cli.volume.tree import FILES, Path, Tree, folder_ref, shown
from mega_cli.volume.upload import Uploader
from mega_cli.volume.walk import FOLDERS_AT_ONCE, WalkLimits

Pieces = Generator[tuple[None, Ref, bytes], None, None]


class NothingKnown:
    """An index that knows no chunk and learns none."""

    def lookup(self, fingerprints: Iterable[bytes]) -> dict[bytes, Ref]:  # noqa: ARG002 -- it knows nothing
        """Give nothing."""
        return {}

    def add(self, items: Iterable[tuple[bytes, Ref]]) -> None:
        """Keep nothing."""


def copy_in(
    session: VolumeSession, source: Source, entry: Entry, destination: RemotePath, progress: Progress
) -> PutSummary:
    """Store a copy of `entry` as cp -r would, in one commit. Nothing is replaced: UsageError where something stands.

    Raises IntegrityError, LimitError for a tree without end, MissingItemError, and what a commit raises.
    """
    if entry.kind not in (FILE, FOLDER, LINK):
        raise UsageError("this version of mega does not know what this link names", "install a newer mega")
    prepare_bulk_run()
    target = _target(open_tree(session, session.head()), destination, entry.name)
    uploader = Uploader(session.client, session.keys.volume, lambda _facts: None)
    with uploader, ThreadPoolExecutor(SEALERS, thread_name_prefix="seal") as pool:
        copier = _Copier(session, source, uploader, pool, progress)
        (copied,) = copier.copies([entry], target[:-1])

        def change(tree: Tree) -> None:
            if _target(tree, destination, entry.name) != target:
                raise UsageError(f"{destination} has become a folder meanwhile", "run the same command again")
            tree.folder(target[:-1]).set(copied.replace(name=target[-1]))

        revision = commit(session, change, uploader, copier.ids)
    return PutSummary(
        new=copier.files,
        changed=0,
        unchanged=0,
        folders=copier.folders,
        content_bytes=copier.content_bytes,
        sent_bytes=uploader.sent_bytes,
        problems=tuple(copier.problems),
        revision=revision,
    )


def _target(tree: Tree, destination: RemotePath, name: str) -> Path:
    """Decide where the copy stands, as cp does. Raises UsageError, MissingItemError."""
    target = (FILES, *destination.parts)
    existing = tree.entry(target)
    if existing is not None and existing.kind == FOLDER:
        target = (*target, name)
        existing = tree.entry(target)
    if existing is not None:
        raise UsageError(f"{shown(target)} exists already, and an import replaces nothing", "choose another name")
    tree.folder(target[:-1])
    return target


class _Copier:
    """One run: what it has uploaded, and what it has counted."""

    def __init__(
        self, session: VolumeSession, source: Source, uploader: Uploader, pool: Executor, progress: Progress
    ) -> None:
        self._session = session
        self._source = source
        self._uploader = uploader
        self._pool = pool
        self._progress = progress
        self._limits = WalkLimits()
        self._writer = ContentWriter(session.keys, Sealer(session.keys), uploader, NothingKnown(), session.index_key)
        self.ids: set[BlobId] = set()
        self.problems: list[Problem] = []
        self.files = self.folders = self.content_bytes = 0

    def copies(self, entries: Sequence[Entry], path: Path) -> Iterator[Entry]:
        """Copy entries that stand at `path`, and what lies below them: the files first, all in one stream."""
        files = [entry for entry in entries if entry.kind == FILE]
        runs = data_refs(self._source, files)
        wanted = ((None, ref) for run in runs for ref in run)
        with closing(fetch_in_order(self._source, wanted, lambda _size: None)) as pieces:
            for entry, run in zip(files, runs, strict=True):
                yield self._file(entry, path, _Stream(pieces, len(run)))
        for entry in entries:
            if entry.kind == FOLDER:
                yield self._folder(entry, path)
            elif entry.kind == LINK:
                self._count(entry, path)
                yield _own(entry)
            elif entry.kind != FILE:
                self._complain(entry, path)

    def _file(self, entry: Entry, path: Path, stream: _Stream) -> Entry:
        self._progress.expect(1, entry.size)
        content = self._writer.store_stream(stream, self._pool, self._progress)
        if (content.size, content.digest) != (entry.size, entry.digest):
            raise IntegrityError
        self.ids.update(content.ids)
        self._count(entry, path)
        return _own(entry).replace(refs=content.refs)

    def _folder(self, entry: Entry, path: Path) -> Entry:
        below = (*path, entry.name)
        refuse_too_deep(len(path))
        self._limits.enter(folder_ref(entry))
        self.folders += 1
        copied: dict[str, Entry] = {}
        entries = PageReader(self._source.pages, folder_ref(entry)).entries()
        while some := list(islice(entries, FOLDERS_AT_ONCE)):
            for _ in some:
                self._limits.count_entry()
            copied.update((copy.name, copy) for copy in self.copies(some, below))
        ref = PageTree(self._session.pages, None).edit(dict(copied))
        for sealed in self._session.pages.take_fresh():
            self._uploader.add(sealed)
            self.ids.add(sealed.ref.id)
        return _own(entry).replace(refs=b"" if ref is None else ref.pack())

    def _count(self, entry: Entry, path: Path) -> None:
        self.files += 1
        self.content_bytes += entry.size
        self._progress.file_done(shown((*path, entry.name)), "new")

    def _complain(self, entry: Entry, path: Path) -> None:
        where, message = shown((*path, entry.name)), "this version of mega does not know what this is"
        self.problems.append(Problem(where, message))
        self._progress.problem(where, message)


class _Stream:
    """The next so many pieces of a shared stream, as content to read."""

    def __init__(self, pieces: Pieces, count: int) -> None:
        self._pieces = pieces
        self._count = count
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start and give the count; 0 at the end."""
        while not self._rest and self._count:
            self._count -= 1
            self._rest = memoryview(next(self._pieces)[2])
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _own(entry: Entry) -> Entry:
    """Make an entry one's own: a new node, which keeps of `ext` only how its name is spelled."""
    kept = {key: value for key, value in entry.ext.items() if key == EXT_RAW_NAME}
    return entry.replace(node_id=randomness.random_bytes(16), changed_in=0, ext=kept)
