"""Turn an input's bytes into choices: the same bytes always make the same ones, so a crash can be kept as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Feed:
    """The bytes of one input, consumed from the front; behind the end everything is zero."""

    def __init__(self, raw: bytes) -> None:
        """Begin at the first byte."""
        self._raw = raw
        self._at = 0

    def take(self, n: int) -> bytes:
        """Take `n` bytes, or what is left."""
        taken = self._raw[self._at : self._at + n]
        self._at += len(taken)
        return taken

    def number(self, size_bytes: int = 1) -> int:
        """Take a number of so many bytes."""
        return int.from_bytes(self.take(size_bytes), "big")

    def pick(self, choices: Sequence[T]) -> T:
        """Choose by one byte."""
        return choices[self.number() % len(choices)]

    def part(self) -> bytes:
        """Take bytes whose length (up to 65,535) comes first: seeds are joined the same way, by `parts`."""
        return self.take(self.number(2))

    def rest(self) -> bytes:
        """Take everything that is left."""
        return self.take(len(self._raw))


def parts(*pieces: bytes) -> bytes:
    """Write what `part` reads."""
    return b"".join(len(piece).to_bytes(2, "big") + piece for piece in pieces)
