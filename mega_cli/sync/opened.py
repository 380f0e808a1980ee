"""Open what belongs to a pair on this device: its state to read, or its folder and state to change them.

Nothing here asks the server. Who changes something holds the pair's lock, and the folder must carry its marker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from mega_cli.account import open_session
from mega_cli.crypto.keys import MasterKeys
from mega_cli.errors import MegaError, SafetyStopError
from mega_cli.localfs.failures import disk_failures
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.state.sync_state import SyncState, state_failures
from mega_cli.sync.local_end import LocalEnd
from mega_cli.sync.marker import FolderMark, Owner, Verdict
from mega_cli.sync.pairs import Pair, Pairs, open_pairs, real_path
from mega_cli.sync.probe import last_probed
from mega_cli.sync.real_world import RealChance, RealClock
from mega_cli.sync.settings import Settings
from mega_cli.system.directories import Home


@contextmanager
def naming(pair: Pair) -> Iterator[None]:
    """Put the pair's id into the hints of errors that arise where it is not known, so that they can be pasted."""
    try:
        yield
    except MegaError as error:
        error.hint = error.hint.replace("mega syncs rm ID", f"mega syncs rm {pair.id}")
        raise


@contextmanager
def reading(pairs: Pairs, pair: Pair) -> Iterator[SyncState | None]:
    """Open a pair's state to look at it; None when it has none yet. Raises SafetyStopError."""
    path = pairs.state_file(pair)
    if not path.exists():
        yield None
        return
    with naming(pair), SyncState(path) as state, state_failures():
        yield state


@contextmanager
def open_folder(pair: Pair) -> Iterator[RealDisk]:
    """Open a pair's folder. Raises SafetyStopError when it is gone, or its path leads elsewhere than it did."""
    if real_path(pair.local) != pair.local:
        message = f"{pair.local} leads through a symbolic link now, as it did not when it was first synced"
        raise SafetyStopError(message, f"nothing was changed; take the link away, or: mega syncs rm {pair.id}")
    if not pair.local.is_dir():
        message = f"the folder {pair.local} is gone"
        hint = f"nothing was changed; mount or restore it; to sync it no more: mega syncs rm {pair.id}"
        raise SafetyStopError(message, hint)
    with closing(RealDisk(os.fsencode(pair.local))) as disk:
        yield disk


@contextmanager
def changing(home: Home, pair: Pair) -> Iterator[LocalEnd]:
    """Hold a pair to change its folder and its state by hand.

    Raises LockedError during a run, SafetyStopError when the folder is not the one that was synced last.
    """
    pairs, session = open_pairs(home), open_session(home)
    volume = MasterKeys(session.master_key, session.epoch).volume_id
    with (
        naming(pair),
        pairs.lock(pair),
        open_folder(pair) as disk,
        SyncState(pairs.state_file(pair)) as state,
        state_failures(),
        disk_failures(os.fsencode(pair.local)),
    ):
        probed = last_probed(state)
        mark = FolderMark(disk, state, Owner(volume, pair.id), ids_are_stable=probed.ids_are_stable)
        if mark.look() is not Verdict.GO_ON:
            message = "the folder and what is known of it do not fit together"
            raise SafetyStopError(message, f"nothing was changed; first: {pair.command}")
        settings = Settings(device=session.device_name, disk=probed.rules, ids_are_stable=probed.ids_are_stable)
        yield LocalEnd(disk, state, RealClock(), RealChance(), settings)
