"""The account's pairs on this device: which local folder is synced with which remote one, and where their state lies.

One file, `sync/pairs.json` in the account's folder, replaced whole; beside it a state file and a lock for each pair. It
touches no synced folder and asks no server.

Local folders never lie inside each other, also not by symbolic links or mounts: two runs would move one file. Remote
folders may: with unrelated local folders, two pairs of one device are to each other what two devices are.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

import msgspec

from mega_cli.crypto import randomness
from mega_cli.errors import MissingItemError, SafetyStopError, UsageError
from mega_cli.paths.names import text_from_disk, text_to_disk
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode
from mega_cli.state.private_files import write_private_file
from mega_cli.state.rebuildable import delete_database
from mega_cli.system.directories import Home
from mega_cli.system.locks import exclusive_lock

MARKER: Final = Path(".mega", "root.json")
"""What a synced folder is known by; written by `marker.py` alone."""
UNTIL_RESUMED: Final = -1
"""As a pause's end: it has none."""
_FORMAT: Final = 2
_READ_FORMATS: Final = (1, _FORMAT)
"""Format 1 knew nothing of the daemon: what it lacks is what the rows' defaults say."""
_ID_BYTES: Final = 4


@final
@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """One local folder and one remote folder that are kept the same."""

    id: str
    """Eight hexadecimal digits, drawn when the pair was made."""
    local: Path
    """Absolute, and no symbolic link on the way when the pair was made."""
    remote: RemotePath
    mode: Mode
    created_ms: int
    is_background: bool = False
    """Whether the daemon syncs it; else only `mega sync --once` does."""
    paused_until_ms: int | None = None
    """When the daemon takes it up again, or UNTIL_RESUMED; None when it is not paused."""

    def __repr__(self) -> str:
        """Show no path."""
        return f"Pair({self.id}, {self.mode})"

    def is_paused(self, now_ms: int) -> bool:
        """Tell whether the daemon leaves it alone at this time."""
        until_ms = self.paused_until_ms
        return until_ms is not None and (until_ms == UNTIL_RESUMED or now_ms < until_ms)

    @property
    def command(self) -> str:
        """Give the command that syncs it, as a shell reads it: now and once, or by the daemon whose it is."""
        once = () if self.is_background else ("--once",)
        return shlex.join(("mega", "sync", *once, str(self.local), str(self.remote)))


class _Row(msgspec.Struct, frozen=True):
    id: str
    local: str
    """As `text_from_disk` writes it: any bytes a path may have."""
    remote: str
    mode: Mode
    created_ms: int
    is_background: bool = False
    paused_until_ms: int | None = None


class _File(msgspec.Struct, frozen=True):
    format: int
    pairs: list[_Row]


def open_pairs(home: Home) -> Pairs:
    """Give the pairs of the account in use. Raises NotInitialisedError without one."""
    places = home.directories
    return Pairs(home.sync_folder, (places.config, places.data, places.cache, places.logs, places.runtime))


