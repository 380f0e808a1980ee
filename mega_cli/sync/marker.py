"""The folder's marker, `.mega/root.json`: how a run knows that it looks at the folder it synced last, as it left it.

Without it, a disk that is not mounted looks like a folder in which everything was deleted. It is a file with bytes in
it, because cleaners remove empty ones. A number in it, the epoch, rises with every session, here and in the state.

| the state knows | the marker is | verdict |
|---|---|---|
| nothing | not there | FIRST: make it |
| nothing | ours | STATE_LOST: resync |
| nothing | our volume's, another pair's | TAKEN_OVER: make it ours; both sides are joined as at a first run |
| anything | another volume's | stop FOREIGN, also when a resync is asked for |
| nothing | damaged | stop DAMAGED |
| the folder | not there | stop MISSING: not mounted, emptied, or removed with intent |
| the folder | damaged | stop DAMAGED |
| the folder | our volume's, of another pair or another root | stop REPLACED |
| the folder | ours, of a lower epoch | FOLDER_OLD: the folder came back from a copy; resync |
| the folder | ours, of a higher epoch | STATE_OLD: the state came back from a copy; resync |
| the folder | ours, same epoch, another inode | FOLDER_COPIED: file by file, perhaps not whole; resync |
| the folder | ours, same epoch, same inode | GO_ON |
| anything but a stop FOREIGN | any | ASKED, when the user asked for a resync: a stop becomes one |

A resync joins both sides and deletes nothing. A clone of a whole machine, folder and state together, needs none: what
base, disk and remote mark say of each other is true on both machines, and they go on as two devices. Where inodes are
not kept between mounts, they are not compared.

Writing: the state first notes the epoch to come, then the marker carries it, then the state has it; a run that was
killed in between is recognised, and what it knew is right. The marker is exchanged for a new one, so that it is never
missing; where a disk cannot, the old one is renamed to `root.old` first, and read there.
"""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import Final, NamedTuple, final

import msgspec

from mega_cli.errors import SafetyStopError
from mega_cli.localfs.disk import NO_EXCHANGE, Disk, Place
from mega_cli.state.sync_state import SyncState, state_failures
from mega_cli.sync.world import Chance, Clock

FOLDER: Final[Place] = (b".mega",)
PLACE: Final[Place] = (b".mega", b"root.json")
_OLD: Final[Place] = (b".mega", b"root.old")
_NEW: Final[Place] = (b".mega", b"root.new")
_KEY: Final = "marker"
_FORMAT: Final = 1
_ROOT_BYTES: Final = 16
_MOST_BYTES: Final = 4_096


class Owner(NamedTuple):
    """Whose folder it should be."""

    volume: bytes
    pair: str


@final
class Marker(msgspec.Struct, frozen=True):
    """What the file says. Bytes are written as hexadecimal digits, for people."""

    format: int
    volume: str
    pair: str
    root: str
    """16 random bytes, drawn when this folder was first synced by this pair."""
    epoch: int


class Damaged(NamedTuple):
    """There is a marker that says nothing."""


@final
class Known(msgspec.Struct, frozen=True):
    """What the state keeps of the folder. Epoch 0: the first marker was not finished."""

    root: str
    epoch: int
    epoch_next: int
    """The epoch that is being written; equal to `epoch` when none is."""
    ino: int
    """Of the folder itself."""


class Verdict(StrEnum):
    """What to do, by the table above."""

    FIRST = "first"
    TAKEN_OVER = "taken-over"
    GO_ON = "go-on"
    ASKED = "asked"
    STATE_LOST = "state-lost"
    FOLDER_OLD = "folder-old"
    STATE_OLD = "state-old"
    FOLDER_COPIED = "folder-copied"
    MISSING = "missing"
    DAMAGED = "damaged"
    REPLACED = "replaced"
    FOREIGN = "foreign"

    @property
    def is_stop(self) -> bool:
        """Tell whether nothing may be done."""
        return self in (Verdict.MISSING, Verdict.DAMAGED, Verdict.REPLACED, Verdict.FOREIGN)

    @property
    def is_resync(self) -> bool:
        """Tell whether what both sides last agreed on must not be believed, or is not known."""
        return not self.is_stop and self is not Verdict.GO_ON


