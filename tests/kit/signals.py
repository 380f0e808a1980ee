"""Signals that only POSIX systems have, under names that every platform can be type-checked with."""

from __future__ import annotations

import signal
import sys
from typing import Final

if sys.platform == "win32":
    KILL: Final = signal.SIGTERM
    STOP: Final = signal.SIGTERM
    GO_ON: Final = signal.SIGTERM
else:
    KILL: Final = signal.SIGKILL
    STOP: Final = signal.SIGSTOP
    GO_ON: Final = signal.SIGCONT
