"""The answer of `POST …/blobs`: frames in the order asked.

frame = len4, bytes  |  FFFFFFFF missing  |  FFFFFFFE not sent (ask again)  |  00000000 end
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from mega_server.protocol.limits import BLOB_MOST_BYTES

MISSING = b"\xff\xff\xff\xff"
NOT_SENT = b"\xff\xff\xff\xfe"
END = b"\0\0\0\0"
_WORD_BYTES: Final = 4


class Absent(Enum):
    """Why a frame carries no bytes."""

    MISSING = "missing"
    NOT_SENT = "not sent"


class FrameReader:
    """Cut a byte stream into frames. Feed it what the socket gives; it holds at most one frame.

    The pieces of a frame are joined once: no byte is copied more than once, however the stream was cut.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._lacks = _WORD_BYTES
        """Bytes still to come of the length field or of the blob that is being read."""
        self._is_word = True
        self.has_ended = False

    def feed(self, data: bytes) -> Iterator[bytes | Absent]:
        """Yield the frames completed by `data`. Raises ValueError on a length out of bounds or bytes after the end."""
        at = 0
        while len(data) - at >= self._lacks and not self.has_ended:
            end = at + self._lacks
            whole = data[at:end]
            if self._pieces:
                whole = b"".join((*self._pieces, whole))
                self._pieces.clear()
            at = end
            was_word, self._is_word, self._lacks = self._is_word, True, _WORD_BYTES
            if not was_word:
                yield whole
            elif whole == END:
                self.has_ended = True
            elif whole == MISSING:
                yield Absent.MISSING
            elif whole == NOT_SENT:
                yield Absent.NOT_SENT
            else:
                self._lacks, self._is_word = _blob_bytes(whole), False
        if at == len(data):
            return
        if self.has_ended:
            msg = "bytes after the last frame"
            raise ValueError(msg)
        self._pieces.append(data[at:])
        self._lacks -= len(data) - at


def _blob_bytes(word: bytes) -> int:
    """Read a length field. Raises ValueError."""
    length = int.from_bytes(word, "big")
    if length > BLOB_MOST_BYTES:
        msg = "a frame is longer than any blob"
        raise ValueError(msg)
    return length


def frame_header(length: int) -> bytes:
    """Write the four bytes before a blob."""
    return length.to_bytes(4, "big")


def read_frames(stream: Iterable[bytes]) -> Iterator[bytes | Absent]:
    """Read a whole answer. Raises EOFError when it was cut before its end."""
    reader = FrameReader()
    for data in stream:
        yield from reader.feed(data)
    if not reader.has_ended:
        msg = "the answer was cut"
        raise EOFError(msg)
