"""Read a file that is to be stored, and notice when it is not, or does not stay, what its node says.

Members of `RemoteFolder` read through this and nothing else. It never gives content that no version of the file had: a
failure is a MegaError of that one file, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from mega_cli.localfs.disk import OpenFile
from mega_cli.localfs.failures import SourceChangedError, disk_failures, shown
from mega_cli.reconcile.nodes import Node
from mega_cli.sync.remote import Upload


@final
class StableFile:
    """An open file, read once from its beginning to its end."""

    __slots__ = ("_before", "_file", "_node", "_read_bytes")

    def __init__(self, file: OpenFile, node: Node) -> None:
        """Use `open_stable`, which closes it. Raises SourceChangedError, OSError."""
        self._file = file
        self._node = node
        self._before = file.found()
        self._read_bytes = 0
        if self._before.stamps.size != node.size:
            raise _changed(node)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on; 0 at the end. Raises a MegaError; SourceChangedError when there is more than there should be."""
        with disk_failures(self._node.name):
            count = self._file.readinto(buffer)
        self._read_bytes += count
        if self._read_bytes > self._node.size:
            raise _changed(self._node)
        return count

    def check(self, digest: bytes) -> None:
        """Compare, after the last byte, what was read with the node, and the file with itself before.

        Raises SourceChangedError.
        """
        with disk_failures(self._node.name):
            after = self._file.found()
        if after != self._before or self._read_bytes != self._node.size or digest != self._node.digest:
            raise _changed(self._node)

    def read_all(self) -> bytes:
        """Read the whole of a small file."""
        data = bytearray(self._node.size + 1)  # one more: a file that grew shows it
        view = memoryview(data)
        while self.readinto(view[self._read_bytes :]):
            if self._read_bytes == self._node.size:
                break  # one byte more was asked for: this is the end
        return bytes(data[: self._read_bytes])


@contextmanager
def open_stable(upload: Upload) -> Iterator[StableFile]:
    """Open the file of an upload. Raises a MegaError."""
    with disk_failures(upload.node.name):
        file = upload.open()
    with file:
        with disk_failures(upload.node.name):
            stable = StableFile(file, upload.node)
        yield stable


def _changed(node: Node) -> SourceChangedError:
    return SourceChangedError(
        f"{shown(node.name)}: the file changed while it was read",
        "run the same command again when nothing writes to it",
    )