@final
class Pairs:
    """The registry. Every answer is read from the file anew, so that a long run sees what another made."""

    def __init__(self, folder: Path, private: Sequence[Path]) -> None:
        """Keep it in `folder`; no synced folder may hold, or lie in, one of `private`."""
        self._folder = folder
        self._private = tuple(private)

    def all(self) -> list[Pair]:
        """List the pairs, the oldest first. Raises SafetyStopError when the file cannot be read."""
        path = self._folder / "pairs.json"
        try:
            found = msgspec.json.decode(path.read_bytes(), type=_File)
            rows = found.pairs if found.format in _READ_FORMATS else None
        except FileNotFoundError:
            return []
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            rows = None
        if rows is None:
            message = f"the list of synced folders is damaged, or of a newer version: {path}"
            raise SafetyStopError(message, "update mega; or move that file away, and give each `mega sync` again")
        return [_pair_of(row) for row in rows]

    def at(self, local: Path) -> Pair | None:
        """Find the pair of a local folder, however its path is written."""
        real = real_path(local)
        return next((pair for pair in self.all() if pair.local == real), None)

    def find(self, word: str) -> Pair:
        """Find a pair by the beginning of its id, or by its local folder. Raises MissingItemError, UsageError."""
        every = self.all()
        real = real_path(Path(word)) if word else None
        fitting = [pair for pair in every if pair.local == real]
        fitting = fitting or [pair for pair in every if word and pair.id.startswith(word.lower())]
        if len(fitting) > 1:
            raise UsageError(f"several pairs begin with {word}", f"name one of: {', '.join(p.id for p in fitting)}")
        if not fitting:
            raise MissingItemError(f"no synced folder is {word!r}, by id or by path", "mega syncs")
        return fitting[0]

    def holding(self, path: Path) -> tuple[Pair, tuple[bytes, ...]]:
        """Find the pair that a local path lies in, and the names from its folder down. Raises MissingItemError."""
        real = _real_parent(path)
        for pair in self.all():
            if real == pair.local or real.is_relative_to(pair.local):
                return pair, tuple(os.fsencode(part) for part in real.relative_to(pair.local).parts)
        raise MissingItemError(f"{path} lies in no synced folder", "mega syncs")

    def add(self, local: Path, remote: RemotePath, mode: Mode | None, now_ms: int) -> Pair:
        """Make a pair, or give the one there is. Raises UsageError for folders that must not be synced so.

        Without a mode it is two-way, or what the pair has. A folder that is synced in one way keeps to it.
        """
        with exclusive_lock(self._folder / "pairs.lock", waits=True):
            every = self.all()
            real = real_path(local)
            same = next((pair for pair in every if pair.local == real), None)
            if same is not None:
                _refuse_another(same, remote, mode)
                return same
            self.refuse(real)
            id_ = randomness.random_bytes(_ID_BYTES).hex()
            pair = Pair(id_, real, remote, mode or Mode.TWO_WAY, now_ms)
            self._write([*every, pair])
            return pair

    def refuse(self, real: Path) -> None:
        """Refuse a local folder that must not be synced. Raises UsageError."""
        if real.parent == real:
            raise UsageError("a whole disk cannot be synced", "name a folder")
        if real.exists() and not real.is_dir():
            raise UsageError(f"{real} is no folder", "name a folder; for single files: mega put")
        for folder in self._private:
            if _is_in(folder, real) or _is_in(real, folder):
                message = f"{real} holds mega's own files, or lies among them: {folder}"
                raise UsageError(message, "name another folder; keys and state must not be synced")
        for pair in self.all():
            if _is_in(pair.local, real) or _is_in(real, pair.local):
                message = f"{real} and {pair.local}, which is synced already, lie in each other"
                raise UsageError(message, f"name another folder; or first: mega syncs rm {pair.id}")
        above = next((folder for folder in real.parents if (folder / MARKER).is_file()), None)
        if above is not None:
            message = f"{real} lies in {above}, which is synced by another account or device"
            raise UsageError(message, "name another folder")

    def set_background(self, pair: Pair, *, is_background: bool) -> Pair:
        """Have the daemon sync a pair from now on, or no more, once it is told. Raises MissingItemError."""
        return self._change(pair, lambda one: replace(one, is_background=is_background))

    def pause(self, pair: Pair, until_ms: int | None) -> Pair:
        """Have the daemon leave a pair alone until then, or UNTIL_RESUMED; None resumes it. Raises MissingItemError."""
        return self._change(pair, lambda one: replace(one, paused_until_ms=until_ms))

    def _change(self, pair: Pair, change: Callable[[Pair], Pair]) -> Pair:
        with exclusive_lock(self._folder / "pairs.lock", waits=True):
            after = {one.id: change(one) if one.id == pair.id else one for one in self.all()}
            if pair.id not in after:
                raise MissingItemError(f"{pair.local} is synced no more", "mega syncs")
            self._write(list(after.values()))
            return after[pair.id]

    def remove(self, pair: Pair) -> None:
        """Forget a pair and its state; the folders are not touched. The caller holds the pair's lock."""
        with exclusive_lock(self._folder / "pairs.lock", waits=True):
            self._write([one for one in self.all() if one.id != pair.id])
        delete_database(self.state_file(pair))

    def state_file(self, pair: Pair) -> Path:
        """Say where the pair's state lies; `sync_state.py` keeps it."""
        return self._folder / f"{pair.id}.db"

    @contextmanager
    def lock(self, pair: Pair) -> Iterator[None]:
        """Hold the pair: one run, or one decision of the user, at a time. Raises LockedError."""
        with exclusive_lock(self._folder / f"{pair.id}.lock"):
            yield

    def _write(self, pairs: Sequence[Pair]) -> None:
        content = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, [_row_of(pair) for pair in pairs])))
        write_private_file(self._folder / "pairs.json", content + b"\n")


def real_path(path: Path) -> Path:
    """Resolve every symbolic link; what does not exist yet is kept as it is written."""
    return Path(os.path.realpath(path))


def _real_parent(path: Path) -> Path:
    """Resolve every symbolic link but the last name: a link is what is asked about, not its target."""
    text = os.path.abspath(path)  # noqa: PTH100 -- it drops `..` before any link is followed, as the shell's user sees it
    whole = Path(text)
    return real_path(whole.parent) / whole.name if whole.name else whole


def _row_of(pair: Pair) -> _Row:
    local = text_from_disk(os.fsencode(pair.local))
    rest = (pair.created_ms, pair.is_background, pair.paused_until_ms)
    return _Row(pair.id, local, str(pair.remote), pair.mode, *rest)


def _pair_of(row: _Row) -> Pair:
    local = Path(os.fsdecode(text_to_disk(row.local)))
    rest = (row.created_ms, row.is_background, row.paused_until_ms)
    return Pair(row.id, local, RemotePath.parse(row.remote), row.mode, *rest)


def _is_in(upper: Path, lower: Path) -> bool:
    """Tell whether `lower` is `upper` or lies below it, by name or, as mounts and disks without case need, by inode."""
    upper = real_path(upper)
    if lower.is_relative_to(upper):
        return True
    return upper.exists() and any(
        folder.exists() and folder.samefile(upper) for folder in (real_path(lower), *real_path(lower).parents)
    )


def _refuse_another(pair: Pair, remote: RemotePath, mode: Mode | None) -> None:
    hint = f"to sync it otherwise, which deletes nothing: mega syncs rm {pair.id}, and then the same command again"
    if pair.remote != remote:
        raise UsageError(f"{pair.local} is synced with {pair.remote} already", hint)
    if mode is not None and pair.mode != mode:
        raise UsageError(f"{pair.local} is synced as {pair.mode} already", hint)
