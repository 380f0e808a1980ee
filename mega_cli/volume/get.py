"""Get: fetch files and folders to this disk. Nothing takes its final name before it is verified whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path as DiskPath
from typing import BinaryIO

from mega_cli.crypto.content import content_hasher
from mega_cli.errors import IntegrityError, MissingItemError, UsageError
from mega_cli.formats.page import EXT_RAW_NAME, FILE, FOLDER, Entry
from mega_cli.localfs.publish import Destination
from mega_cli.model import Ref
from mega_cli.paths.names import name_from_disk, printable
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import Files, existing_entry, find_path
from mega_cli.volume.commit import open_tree
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.get_totals import totals_told
from mega_cli.volume.get_walk import GetWalk
from mega_cli.volume.lists import data_refs
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import GetOptions, GetSummary
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.source import Source
from mega_cli.volume.trash import trash_entry
from mega_cli.volume.tree import FILES, Tree, refuse_equal_names, shown


def get(
    session: VolumeSession,
    paths: Sequence[RemotePath],
    destination: str,
    options: GetOptions,
    progress: Progress,
) -> GetSummary:
    """Fetch as `cp -r` would. Items that fail are listed in the summary; the others are fetched.

    An existing folder `destination` receives each path under its name; otherwise one path becomes `destination`. The
    root has no name: its contents go into `destination`, and with `options.with_trash` the trash beside them. Raises
    MissingItemError, UsageError, IntegrityError, LimitError for a tree without end, and the disk's errors about the
    destination itself.
    """
    if options.with_trash and not any(path.is_root for path in paths):
        raise UsageError("the trash comes with the whole volume", "mega get / DST --with-trash")
    tree = open_tree(session, session.head())
    beside = None
    if options.with_trash:
        beside = _trash_beside(session, tree)
    found = [(path, existing_entry(tree, (FILES, *path.parts))) for path in paths]
    return get_entries(session, found, destination, options, progress, beside=beside)


def get_entries(
    source: Source,
    found: Sequence[tuple[RemotePath, Entry]],
    destination: str,
    options: GetOptions,
    progress: Progress,
    *,
    beside: Entry | None = None,
) -> GetSummary:
    """Fetch entries that were found already, under the paths they are called by; `beside` goes with the root's.

    Raises as `get` does.
    """
    paths, entries = [path for path, _ in found], [entry for _, entry in found]
    folder, disk_name = _place(destination, paths)
    if disk_name is not None:
        entries = [_called(entry, disk_name) for entry in entries]
    insides = [path.is_root and disk_name is None for path in paths]
    counted = [
        ("" if is_inside else f"{entry.name}/", entry) for entry, is_inside in zip(entries, insides, strict=True)
    ]
    with Destination(folder) as place:
        walk = GetWalk(source, place, options, progress)
        for path, entry, is_inside in zip(paths, entries, insides, strict=True):
            extra = beside if path.is_root else None
            walk.add(path, entry, is_inside=is_inside, beside=extra)
            if extra is not None:
                counted.append((f"{'' if is_inside else entry.name + '/'}{extra.name}/", extra))
        with totals_told(source, counted, options.filters, progress):
            walk.run()
    return walk.summary()


def cat(files: Files, path: RemotePath, sink: BinaryIO, progress: Progress) -> None:
    """Write a file's content to `sink`, each byte verified before it is written.

    Raises MissingItemError, UsageError for a folder, IntegrityError; what was written until then stays written.
    """
    entry = find_path(files, path)
    if entry.kind != FILE:
        kind = "a folder" if entry.kind == FOLDER else "a symbolic link"
        raise UsageError(f"{shown((FILES, *path.parts))} is {kind}", "to fetch it: mega get " + str(path))
    write_content(files, entry, sink, progress)


def write_content(source: Source, entry: Entry, sink: BinaryIO, progress: Progress) -> None:
    """Write the content of a file's entry to `sink`, each byte verified before it is written. Raises IntegrityError."""
    hasher = content_hasher()
    for _, _, plain in _contents(source, entry):
        sink.write(plain)
        hasher.update(plain)
        progress.advance(len(plain))
    if hasher.digest() != entry.digest:
        raise IntegrityError
    sink.flush()


def _trash_beside(session: VolumeSession, tree: Tree) -> Entry:
    """Give the trash under a name that is free in the root: `.trash`, or `.trash-2` and so on."""
    root, name, number = tree.folder((FILES,)), ".trash", 1
    while root.lookup(name) is not None:
        number += 1
        name = f".trash-{number}"
    return trash_entry(session, tree).replace(name=name)


def _contents(source: Source, entry: Entry) -> Iterator[tuple[None, Ref, bytes]]:
    (refs,) = data_refs(source, [entry])
    with closing(fetch_in_order(source, ((None, ref) for ref in refs), lambda _size: None)) as pieces:
        yield from pieces


def _called(entry: Entry, disk_name: bytes) -> Entry:
    """Give an entry the name that the user chose on this disk."""
    name, raw_name = name_from_disk(disk_name)
    return entry.replace(name=name, ext={**entry.ext, EXT_RAW_NAME: raw_name})


def _place(destination: str, paths: Sequence[RemotePath]) -> tuple[str, bytes | None]:
    """Decide which folder receives, and the new name of the one path (None: each keeps its own)."""
    if DiskPath(destination).is_dir():
        refuse_equal_names(path.name for path in paths)
        return destination, None
    if len(paths) > 1:
        place = printable(destination)
        raise UsageError(f"{place} is no folder; several paths need one", f"mkdir {place}")
    folder, name = os.path.split(os.path.abspath(destination))  # noqa: PTH100 -- keeps a link at the end
    if not DiskPath(folder).is_dir():
        raise MissingItemError(f"there is no folder {printable(folder)}", f"mkdir -p {printable(folder)}")
    return folder, os.fsencode(name)
