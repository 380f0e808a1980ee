"""The one place where randomness is drawn, so that a test can watch it or replace it.

Callers write `randomness.random_bytes(n)`, never `from … import random_bytes`: the name is looked up at each call.
"""

from __future__ import annotations

from nacl.bindings import randombytes


def random_bytes(n: int) -> bytes:
    """Draw `n` bytes from the system's generator."""
    return randombytes(n)


def random_below(most: int) -> int:
    """Draw an integer of 0 to `most` - 1 for delays and choices; `most` is at most 2^32, so the bias is below 2^-31."""
    return int.from_bytes(random_bytes(8), "big") % most
