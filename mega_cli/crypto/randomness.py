"""The one place where randomness is drawn, so that a test can watch it or replace it.

Callers write `randomness.random_bytes(n)`, never `from … import random_bytes`: the name is looked up at each call.
"""

from __future__ import annotations

from nacl.bindings import randombytes


def random_bytes(n: int) -> bytes:
    """Draw `n` bytes from the system's generator."""
    return randombytes(n)
