"""How the pairs of this device stand: what their states say of the last run, without asking the server."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple, final

import msgspec

from mega_cli.errors import SafetyStopError
from mega_cli.reconcile.nodes import path_of
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState, state_failures
from mega_cli.sync.decisions import conflicts_of
from mega_cli.sync.marker import remove_marker
from mega_cli.sync.opened import open_folder, reading
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.sync.run_report import DISK_REASONS
from mega_cli.system.directories import Home

_KEY = "last_run"


@final
class LastRun(msgspec.Struct, frozen=True):
    """How the last run of a pair ended. `error` is the name of what ended it, empty when it came to its end."""

    at_ns: int
    is_up_to_date: bool
    error: str = ""
    failed: int = 0


class Item(NamedTuple):
    """Something that stands still or is not on this disk."""

    path: str
    reason: Reason


class Standing(NamedTuple):
    """One pair. `last` is None before its first run; `damage` says why its state cannot be read."""

    pair: Pair
    last: LastRun | None = None
    stalled: int = 0
    held: int = 0
    conflicts: int = 0
    absent: int = 0
    damage: str = ""
    items: tuple[Item, ...] = ()
    """What stands still or is not on this disk, if it was asked for, by path."""


def list_pairs(home: Home, *, wants_items: bool = False, but: Collection[str] = ()) -> list[Standing]:
    """List the pairs, the oldest first, without those of these ids."""
    pairs = open_pairs(home)
    found = []
    for pair in pairs.all():
        if pair.id in but:
            continue
        try:
            with reading(pairs, pair) as state:
                found.append(Standing(pair) if state is None else standing_of(pair, state, wants_items=wants_items))
        except SafetyStopError as error:
            found.append(Standing(pair, damage=error.message))
    return found


def standing_of(pair: Pair, state: SyncState, *, wants_items: bool) -> Standing:
    """Count what an open state says; `last` included."""
    stalled = [Item(row.path, row.reason) for row in state.stalled() if row.reason is not Reason.HELD]
    absent = {id_: reason for id_, reason in state.absent().items() if reason in DISK_REASONS}
    items = []
    if wants_items:
        items = stalled + [Item("/".join(path_of(state.remote, id_) or ()), absent[id_]) for id_ in absent]
    return Standing(
        pair,
        last_run(state),
        stalled=sum(item.reason is not Reason.FILE_CHANGING for item in stalled),  # that one only waits to rest
        held=sum(hold.files or len(hold.ids) for hold in state.holds()),
        conflicts=len(conflicts_of(pair, state)),
        absent=len(absent),
        items=tuple(sorted(items)),
    )


def last_run(state: SyncState) -> LastRun | None:
    """Read how the last run ended."""
    raw = state.value(_KEY)
    with state_failures():
        return None if raw is None else msgspec.msgpack.decode(raw, type=LastRun)


def keep_last_run(state: SyncState, run: LastRun) -> None:
    """Keep how a run ended, for `mega syncs`."""
    with state.transaction():
        state.keep(_KEY, msgspec.msgpack.encode(run))


def forget(home: Home, word: str) -> Pair:
    """Sync a pair no more: its state and the folder's marker go, and nothing else.

    What is in both folders stays, the local trash in `.mega` too. Raises LockedError during a run.
    """
    pairs = open_pairs(home)
    pair = pairs.find(word)
    with pairs.lock(pair):
        with suppress(SafetyStopError), open_folder(pair) as disk:  # a folder that is gone has no marker to take away
            remove_marker(disk, pair.id)
        pairs.remove(pair)
    return pair
