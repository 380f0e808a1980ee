"""Add up what folders hold: logical bytes and counts, each folder after those in it. Memory follows the depth alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mega_cli.formats.page import FILE, FOLDER, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import Files, find_path
from mega_cli.volume.pagestore import OpenedPages
from mega_cli.volume.walk import Step, walk


@dataclass(slots=True)
class Usage:
    """What a folder holds, all that is below it included. A file or link is a usage of its own, of one file."""

    path: str
    depth: int
    size_bytes: int = 0
    files: int = 0
    """Files and links."""
    folders: int = 0


def path_usage(files: Files, path: RemotePath) -> Iterator[Usage]:
    """Yield the usage of every folder below `path`, and last its own. Raises MissingItemError before the first."""
    return entry_usage(files.pages, str(path), find_path(files, path))


def entry_usage(pages: OpenedPages, path: str, entry: Entry) -> Iterator[Usage]:
    """Yield the usage of every folder below an entry that is called `path`, and last its own."""
    if entry.kind == FOLDER:
        return _added_up(path, walk(pages, entry))
    return iter([Usage(path, 0, entry.size, 1)])


def total_usage(pages: OpenedPages, path: str, entry: Entry) -> Usage:
    """Give an entry's own usage alone."""
    last = Usage(path, 0)
    for last in entry_usage(pages, path, entry):  # noqa: B007 -- the last one is the total
        pass
    return last


def _added_up(path: str, steps: Iterable[Step]) -> Iterator[Usage]:
    open_folders = [Usage(path, 0)]
    prefix = path.rstrip("/") + "/"
    for step in steps:
        yield from _closed(open_folders, step.depth)
        if step.entry.kind == FOLDER:
            open_folders.append(Usage(prefix + step.path, step.depth))
        else:
            open_folders[-1].files += 1
            open_folders[-1].size_bytes += step.entry.size if step.entry.kind == FILE else 0
    yield from _closed(open_folders, 1)
    yield open_folders[0]


def _closed(open_folders: list[Usage], depth: int) -> Iterator[Usage]:
    """Close the folders that a step at `depth` has left: each counts in the one above."""
    while len(open_folders) > depth:
        done = open_folders.pop()
        above = open_folders[-1]
        above.size_bytes += done.size_bytes
        above.files += done.files
        above.folders += done.folders + 1
        yield done
