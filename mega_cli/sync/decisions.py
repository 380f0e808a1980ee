"""What the user decides between runs: held deletions, conflict copies, and what lies in the local trash.

Each decision holds the pair, changes one thing, and leaves the rest to the next run, which sees it as it sees any other
change of the user. No content is ever removed: what loses goes to the local trash.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from mega_cli.errors import MissingItemError, SafetyStopError, UsageError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.failures import disk_failures
from mega_cli.reconcile.nodes import ROOT, NodeId
from mega_cli.state.sync_state import ConflictRow, HoldRow, SyncState, TrashRow
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync import trash
from mega_cli.sync.local_end import LocalEnd, UnfitError
from mega_cli.sync.opened import changing, reading
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.system.directories import Home

T = TypeVar("T")


class Held(NamedTuple):
    """Deletions of one pair that wait."""

    pair: Pair
    row: HoldRow


class Conflict(NamedTuple):
    """A conflict copy that still lies where a run saw it last, and what it is a copy of, as absolute paths.

    `path` is None when that is gone.
    """

    pair: Pair
    row: ConflictRow
    path: Path | None
    copy: Path


class InTrash(NamedTuple):
    """Something in the local trash of a pair."""

    pair: Pair
    row: TrashRow

    @property
    def name(self) -> str:
        """Give the id it is restored by."""
        return f"{self.pair.id}-{self.row.id}"

    @property
    def file(self) -> Path:
        """Say where it lies."""
        return self.pair.local / os.fsdecode(self.row.place)


class Keep(StrEnum):
    """Which version of a conflict stays."""

    LOCAL = "local"
    """This device's version, the copy: it takes the name."""
    REMOTE = "remote"
    """The other one, which has the name; the copy goes to the local trash."""
    BOTH = "both"
    """Both, under their names."""


# --- held deletions


def list_holds(home: Home) -> list[Held]:
    """List the deletions that wait, pair by pair."""
    return _gathered(home, lambda pair, state: [Held(pair, row) for row in state.holds()])


def decide_hold(home: Home, name: str, *, is_approved: bool) -> Held:
    """Let held deletions happen with the next run, or have what would be deleted brought back by it.

    To bring back, the pair forgets that both sides had these nodes: what one side has alone is new there.
    """
    held = _the_one([held for held in list_holds(home) if held.row.name == name], f"held deletion {name}", "mega held")
    with changing(home, held.pair) as end, end.state.transaction():
        state = end.state
        if held.row not in state.holds():
            raise MissingItemError(f"{name} is not held any more", "mega held")
        state.keep_holds([row for row in state.holds() if row.name != held.row.name])
        if is_approved:
            state.keep_approved(state.approved() | set(held.row.ids))
        else:
            state.base.remove_all(held.row.ids)
    return held


# --- conflict copies


def list_conflicts(home: Home) -> list[Conflict]:
    """List the conflict copies that are still there, the oldest first, pair by pair."""
    return _gathered(home, conflicts_of)


def conflicts_of(pair: Pair, state: SyncState) -> list[Conflict]:
    """List the conflict copies of one pair that are still there, the oldest first."""
    found = []
    for row in state.conflicts():
        copy = pair.local / _shown_path(state, row.id, row.copy)
        path = pair.local / _shown_path(state, row.node_id, row.path)
        if os.path.lexists(copy):
            found.append(Conflict(pair, row, path if os.path.lexists(path) else None, copy))
    return found


def find_conflict(home: Home, path: Path) -> Conflict:
    """Find the conflict of a path: that of the copy, or of what it is a copy of.

    Raises MissingItemError when there is none, UsageError when there are several.
    """
    pair, names = open_pairs(home).holding(path)
    wanted = pair.local.joinpath(*map(os.fsdecode, names))
    fitting = [one for one in list_conflicts(home) if one.pair.id == pair.id and wanted in (one.copy, one.path)]
    return _the_one(fitting, f"conflict of {path}", "mega conflicts")


def resolve(home: Home, path: Path, keep: Keep) -> Conflict:
    """Decide about a conflict, named by its copy or by what it is a copy of.

    Raises MissingItemError when there is none, UsageError when there are several, SafetyStopError when one of the two
    was changed after the last run: it must be seen first.
    """
    conflict = find_conflict(home, path)
    pair = conflict.pair
    with changing(home, pair) as end:
        if keep is Keep.REMOTE:
            throw_away(end, place_in(conflict, conflict.copy))
        elif keep is Keep.LOCAL:
            original = conflict.path or pair.local / conflict.row.path
            if conflict.path is not None:
                throw_away(end, place_in(conflict, conflict.path))
            with end.state.transaction():
                end.rename(place_in(conflict, conflict.copy), place_in(conflict, original))
                end.make_names_durable()
        with end.state.transaction():
            end.state.forget_conflicts([conflict.row.id])
    return conflict