def judge(owner: Owner, known: Known | None, marker: Marker | Damaged | None, ino: int, *, is_asked: bool) -> Verdict:
    """Decide by the table. `ino` is the folder's, 0 where inodes are not kept; `is_asked`: for a resync."""
    if known is not None and known.epoch == 0:
        known = None
    if isinstance(marker, Marker) and marker.volume != owner.volume.hex():
        return Verdict.FOREIGN
    verdict = _judge_first(owner, marker) if known is None else _judge_later(owner, known, marker, ino)
    is_changed = is_asked and verdict not in (Verdict.FIRST, Verdict.TAKEN_OVER)
    return Verdict.ASKED if is_changed else verdict


def _judge_first(owner: Owner, marker: Marker | Damaged | None) -> Verdict:
    if marker is None:
        return Verdict.FIRST
    if isinstance(marker, Damaged):
        return Verdict.DAMAGED
    return Verdict.STATE_LOST if marker.pair == owner.pair else Verdict.TAKEN_OVER


def _judge_later(owner: Owner, known: Known, marker: Marker | Damaged | None, ino: int) -> Verdict:
    if marker is None:
        return Verdict.MISSING
    if isinstance(marker, Damaged):
        return Verdict.DAMAGED
    if (marker.pair, marker.root) != (owner.pair, known.root):
        return Verdict.REPLACED
    if marker.epoch not in (known.epoch, known.epoch_next):
        return Verdict.FOLDER_OLD if marker.epoch < known.epoch else Verdict.STATE_OLD
    return Verdict.FOLDER_COPIED if 0 not in (ino, known.ino) and ino != known.ino else Verdict.GO_ON


def read_marker(disk: Disk) -> Marker | Damaged | None:
    """Read the marker; None when there is none. Raises OSError for what cannot be read: that is no absence."""
    folder = disk.look(FOLDER)
    if folder is not None and folder.kind != "d":
        return Damaged()  # a link or a file: whatever it leads to is not ours
    for place in (PLACE, _OLD):
        if disk.look(place) is None:
            continue
        try:
            with disk.open_file(place) as file:
                buffer = bytearray(_MOST_BYTES)
                length = file.readinto(buffer)
            found = msgspec.json.decode(bytes(buffer[:length]), type=Marker)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Damaged()
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EINVAL, errno.EISDIR):
                return Damaged()
            raise
        return found if found.format == _FORMAT else Damaged()
    return None


@final
class FolderMark:
    """The marker in one session: look, begin, end. A session that only looks (a dry run) writes nothing."""

    def __init__(self, disk: Disk, state: SyncState, owner: Owner, *, ids_are_stable: bool = True) -> None:
        """Read nothing yet."""
        self._disk = disk
        self._state = state
        self._owner = owner
        self._ids_are_stable = ids_are_stable

    def look(self, *, is_asked: bool = False) -> Verdict:
        """Judge the folder. Raises SafetyStopError when nothing may be done; nothing is ever written."""
        verdict = judge(self._owner, self._known(), read_marker(self._disk), self._ino(), is_asked=is_asked)
        if verdict.is_stop:
            raise stopped(verdict)
        return verdict

    def begin(self, chance: Chance, clock: Clock) -> None:
        """Let this session be known on both sides. If the verdict was a resync, the base must be forgotten already."""
        known, marker = self._known(), read_marker(self._disk)
        if isinstance(marker, Marker) and marker.pair == self._owner.pair:
            self._disk.sync_folder(FOLDER)  # a run may have been killed just before: what the state believes must last
            before = Known(marker.root, max(marker.epoch, known.epoch if known else 0), 0, self._ino())
        else:
            before = Known(chance.random_bytes(_ROOT_BYTES).hex(), 0, 0, self._ino())
        self._advance(before, clock.now_ns())

    def end(self, clock: Clock) -> None:
        """Let what the folder was copied to during this session be older than what it is now."""
        known = self._known()
        assert known is not None, "a session that begins leaves a note"
        self._advance(known, clock.now_ns())

    def _advance(self, before: Known, now_ns: int) -> None:
        epoch = before.epoch + 1
        self._keep(Known(before.root, before.epoch, epoch, before.ino))
        owner = self._owner
        write_marker(self._disk, Marker(_FORMAT, owner.volume.hex(), owner.pair, before.root, epoch), now_ns)
        self._keep(Known(before.root, epoch, epoch, before.ino))

    def _known(self) -> Known | None:
        raw = self._state.value(_KEY)
        with state_failures():
            return None if raw is None else msgspec.msgpack.decode(raw, type=Known)

    def _keep(self, known: Known) -> None:
        with self._state.transaction():
            self._state.keep(_KEY, msgspec.msgpack.encode(known))

    def _ino(self) -> int:
        """Give the folder's inode; 0 where none is to be compared. Raises SafetyStopError for what is no folder."""
        found = self._disk.look(())
        if found is None or found.kind != "d":
            raise stopped(Verdict.MISSING)
        return found.ino if self._ids_are_stable else 0


