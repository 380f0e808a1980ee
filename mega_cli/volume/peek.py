"""A look at one folder that leaves no trace: nothing is pinned, nothing is cached. For the completion of a shell.

The head must be signed by this volume's key and no older than the pin, and its pages must verify; that it descends from
the pin is not asked, because what comes of it is only offered for typing: the command that is typed asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mega_cli.formats.page import FOLDER, Entry
from mega_cli.formats.root_record import open_root_record
from mega_cli.model import BlobId
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.pagestore import BlobCache
from mega_cli.volume.pagetree import PageReader
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, folder_ref


class NoCache:
    """The cache of a device that has none."""

    def get(self, ids: Sequence[BlobId]) -> dict[BlobId, bytes]:  # noqa: ARG002 -- it has nothing
        """Give nothing."""
        return {}

    def put(self, items: Iterable[tuple[BlobId, bytes]]) -> None:
        """Keep nothing."""


class ReadOnlyCache(NoCache):
    """A cache that learns nothing."""

    def __init__(self, cache: BlobCache) -> None:
        self._cache = cache

    def get(self, ids: Sequence[BlobId]) -> dict[BlobId, bytes]:
        """Give what is there."""
        return self._cache.get(ids)


def peek_folder(session: VolumeSession, path: RemotePath, *, has_cache: bool) -> Iterator[Entry]:
    """Yield a folder's entries, or nothing. Raises whatever the server, the network or a page make it raise."""
    header, body = open_root_record(session.keys, session.client.head(session.keys.volume))
    pin = session.pin()
    if pin is None or header.revision < pin.revision:
        return
    pages = session.more_pages(ReadOnlyCache(session.page_cache) if has_cache else NoCache())
    ref = body.root
    for name in (FILES, *path.parts):
        entry = PageReader(pages, ref).lookup(name)
        if entry is None or entry.kind != FOLDER:
            return
        ref = folder_ref(entry)
    yield from PageReader(pages, ref).entries()
