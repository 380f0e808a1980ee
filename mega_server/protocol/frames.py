"""The answer of `POST …/blobs`: frames in the order asked.

frame = len4, bytes  |  FFFFFFFF missing  |  FFFFFFFE not sent (ask again)  |  00000000 end
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from mega_server.protocol.limits import BLOB_MOST_BYTES

MISSING = b"\xff\xff\xff\xff"
NOT_SENT = b"\xff\xff\xff\xfe"
END = b"\0\0\0\0"


class Absent(Enum):
    """Why a frame carries no bytes."""

    MISSING = "missing"
    NOT_SENT = "not sent"


class FrameReader:
    """Cut a byte stream into frames. Feed it what the socket gives; it holds at most one frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.has_ended = False

    def feed(self, data: bytes) -> Iterator[bytes | Absent]:
        """Yield the frames completed by `data`. Raises ValueError on a length out of bounds or bytes after the end."""
        self._buffer += data
        at = 0
        buffer = self._buffer
        while len(buffer) - at >= 4:  # noqa: PLR2004 -- the length field's size
            if self.has_ended:
                break
            word = bytes(buffer[at : at + 4])
            if word == END:
                self.has_ended = True
                at += 4
            elif word == MISSING:
                yield Absent.MISSING
                at += 4
            elif word == NOT_SENT:
                yield Absent.NOT_SENT
                at += 4
            else:
                length = int.from_bytes(word, "big")
                if length > BLOB_MOST_BYTES:
                    msg = "a frame is longer than any blob"
                    raise ValueError(msg)
                if len(buffer) - at - 4 < length:
                    break
                yield bytes(memoryview(buffer)[at + 4 : at + 4 + length])
                at += 4 + length
        del buffer[:at]
        if self.has_ended and buffer:
            msg = "bytes after the last frame"
            raise ValueError(msg)


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
