"""Probe: what a disk can hold, found out by trying it in `.mega`, not by its name.

Case, Unicode forms, links, modes, and whether an inode's number stays when its name changes. Everything tried is taken
away again; what a killed run left is taken away by the next. A disk on which nothing may be made tells nothing: then
the defaults hold, and the run fails soon for a better reason. The state keeps what was found out: a dry run tries
nothing, and what it notes of the disk must mean the same to the next run.
"""

from __future__ import annotations

import sys
import unicodedata
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from mega_cli.localfs.disk import Disk, Place
from mega_cli.reconcile.situation import DiskRules
from mega_cli.state.sync_state import SyncState, state_failures

_OWN: Final[Place] = (b".mega",)
_LOWER: Final = "probe-ä"
_FILE: Final[Place] = (*_OWN, _LOWER.encode())
_UPPER: Final[Place] = (*_OWN, _LOWER.upper().encode())
_DECOMPOSED: Final[Place] = (*_OWN, unicodedata.normalize("NFD", _LOWER).encode())
_MOVED: Final[Place] = (*_OWN, b"probe-moved")
_LINK: Final[Place] = (*_OWN, b"probe-link")
_MODE: Final = 0o640
_KEY: Final = "probed"


class Probed(NamedTuple):
    """What was found out."""

    rules: DiskRules
    ids_are_stable: bool


def probe(disk: Disk) -> Probed:
    """Try the disk. `.mega` must be there."""
    _tidy(disk)
    is_windows = sys.platform == "win32"
    try:
        with disk.make_file(_FILE) as file:
            file.describe(_MODE, 0)
            ino = file.found().ino
        folds_case = disk.look(_UPPER) is not None
        folds_form = disk.look(_DECOMPOSED) is not None
        found = disk.look(_FILE)
        has_modes = not is_windows and found is not None and found.stamps.mode & 0o777 == _MODE
        disk.rename(_FILE, _MOVED)
        moved = disk.look(_MOVED)
        is_stable = ino != 0 and moved is not None and moved.ino == ino
    except OSError:
        return Probed(DiskRules(is_windows=is_windows), ids_are_stable=True)
    finally:
        _tidy(disk)
    rules = DiskRules(folds_case, folds_form, is_windows, _has_links(disk), has_modes)
    return Probed(rules, is_stable)


def keep_probed(state: SyncState, probed: Probed) -> None:
    """Keep it for dry runs."""
    with state.transaction():
        state.keep(_KEY, msgspec.msgpack.encode(probed))


def last_probed(state: SyncState) -> Probed:
    """Give what the last run found out; the defaults before a first run."""
    raw = state.value(_KEY)
    with state_failures():
        return Probed(DiskRules(), ids_are_stable=True) if raw is None else msgspec.msgpack.decode(raw, type=Probed)


def _has_links(disk: Disk) -> bool:
    try:
        disk.make_link(_LINK, b"nowhere")
    except OSError:
        return False
    _tidy(disk)
    return True


def _tidy(disk: Disk) -> None:
    for place in (_FILE, _MOVED, _LINK):
        with suppress(OSError):
            disk.remove_file(place)