def throw_away(end: LocalEnd, place: Place) -> None:
    """Move a file or link into the local trash, noted in the journal first. Raises SafetyStopError when it changed."""
    row = row_at(end.state, place)
    if row is None:
        raise changed_since()
    with end.state.transaction():
        task = trash.trashing_of(end, row, place)
        journal_id = end.state.begin(trash.KIND, msgspec.to_builtins(task, builtin_types=(bytes,)))
        end.make_names_durable()
    with end.state.transaction():
        try:
            trash.trash(end, task)
            is_gone = True
        except UnfitError:
            is_gone = False
        end.state.end(journal_id)
        end.make_names_durable()
    if not is_gone:
        raise changed_since()


def changed_since() -> SafetyStopError:
    """Make the refusal to decide about what nobody has seen."""
    return SafetyStopError("it was changed after the last run", "nothing was changed; sync first, and then decide")


# --- the local trash


def list_trash(home: Home) -> list[InTrash]:
    """List what lies in the local trash, the oldest first, pair by pair."""
    found = _gathered(home, lambda pair, state: [InTrash(pair, row) for row in state.trash()])
    return [one for one in found if os.path.lexists(one.file)]


def restore(home: Home, word: str, destination: Path | None = None) -> Path:
    """Bring something back from the local trash, by its id or its former path; say where it is now.

    The newest of one path is meant. Without a destination it goes where it was, or beside what stands there now; with
    one it is copied to there, or into that folder, and stays in the trash. Raises MissingItemError, SafetyStopError.
    """
    chosen = chosen_trash(home, word)
    if destination is not None:
        name = Path(chosen.row.path).name
        target = destination / name if destination.is_dir() else destination
        if os.path.lexists(target):
            raise UsageError(f"{target} exists already", "choose another name")
        copy_out(chosen.file, target)
        return target
    with changing(home, chosen.pair) as end:
        try:
            place = trash.restore_from_trash(end, chosen.row)
        except UnfitError as error:
            message = f"where a folder of {chosen.row.path} was stands something else"
            raise SafetyStopError(message, f"mega trash restore --local {chosen.name} --to DST") from error
    return chosen.pair.local.joinpath(*map(os.fsdecode, place))


def copy_out(source: Path, target: Path) -> None:
    """Copy a file or link to a free name; from its first byte on only the user can read it. Raises a MegaError."""
    with disk_failures(os.fsencode(target)):
        if source.is_symlink():
            target.symlink_to(source.readlink())
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with source.open("rb") as content, open(os.open(target, flags, 0o600), "wb") as copy:  # noqa: PTH123 -- its mode
            shutil.copyfileobj(content, copy)
        shutil.copystat(source, target)


def chosen_trash(home: Home, word: str) -> InTrash:
    """Find something in the local trash by its id or its former path, below the pair's folder or whole."""
    every = list_trash(home)
    by_id = [one for one in every if one.name == word]
    whole = Path(os.path.abspath(word)) if word else None  # noqa: PTH100 -- it may be gone, and a link is not followed
    by_path = [one for one in every if word == one.row.path or one.pair.local / one.row.path == whole]
    if not by_id and not by_path:
        raise MissingItemError(f"there is no {word} in the local trash", "mega trash ls --local")
    return by_id[0] if by_id else by_path[-1]


# --- finding


def _gathered(home: Home, read: Callable[[Pair, SyncState], list[T]]) -> list[T]:
    """Read the states of all pairs; one that cannot be read hides no other, and `mega syncs` tells of it."""
    pairs = open_pairs(home)
    found = []
    for pair in pairs.all():
        with suppress(SafetyStopError), reading(pairs, pair) as state:
            if state is not None:
                found += read(pair, state)
    return found


def _the_one(fitting: Sequence[T], what: str, hint: str) -> T:
    """Give what there is one of. Raises MissingItemError, UsageError."""
    if not fitting:
        raise MissingItemError(f"there is no {what}", hint)
    if len(fitting) > 1:
        raise UsageError(f"there are several: {what}", f"name the copy: {hint}")
    return fitting[0]


def _shown_path(state: SyncState, id_: NodeId, otherwise: str) -> Path:
    """Say where a node stands on the disk, as last seen; `otherwise` when it is not known any more."""
    names: list[bytes] = []
    while id_ != ROOT:
        row = state.local.row(id_)
        if row is None:
            return Path(otherwise)
        names.append(row.disk_name)
        id_ = row.node.parent
    return Path(*map(os.fsdecode, reversed(names)))


def row_at(state: SyncState, place: Place) -> LocalRow | None:
    """Find what was last seen at a place."""
    id_, row = ROOT, None
    for name in place:
        row = next((row for row in state.local.rows(id_) if row.disk_name == name), None)
        if row is None:
            return None
        id_ = row.node.id
    return row


def place_in(conflict: Conflict, path: Path) -> Place:
    """Say where a path of a conflict is in its pair's folder."""
    return tuple(os.fsencode(part) for part in path.relative_to(conflict.pair.local).parts)
