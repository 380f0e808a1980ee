"""The standard streams that whoever started us had closed.

A closed descriptor 0, 1 or 2 would be given to the next file that is opened, and what is printed be written there.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_IN_PLACE: Final = (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
"""The null device the wrong way round, so that reading or writing fails as when closed; errors are swallowed."""


def open_closed_streams() -> None:
    """Put the null device in the place of each standard stream that is closed."""
    for number, (name, flags, mode) in enumerate(_IN_PLACE):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, flags)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 -- for the process's life
