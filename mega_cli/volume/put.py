"""Put: store files and folders of this disk, or a stream, in the volume, and commit them.

What is there already is not sent again, and a run that was cut goes on where it stopped: the local index knows what
the server has acknowledged, and the commit asks the server whether that is still so. What other devices do meanwhile
gives the same tree as if they had done it before or after; where it cannot, the put looks again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from mega_cli.errors import MissingBlobsError, MissingItemError, UsageError
from mega_cli.formats.object import Sealer
from mega_cli.formats.page import FOLDER
from mega_cli.localfs.scan import ScannedEntry, scan_one
from mega_cli.model import BlobId
from mega_cli.paths.remote import RemotePath
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.volume.browse import existing_entry
from mega_cli.volume.commit import commit, open_tree
from mega_cli.volume.content import ContentWriter
from mega_cli.volume.facts import remember
from mega_cli.volume.graft import PlanOutdatedError, merge, refuse_mismatch
from mega_cli.volume.progress import Progress
from mega_cli.volume.put_delete import RemoteSurplus
from mega_cli.volume.put_read import SourceReader
from mega_cli.volume.put_totals import totals_told
from mega_cli.volume.put_walk import PutWalk
from mega_cli.volume.requests import PutOptions, PutStream, PutSummary
from mega_cli.volume.seen import SeenFolder, check_seen
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.surplus import refusal
from mega_cli.volume.tree import FILES, Path, Tree, refuse_equal_names, shown
from mega_cli.volume.upload import Uploader

SEALERS = 2
"""Threads that read small files and seal chunks; hashing and sealing release the interpreter lock."""
ATTEMPTS = 5
"""How often a put looks: again when the server lacks what the index believed stored, or when others changed things."""


@dataclass(slots=True)
class _Past:
    """What the attempts before this one leave behind."""

    gone: set[BlobId] = field(default_factory=set)
    """Blobs that were believed stored and are not."""
    place: tuple[Path, str | None] = ((), None)
    revisions: list[int] = field(default_factory=list)
    """What was committed; once there is one, `place` stays."""
    gone_paths: list[Path] = field(default_factory=list)
    """What the last commit deleted."""


def put(
    session: VolumeSession,
    sources: Sequence[str | PutStream],
    destination: RemotePath,
    options: PutOptions,
    progress: Progress,
) -> PutSummary:
    """Store sources as `cp -r` would, and commit. Items that fail are listed in the summary; the others are stored.

    An existing folder `destination` receives each source under its name; otherwise one source becomes `destination`,
    whose parent must exist. A stream needs a file's path. Raises MissingItemError, UsageError, LimitError and what a
    commit raises.
    """
    prepare_bulk_run()
    past = _Past()
    for attempt in range(1, ATTEMPTS + 1):
        past.gone_paths = []
        try:
            summary = _put_once(session, sources, destination, options, progress, past)
        except (MissingBlobsError, PlanOutdatedError) as error:
            if isinstance(error, MissingBlobsError):
                past.gone.update(BlobId(id_) for id_ in error.missing)
                session.index.forget(past.gone)
            if attempt == ATTEMPTS or any(isinstance(source, PutStream) for source in sources):
                raise
            progress.waiting(
                "the server lacks some blobs that were stored before: reading those files again"
                if isinstance(error, MissingBlobsError)
                else "another device changed the same folders meanwhile: looking again"
            )
        else:
            for path in past.gone_paths:
                progress.file_done(shown(path), "deleted")
            return summary
    raise AssertionError


def _put_once(
    session: VolumeSession,
    sources: Sequence[str | PutStream],
    destination: RemotePath,
    options: PutOptions,
    progress: Progress,
    past: _Past,
) -> PutSummary:
    """Put once."""
    tree = open_tree(session, session.head())
    target = (FILES, *destination.parts)
    if not past.revisions:
        past.place = _place(tree, target, len(sources))
    parent, name = past.place
    found = [source if isinstance(source, PutStream) else _find(source) for source in sources]
    refuse_equal_names(place[1].name for place in found if not isinstance(place, PutStream))
    uploader = _uploader(session, options)
    paths = [source for source in sources if isinstance(source, str)]
    with (
        totals_told(paths, options.filters, progress),
        uploader,
        ThreadPoolExecutor(SEALERS, thread_name_prefix="seal") as pool,
    ):
        sealer = Sealer(session.keys, compress=options.compress)
        writer = ContentWriter(session.keys, sealer, uploader, session.index, session.index_key)

        def commit_graft(walk: PutWalk, surplus: RemoteSurplus | None = None) -> None:
            def change(tree: Tree) -> None:
                if paths and not past.revisions and _place(tree, target, len(sources)) != past.place:
                    raise PlanOutdatedError
                check_seen(session.pages, tree, walk.seen)
                merge(session.pages, tree.folder(parent), walk.top, parent)
                if surplus is not None:
                    past.gone_paths = surplus.throw_away(tree, session.device.now_ms())

            if walk.has_sealed_folders:
                uploader.flush()  # a merge may have to load their pages; otherwise one pack carries content and pages
            revision = commit(session, change, uploader, walk.ids)
            past.revisions += [] if revision is None else [revision]
            remember(session.index, walk.facts_once_committed)
            walk.facts_once_committed.clear()

        reader = SourceReader(session, writer, pool, progress, past.gone)
        walk = PutWalk(session, reader, uploader, pool, options, progress, commit_graft)
        walk.revision = tree.revision
        walk.seen.append(SeenFolder(parent, existing_entry(tree, parent), stays_described=False))
        for source in found:
            if isinstance(source, PutStream):
                _put_stream(walk, writer, pool, source, tree, (parent, name), progress, options)
            else:
                folder, item = source
                renamed = item if name is None else item.with_name(name)
                walk.put(folder, renamed, tree.entry((*parent, renamed.name)), parent)
        walk.finish()
        surplus, stop = _deletion(walk, options)
        if not options.is_dry_run:
            commit_graft(walk, surplus)
        elif surplus is not None:
            past.gone_paths = surplus.paths()
    return _summary(walk, uploader, past, stop)


def _deletion(walk: PutWalk, options: PutOptions) -> tuple[RemoteSurplus | None, str]:
    """Decide whether anything is deleted: give the plan, or why there is none. Items that failed are told elsewhere."""
    surplus = walk.surplus
    if surplus is None or options.deletes is None or not surplus.doomed or walk.counts.problems:
        return None, ""
    stop = refusal(surplus, options.deletes)
    return (None, stop) if stop else (surplus, "")


def _uploader(session: VolumeSession, options: PutOptions) -> Uploader:
    """Make the way out; what it has stored is remembered at once."""
    return Uploader(
        session.client, session.keys.volume, lambda facts: remember(session.index, facts), senders=options.transfers
    )


def _summary(walk: PutWalk, uploader: Uploader, past: _Past, stop: str) -> PutSummary:
    """Say what was done."""
    counts = walk.counts
    return PutSummary(
        new=counts.new,
        changed=counts.changed,
        unchanged=counts.unchanged,
        folders=counts.folders,
        content_bytes=counts.content_bytes,
        sent_bytes=uploader.sent_bytes,
        problems=tuple(counts.problems),
        revision=past.revisions[-1] if past.revisions else None,
        deleted=len(past.gone_paths),
        safety_stop=stop,
    )


def _place(tree: Tree, target: Path, count: int) -> tuple[Path, str | None]:
    """Decide where sources go: the folder, and the new name of the one source (None: each keeps its own)."""
    existing = tree.entry(target)
    if existing is not None and existing.kind == FOLDER:
        return target, None
    if count > 1:
        if existing is not None:
            raise UsageError(f"{shown(target)} is a file; several sources need a folder", "choose a folder")
        raise MissingItemError(f"there is no folder {shown(target)}", f"to make it: mega mkdir -p {shown(target)}")
    tree.folder(target[:-1])
    return target[:-1], target[-1]


def _find(source: str) -> tuple[bytes, ScannedEntry]:
    """Look at a source: the absolute folder it lies in, and what it is. Raises MissingItemError."""
    path = os.path.abspath(os.fsencode(source))  # noqa: PTH100 -- keeps a link at the end, and bytes that are no text
    if path == b"/":
        raise UsageError("the whole disk cannot be put at once", "name the folders in it, such as: mega put /home /etc")
    folder, disk_name = os.path.split(path)
    return folder, scan_one(folder, disk_name)


def _put_stream(
    walk: PutWalk,
    writer: ContentWriter,
    pool: ThreadPoolExecutor,
    source: PutStream,
    tree: Tree,
    place: tuple[Path, str | None],
    progress: Progress,
    options: PutOptions,
) -> None:
    parent, name = place
    if name is None:
        raise UsageError(
            f"standard input needs a file's path, and {shown(parent)} is a folder",
            f"for example: mega put - {shown((*parent, 'notes.txt'))}",
        )
    existing = tree.entry((*parent, name))
    if existing is not None:
        refuse_mismatch(existing, is_folder=False, path=(*parent, name))
    if options.is_dry_run:
        return
    content = writer.store_stream(source.stream, pool, progress)
    walk.put_stream(parent, name, existing, content)
