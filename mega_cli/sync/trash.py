"""The local trash: what sync takes away from the user's folder goes to `.mega/trash/YYYY-MM-DD/`, by a rename.

Nothing here is removed before its days are over, and nothing that was written to after it came here: a program may
still have the file open. Such a file comes back as a conflict copy.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, final

import msgspec

from mega_cli.localfs.disk import Found, Place
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.conflict_names import apart_name
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.state.sync_state import EventRow, TrashRow
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import OWN_MODE, TRASH, LocalEnd, UnfitError, made_stamps

KIND: Final = "trash"
LOOKS_S: Final = (10, 60, 600)
"""How long after it came a file is looked at again; a last time before it is removed."""
_NAME_MOST_BYTES: Final = 200
_READ_MOST_BYTES: Final = 64 << 20
"""Larger files are believed to have been left alone between the last look and the rename: to read them takes long."""
_DAY_NS: Final = 86_400 * 10**9
_SECOND_NS: Final = 10**9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@final
class Trashing(msgspec.Struct, frozen=True):
    """What goes into the trash: as the state knows it, where it stands, and where it will lie."""

    row: LocalRow
    place: Place
    hidden: Place
    is_proven: bool
    """Its content is known to be in the volume's history."""

    def __repr__(self) -> str:
        """Show no name."""
        return f"Trashing({self.row!r})"


def trashing_of(end: LocalEnd, row: LocalRow, place: Place) -> Trashing:
    """Say where something will lie in the trash, and make the day's folder."""
    day = (*TRASH, f"{_EPOCH + timedelta(microseconds=end.clock.now_ns() // 1000):%Y-%m-%d}".encode())
    end.own_folder(day)
    hidden = (*day, end.token() + b" " + place[-1][:_NAME_MOST_BYTES])
    known = (end.state.base.get(row.node.id), end.state.remote.get(row.node.id))
    is_proven = any(node is not None and node.substance == row.node.substance for node in known)
    return Trashing(row, place, hidden, is_proven)


def put_in_trash(end: LocalEnd, task: Trashing, source: Place) -> None:
    """Put what was taken out of its place into the trash; what is not what was known becomes a conflict copy.

    In a transaction. It is read again: a change that its stamps do not show must not be lost. Raises OSError.
    """
    found = end.disk.look(source)
    if found is None:
        return
    if not _is_known(end, task.row, found, source):
        end.surface(source, task.place, task.row.node)
        return
    if source != task.hidden:
        end.rename(source, task.hidden)
    _note(end, task, found)


def trash(end: LocalEnd, task: Trashing) -> None:
    """Move a file or link into the trash, in a transaction. Raises UnfitError when it is another by now, OSError."""
    end.check(task.row, task.place)
    try:
        end.rename(task.place, task.hidden)
    except FileNotFoundError as error:
        raise UnfitError from error
    if not finish(end, task):
        raise UnfitError


def finish(end: LocalEnd, task: Trashing) -> bool:
    """Finish what was begun, wherever it was left; tell whether it lies in the trash. In a transaction. Raises OSError.

    What was changed just before it went comes back: the deletion did not know of it. It is read, because the rename
    has changed the ctime, which may have been all that showed it.
    """
    found = end.disk.look(task.hidden)
    if found is None:
        return False
    is_believed = found.stamps.size > _READ_MOST_BYTES and not task.row.is_racy
    if _is_known(end, task.row, found, task.hidden, is_believed=is_believed):
        _note(end, task, found)
        end.state.local.remove_all([task.row.node.id])
        return True
    if not end.rename_if_free(task.hidden, task.place):
        end.surface(task.hidden, task.place, task.row.node)
    return False


def _is_known(end: LocalEnd, row: LocalRow, found: Found, place: Place, *, is_believed: bool = False) -> bool:
    """Tell whether what was renamed is what the row says. Raises OSError.

    Of what nobody may read, stamps that are not racy are all there is to go by.
    """
    if not end.is_same(row, found, is_renamed=True):
        return False
    try:
        return is_believed or end.has_substance(row.node, place)
    except PermissionError:
        if row.is_racy:
            raise
        return True


