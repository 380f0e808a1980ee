"""Count what a get will find, ahead of the get itself, so that a person who watches sees how much is left.

It reads pages only, in one thread with a page store of its own, and holds one open folder a level. It must never decide
anything: the get walks the same tree itself, and what is wrong with it is the get's to report.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mega_cli.errors import MegaError
from mega_cli.formats.page import FILE, FOLDER, Entry
from mega_cli.paths.filters import Filters
from mega_cli.volume.pagestore import OpenedPages
from mega_cli.volume.progress import Progress
from mega_cli.volume.source import Source
from mega_cli.volume.walk import walk

WATCHED_S = 0.5
"""A get that ends sooner needs no totals, and pays nothing for them."""


@contextmanager
def totals_told(
    source: Source, sources: Sequence[tuple[str, Entry]], filters: Filters, progress: Progress
) -> Iterator[None]:
    """Count `sources` beside the block, and tell `progress` the totals if it wants them and the block lasts.

    A source is the path that filters see of what lies in it ("name/", or "" for the root's contents), and its entry.
    """
    if not progress.wants_totals:
        yield
        return
    is_over = threading.Event()
    arguments = (source.more_pages(), sources, filters, progress, is_over)
    counter = threading.Thread(target=_count, args=arguments, name="count", daemon=True)
    counter.start()
    try:
        yield
    except BaseException:
        is_over.set()  # without waiting for its request: Ctrl-C ends a run within a second
        raise
    is_over.set()
    counter.join()


def _count(
    pages: OpenedPages,
    sources: Sequence[tuple[str, Entry]],
    filters: Filters,
    progress: Progress,
    is_over: threading.Event,
) -> None:
    if is_over.wait(WATCHED_S):
        return
    files = size_bytes = 0
    with suppress(MegaError, RuntimeError):  # RuntimeError: the connections were closed under it, by a run that failed
        for prefix, source in sources:
            for entry in _files(pages, prefix, source, filters):
                files, size_bytes = files + 1, size_bytes + entry.size
                if is_over.is_set():
                    return
        progress.total(files, size_bytes)


def _files(pages: OpenedPages, prefix: str, source: Entry, filters: Filters) -> Iterator[Entry]:
    """Yield every file that a get would look at."""

    def skips(path: str, entry: Entry) -> bool:
        return filters.excludes(path, entry.kind == FOLDER)

    if prefix and skips(prefix.rstrip("/"), source):
        return
    if source.kind == FOLDER:
        yield from (step.entry for step in walk(pages, source, prefix=prefix, skips=skips) if step.entry.kind == FILE)
    elif source.kind == FILE:
        yield source
