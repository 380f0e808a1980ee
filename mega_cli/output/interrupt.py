"""Ctrl-C and its kin: the run stops within a second, whatever its threads are waiting for.

The first signal raises KeyboardInterrupt in the main thread, so that everything closes in order. If that takes longer
than the grace, the process leaves at once: every file and database here survives `kill -9`, so nothing is lost.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mega_cli.errors import InterruptedRunError
from mega_cli.output.console import Console

_GRACE_S = 0.8
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def stop_on_signals(console: Console) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a KeyboardInterrupt until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; an embedding program keeps its own
        return
    is_closed = threading.Event()

    def leave() -> None:
        if is_closed.wait(_GRACE_S):
            return
        if sys.stderr.isatty():
            sys.stderr.write(_SHOW_CURSOR)
        console.error(InterruptedRunError("interrupted", console.when_interrupted))
        os._exit(InterruptedRunError.exit_code)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=leave, name="leave", daemon=True).start()
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        is_closed.set()
        for number, handler in before.items():
            signal.signal(number, handler)