def keep_unknown(end: LocalEnd, source: Place, found: Found) -> None:
    """Put a file into the trash of which nobody knows what it was, in a transaction. Raises OSError."""
    node = Node(end.chance.random_bytes(16), ROOT, "recovered", "f", size=found.stamps.size)
    row = LocalRow(node, b"recovered", made_stamps(found), is_racy=True)
    task = trashing_of(end, row, (b"recovered",))
    end.rename(source, task.hidden)
    _note(end, task, found)


def _note(end: LocalEnd, task: Trashing, found: Found) -> None:
    place = b"/".join(task.hidden)
    path = "/".join(name.decode(errors="replace") for name in task.place)
    stamps = made_stamps(found)
    end.state.add_trash(TrashRow(0, place, path, task.row.node, stamps, end.clock.now_ns(), task.is_proven, 0))


# --- what lies there --------------------------------------------------------------------------------------------------


def look_again(end: LocalEnd) -> None:
    """Look for late writes, and remove what has lain there long enough; in a transaction.

    What the disk refuses is left for the next time.
    """
    now_ns = end.clock.now_ns()
    for row in sorted(end.state.trash(), key=lambda row: (not row.is_proven, row.at_ns, row.id)):
        age_ns = now_ns - row.at_ns
        is_over = age_ns >= end.settings.trash_days * _DAY_NS
        looks = sum(age_ns >= seconds * _SECOND_NS for seconds in LOOKS_S)
        if is_over or looks > row.looks:
            with suppress(OSError):
                _look_at(end, row, looks, is_over=is_over)


def _look_at(end: LocalEnd, row: TrashRow, looks: int, *, is_over: bool) -> None:
    """Look at one file, and bring it back, remove it, or note the look. Raises OSError."""
    place = place_of(row)
    found = end.disk.look(place)
    if found is not None and not is_over and not _was_written(row, found):
        end.state.looked_at_trash(row.id, looks)
        return
    if found is not None and _was_written(row, found):
        end.surface(place, _visible(row), row.node)
    elif found is not None:
        _remove(end, place)
    end.state.forget_trash([row.id])


def place_of(row: TrashRow) -> Place:
    """Say where something lies in the trash."""
    return tuple(row.place.split(b"/"))


def _visible(row: TrashRow) -> Place:
    return tuple(row.path.encode().split(b"/"))


def _was_written(row: TrashRow, found: Found) -> bool:
    stamps = StatPrint(*row.stamps[:6])
    return (found.ino, found.stamps.size, found.stamps.mtime_ns) != (stamps.ino, stamps.size, stamps.mtime_ns)


def _remove(end: LocalEnd, place: Place) -> None:
    """Remove a file for good, and its day's folder when it was the last."""
    end.disk.remove_file(place)
    end.unsynced[place[:-1]] = None
    with suppress(OSError):  # others lie there
        end.disk.remove_folder(place[:-1])


def restore_from_trash(end: LocalEnd, row: TrashRow) -> Place:
    """Bring a file back to where it was, or beside what stands there now; say where. Raises UnfitError, OSError.

    Folders that are gone are made for the user alone: nobody knows how private they were. The next cycle sees it as a
    new file.
    """
    *above, name = _visible(row)
    folder: Place = ()
    for part in above:
        folder = (*folder, part)
        found = end.disk.look(folder)
        if found is None:
            end.writing_in((folder[:-1],), partial(end.disk.make_folder, folder, OWN_MODE))
        elif found.kind != "d":
            raise UnfitError

    def is_taken(name: str) -> bool:
        return end.disk.look((*folder, name.encode())) is not None

    text = name.decode()
    target = (*folder, (apart_name(text, is_taken) if is_taken(text) else text).encode())
    with end.state.transaction():
        end.rename(place_of(row), target)
        end.make_names_durable()
        end.state.forget_trash([row.id])
        end.state.log(EventRow(end.clock.now_ns(), "restored", "/".join(p.decode() for p in target), row.path))
    return target
