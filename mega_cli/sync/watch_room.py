"""A check of `mega doctor`: whether the system lets this user watch all folders of all synced folders.

It only counts. What rules leave out is counted too, and what other programs watch is not: it is a matter of room.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mega_cli.account.findings import Finding, problem, well
from mega_cli.errors import MegaError, NotInitialisedError
from mega_cli.localfs.watch_limits import LIMITS, more_watches, watch_limit
from mega_cli.sync.pairs import MARKER, open_pairs
from mega_cli.system.directories import Home

_ROOM: Final = 0.9
"""Which share of the limit synced folders may take: editors and file managers watch as well."""


def check_watches(home: Home, limits: Path = LIMITS) -> Iterator[Finding]:
    """Hold the number of folders against the system's limit, where it has one."""
    try:
        pairs = open_pairs(home).all()
    except NotInitialisedError:
        return
    except MegaError as error:
        yield problem(
            "watches", "the list of synced folders cannot be read", error.hint, error.message, error.exit_code
        )
        return
    most = watch_limit(limits)
    if most is None or not pairs:
        return
    count = sum(count_folders(pair.local) for pair in pairs)
    if count > most * _ROOM:
        summary = f"this system watches {most} folders of one user, and {count} are to be synced"
        detail = "what is not watched is looked at every minute"
        yield problem("watches", summary, more_watches(count, limits), detail)
    else:
        yield well("watches", f"{count} folders to be synced, of {most} that this system watches for one user")


def count_folders(local: Path) -> int:
    """Count a folder and all below it but `.mega`; what cannot be read counts as one, what is not there as none."""
    waiting, count = [os.fsencode(local)], 0
    own = os.fsencode(local / MARKER.parts[0])
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                waiting += [line.path for line in found if line.is_dir(follow_symlinks=False) and line.path != own]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        count += 1
    return count