def make_own_folder(disk: Disk) -> None:
    """Make `.mega`, unless it is there."""
    if disk.look(FOLDER) is None:
        disk.make_folder(FOLDER, 0o700)
        disk.sync_folder(())


def write_marker(disk: Disk, marker: Marker, now_ns: int) -> None:
    """Replace the marker durably; at every moment there is one to read, if there was one before."""
    make_own_folder(disk)
    if disk.look(_NEW) is not None:
        disk.remove_file(_NEW)
    with disk.make_file(_NEW) as file:
        file.write(msgspec.json.format(msgspec.json.encode(marker)) + b"\n")
        file.describe(0o600, now_ns)
        file.sync()
    if disk.look(PLACE) is None:
        disk.rename(_NEW, PLACE)
        disk.sync_folder(FOLDER)
    else:
        _replace(disk)
    for leftover in (_NEW, _OLD):
        if disk.look(leftover) is not None:
            disk.remove_file(leftover)


def _replace(disk: Disk) -> None:
    """Let the new marker take the old one's name."""
    try:
        disk.exchange(_NEW, PLACE)
    except OSError as error:
        if error.errno not in NO_EXCHANGE:
            raise
        if disk.look(_OLD) is not None:
            disk.remove_file(_OLD)
        disk.rename(PLACE, _OLD)
        disk.sync_folder(FOLDER)
        disk.rename(_NEW, PLACE)
    disk.sync_folder(FOLDER)


def remove_marker(disk: Disk, pair: str) -> None:
    """Take the marker of a pair away; another's stays."""
    found = read_marker(disk)
    if isinstance(found, Marker) and found.pair == pair:
        for place in (PLACE, _OLD):
            if disk.look(place) is not None:
                disk.remove_file(place)
        disk.sync_folder(FOLDER)


_AGAIN: Final = "the same command with --resync joins both sides and deletes nothing"
_STOPS: Final = {
    Verdict.MISSING: (
        "the folder does not carry its mark .mega/root.json: it is not mounted, was emptied, or is another one",
        f"nothing was changed; mount or restore it; if this is the folder you mean, {_AGAIN}",
    ),
    Verdict.DAMAGED: (
        "the folder's mark .mega/root.json cannot be read",
        f"nothing was changed; if this is the folder you mean, {_AGAIN}",
    ),
    Verdict.REPLACED: (
        "the folder is not the one that was synced last: its mark .mega/root.json is of another sync",
        f"nothing was changed; if this is the folder you mean, {_AGAIN}",
    ),
    Verdict.FOREIGN: (
        "the folder is synced with another account: so says its mark .mega/root.json",
        "nothing was changed; choose another folder; or, if that account no longer uses it, remove that file",
    ),
}


def stopped(verdict: Verdict) -> SafetyStopError:
    """Say why nothing was done."""
    message, hint = _STOPS[verdict]
    return SafetyStopError(message, hint, {"reason": str(verdict)})
