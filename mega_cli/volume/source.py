"""Where the objects of one volume come from, for who only reads: one's own volume, or what a link opens."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol

from mega_cli.formats.page import Entry
from mega_cli.model import BlobId
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.pagestore import OpenedPages


class Source(Protocol):
    """Promises: pages are verified when they come out of `pages`; what `fetch` yields is not."""

    @property
    def pages(self) -> OpenedPages:
        """Give the store of pages that the control thread uses."""

    def more_pages(self) -> OpenedPages:
        """Open another one, for another thread."""

    def fetch(self, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs in the order asked, unverified. Safe to call from any thread; close it to stop early."""


class VisitedFiles(Source, Protocol):
    """The files that somebody shows: `/` is what they name."""

    def entry_at(self, path: RemotePath) -> Entry:
        """Find what stands at `path`. Raises MissingItemError."""
