"""Content-defined chunks: public FastCDC candidates, of which a keyed hash chooses (`docs/formats/chunking.md`).

It must never open files, and its cuts must never depend on how the bytes were fed. It relies on `pyfastcdc` finding the
same candidates for ever: a vector in the tests pins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, final

from pyfastcdc import FastCDC

from mega_cli.model import KIB, MIB

CHUNK_MIN_BYTES: Final = 256 * KIB
CHUNK_MAX_BYTES: Final = 4 * MIB
ODDS: Final = 192
"""One candidate in so many ends a chunk: about 1.2 MiB on average."""

CANDIDATE_MIN_BYTES: Final = 1 * KIB
CANDIDATE_AVERAGE_BYTES: Final = 4 * KIB
CANDIDATE_MAX_BYTES: Final = 16 * KIB
PRF_BYTES: Final = 64
"""The bytes before a candidate that decide about it; fewer than lie between two candidates."""


def candidate_cutter() -> FastCDC:
    """Make the cutter with the public parameters that every client shares."""
    return FastCDC(
        CANDIDATE_AVERAGE_BYTES, min_size=CANDIDATE_MIN_BYTES, max_size=CANDIDATE_MAX_BYTES, normalized_chunking=1
    )


@final
class Chunker:
    """One file's cuts: `feed` its bytes in pieces of any size, then `finish`. Not to be shared between threads.

    Positions count from the start of the piece being fed, so what was kept from earlier pieces lies below zero.
    """

    __slots__ = ("_cutter", "_held", "_is_finished", "_prf", "_tail")

    def __init__(self, cdc_key: bytes) -> None:
        """Start a file. `cdc_key` is the volume's key for cuts, 1 to 64 bytes."""
        self._prf = blake2b(digest_size=32, key=cdc_key)  # copied for each candidate: 0.5 µs, against 0.8 made anew
        self._cutter = candidate_cutter()
        self._held = bytearray()  # the bytes of the chunk not yet ended
        self._tail = 0  # how many of them follow the last candidate
        self._is_finished = False

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Take the next bytes and give the chunks they complete. `data` may be reused by the caller afterwards."""
        assert not self._is_finished, "a finished chunker takes no more bytes"
        with memoryview(data) as whole, whole.cast("B") as view:
            if self._tail + len(view) < CANDIDATE_MAX_BYTES:
                self._held += view
                self._tail += len(view)
                return []
            return self._cut(view, self._candidates(view))

    def finish(self) -> list[bytes]:
        """Give the last chunks; none at all for an empty file."""
        assert not self._is_finished, "a chunker finishes once"
        self._is_finished = True
        rest = bytes(self._held[len(self._held) - self._tail :])
        ends = [chunk.offset + chunk.length - len(rest) for chunk in self._cutter.cut_buf(rest)] if rest else []
        # The last of them is the end of the file, where a chunk ends in any case.
        with memoryview(b"") as nothing:
            chunks = self._cut(nothing, ends[:-1])
        held = self._held
        if len(held) > CHUNK_MAX_BYTES:
            cut = len(held) - self._tail
            chunks.append(bytes(held[:cut]))
            del held[:cut]
        if held:
            chunks.append(bytes(held))
        return chunks

    def _candidates(self, view: memoryview) -> Iterator[int]:
        """Find the candidates in the kept tail and `view`, as positions in `view`.

        A cut is looked for only where a longest candidate lies ahead, so that the end of the bytes at hand, which the
        cutter takes for the end of the file, never plays a part.
        """
        start = -self._tail
        if start < 0:
            bridge = bytes(self._held[start:]) + view[:CANDIDATE_MAX_BYTES]
            for chunk in self._cutter.cut_buf(bridge):
                if start >= 0 or start + CANDIDATE_MAX_BYTES > len(view):
                    break
                start += chunk.length
                yield start
        if start < 0 or start + CANDIDATE_MAX_BYTES > len(view):
            return
        last_start = len(view) - CANDIDATE_MAX_BYTES - start
        for chunk in self._cutter.cut_buf(view[start:]):
            offset = chunk.offset
            if offset > last_start:
                return
            yield start + offset + chunk.length

    def _cut(self, view: memoryview, candidates: Iterable[int]) -> list[bytes]:
        """Choose among the candidates, copy out the chunks they end, and keep the rest of `view`."""
        chunks = []
        begin = -len(self._held)
        last = -self._tail
        keyed = self._prf.copy
        for cut in candidates:
            if cut - begin > CHUNK_MAX_BYTES:
                chunks.append(self._copy(view, begin, last))
                begin = last
            if cut - begin >= CHUNK_MIN_BYTES:
                before = view[cut - PRF_BYTES : cut] if cut >= PRF_BYTES else self._copy(view, cut - PRF_BYTES, cut)
                prf = keyed()
                prf.update(before)
                if int.from_bytes(prf.digest()[:8]) % ODDS == 0:
                    chunks.append(self._copy(view, begin, cut))
                    begin = cut
            last = cut
        self._keep(view, begin, last)
        return chunks

    def _copy(self, view: memoryview, begin: int, end: int) -> bytes:
        """Copy the bytes between two positions, each byte once."""
        if begin >= 0:
            return bytes(view[begin:end])
        base = len(self._held)
        with memoryview(self._held) as held:
            if end <= 0:
                return bytes(held[base + begin : base + end])
            return b"".join((held[base + begin :], view[:end]))

    def _keep(self, view: memoryview, begin: int, last: int) -> None:
        """Hold what follows the last chunk; `last` is the last candidate."""
        if begin >= 0:
            self._held = bytearray(view[begin:])
        else:
            del self._held[: len(self._held) + begin]
            self._held += view
        self._tail = len(view) - last
