"""The one place where randomness is drawn, so that a test can watch it or replace it.

Callers write `randomness.random_bytes(n)`, never `from … import random_bytes`: the name is looked up at each call.
"""

from __future__ import annotations

from nacl.bindings import randombytes


def random_bytes(n: int) -> bytes:
    """Draw `n` bytes from the system's generator."""
    return randombytes(n)


def random_below(bound: float) -> float:
    """Draw a number from 0 up to, not including, `bound`: for delays, not for keys."""
    return int.from_bytes(random_bytes(6), "big") / 2**48 * bound


def shuffled(count: int) -> list[int]:
    """Draw an order of the numbers below `count`, each order as likely as any other."""
    drawn = random_bytes(16 * count)
    return sorted(range(count), key=lambda at: drawn[16 * at : 16 * at + 16])
