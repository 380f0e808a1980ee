"""Count what a put will find, ahead of the put itself, so that a person who watches sees how much is left.

It reads names and stamps only, in one thread of its own, and tells the totals once they stand. It must never decide
anything: the walk sees the disk again, and may see something else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mega_cli.errors import MegaError
from mega_cli.localfs.scan import is_cache_folder, list_folder
from mega_cli.paths.filters import Filters
from mega_cli.volume.progress import Progress

WATCHED_S = 0.5
"""A put that ends sooner needs no totals."""


@contextmanager
def totals_told(sources: Sequence[str], filters: Filters, progress: Progress) -> Iterator[None]:
    """Count `sources` beside the block, and tell `progress` the totals if it wants them and the block lasts."""
    if not progress.wants_totals:
        yield
        return
    is_over = threading.Event()
    counter = threading.Thread(target=_count, args=(sources, filters, progress, is_over), name="count", daemon=True)
    counter.start()
    try:
        yield
    finally:
        is_over.set()
        counter.join()


def _count(sources: Sequence[str], filters: Filters, progress: Progress, is_over: threading.Event) -> None:
    if is_over.wait(WATCHED_S):
        return
    files = size_bytes = 0
    for source in sources:
        path = os.fsencode(os.path.abspath(source))  # noqa: PTH100 -- keeps a link at the end
        if os.path.islink(path) or not os.path.isdir(path):  # noqa: PTH112, PTH114 -- bytes
            with suppress(OSError):
                files, size_bytes = files + 1, size_bytes + os.lstat(path).st_size
            continue
        for size in _sizes(path, filters, is_over):
            files, size_bytes = files + 1, size_bytes + size
    if not is_over.is_set():
        progress.total(files, size_bytes)


def _sizes(top: bytes, filters: Filters, is_over: threading.Event) -> Iterator[int]:
    """Yield the size of every file that a put would store; what cannot be read is the put's to report."""
    todo = [(top, "")]
    while todo and not is_over.is_set():
        folder, rel = todo.pop()
        if filters.excludes_caches and is_cache_folder(folder):
            continue
        with suppress(MegaError):
            for item in list_folder(folder):
                if filters.excludes(rel + item.name, item.kind == "d"):
                    continue
                if item.kind == "f":
                    yield item.stat.size
                elif item.kind == "d":
                    todo.append((folder + b"/" + item.disk_name, f"{rel}{item.name}/"))
