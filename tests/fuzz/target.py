"""A target: one parser of foreign bytes, valid inputs to begin from, and the bounds it must keep.

`run` returns when the parser accepted the bytes, or refused them with an error it declares; anything else that comes
out of it is a defect, and so is an accepted input that does not read back as the layout promises.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from mega_cli.model import MIB

MOST_CPU_S = 10.0
"""Of this process, so that a busy machine plays no part; every target takes milliseconds."""


@dataclass(frozen=True)
class Target:
    """One parser. `most_bytes` bounds the memory that one input may allocate at a time."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    most_bytes: int = 16 * MIB


class UnboundedError(AssertionError):
    """An input took more memory or time than its parser may."""


def check(target: Target, raw: bytes) -> None:
    """Run one input and hold it to the bounds."""
    tracemalloc.start()
    began_s = time.process_time()
    try:
        target.run(raw)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    took_s = time.process_time() - began_s
    if peak_bytes > target.most_bytes:
        msg = f"{target.name}: {len(raw)} bytes took {peak_bytes} bytes of memory"
        raise UnboundedError(msg)
    if took_s > MOST_CPU_S:
        msg = f"{target.name}: {len(raw)} bytes took {took_s:.1f} s of work"
        raise UnboundedError(msg)
