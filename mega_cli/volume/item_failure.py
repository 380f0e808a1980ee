"""Tell what goes wrong with one item from what goes wrong with the upload it feeds: only then can the rest go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mega_cli.errors import MegaError
from mega_cli.volume.requests import Readable


class ItemFailedError(Exception):
    """Reading the item failed: its own fault."""

    def __init__(self, error: MegaError) -> None:
        super().__init__(error.message)
        self.error = error


class ItemReader:
    """A source whose failures can be told from the upload's."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Read on; 0 at the end. Raises ItemFailedError."""
        with item_failures():
            return self._source.readinto(buffer)


@contextmanager
def item_failures() -> Iterator[None]:
    """Mark what goes wrong inside as the item's fault."""
    try:
        yield
    except MegaError as error:
        raise ItemFailedError(error) from error
