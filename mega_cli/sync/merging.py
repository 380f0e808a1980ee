"""The three-way merge of a conflict: the version that both sides came from is in the volume's history.

The pair keeps the digest of that version with each conflict, and nothing else is ever taken for it: merging from a
newer one would silently undo what lies between. No lock is held while the user merges; afterwards everything is
compared again, and what changed meanwhile stays as it is.
"""

from __future__ import annotations

import io
import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from mega_cli.crypto.content import content_hasher
from mega_cli.errors import IntegrityError, MissingItemError, UsageError
from mega_cli.formats.page import FILE, Entry
from mega_cli.localfs.disk import NO_EXCHANGE, Place
from mega_cli.localfs.failures import disk_failures
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync import trash
from mega_cli.sync.decisions import Conflict, changed_since, place_in, row_at, throw_away
from mega_cli.sync.local_end import TMP, LocalEnd, UnfitError
from mega_cli.sync.opened import changing, reading
from mega_cli.sync.pairs import open_pairs
from mega_cli.sync.publish import EXCHANGED
from mega_cli.system.directories import Home
from mega_cli.system.merge_tool import Versions
from mega_cli.volume.commit import open_tree
from mega_cli.volume.get import write_content
from mega_cli.volume.history import past_heads
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES

MERGE_MOST_BYTES: Final = 16 << 20
_PAST_REVISIONS: Final = 2_000
"""How far back the base is looked for: each revision costs a few pages."""


class Merging(NamedTuple):
    """A conflict of two texts, and what both were made from."""

    conflict: Conflict
    versions: Versions
    keep_hint: str

    @property
    def name(self) -> str:
        """Give the name of what has it."""
        assert self.conflict.path is not None
        return self.conflict.path.name

    def __repr__(self) -> str:
        """Show no content."""
        return "Merging(…)"


def begin_merge(home: Home, session: VolumeSession, conflict: Conflict) -> Merging:
    """Read both versions, and find what they were made from. Changes nothing.

    Raises MissingItemError when one of the three is not there, UsageError for what is no text or too large.
    """
    hint = f"mega conflicts resolve --keep both {shlex.quote(str(conflict.copy))}; or --keep local, --keep remote"
    if conflict.path is None:
        raise MissingItemError(f"what {conflict.copy.name} is a copy of is gone", hint)
    local, remote = (_text(path, hint) for path in (conflict.copy, conflict.path))
    with reading(open_pairs(home), conflict.pair) as state:
        digest = None if state is None else state.conflict_base(conflict.row.id)
    entry = None if digest is None else _find_base(session, conflict, digest)
    if entry is None:
        message = "no version is known any more that both were made from, so they cannot be merged"
        raise MissingItemError(message, f"choose: {hint}")
    if entry.size > MERGE_MOST_BYTES:
        raise _no_text(conflict.path, hint)
    base = io.BytesIO()
    write_content(session, entry, base, SilentProgress())
    return Merging(conflict, Versions(base.getvalue(), local, remote), hint)


def end_merge(home: Home, merging: Merging, merged: bytes) -> None:
    """Give the merged text the name, and put both versions into the local trash.

    Raises SafetyStopError when one of them is not what was merged any more; then both stay as they are.
    """
    conflict = merging.conflict
    assert conflict.path is not None
    with changing(home, conflict.pair) as end:
        places = place_in(conflict, conflict.copy), place_in(conflict, conflict.path)
        rows = [
            _unchanged(end, place, version)
            for place, version in zip(places, (merging.versions.local, merging.versions.remote), strict=True)
        ]
        if merged != merging.versions.remote:
            _replace(end, rows[1], places[1], merged)
        throw_away(end, places[0])
        with end.state.transaction():
            end.state.forget_conflicts([conflict.row.id])


def _text(path: Path, hint: str) -> bytes:
    """Read a text. Raises UsageError for anything else, a MegaError."""
    with disk_failures(os.fsencode(path)):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MERGE_MOST_BYTES:
            raise _no_text(path, hint)
        content = path.read_bytes()
    if b"\0" in content:
        raise _no_text(path, hint)
    return content


def _no_text(path: Path, hint: str) -> UsageError:
    message = f"{path.name} is no text of at most {MERGE_MOST_BYTES >> 20} MiB, so it cannot be merged line by line"
    return UsageError(message, f"choose: {hint}")


def _find_base(session: VolumeSession, conflict: Conflict, digest: bytes) -> Entry | None:
    """Find the newest version with this digest in the history of the two paths that the file is known by."""
    assert conflict.path is not None
    now = conflict.path.relative_to(conflict.pair.local).parts
    above = (FILES, *conflict.pair.remote.parts)
    paths = {(*above, *now), (*above, *conflict.row.path.split("/"))}
    head = session.head()
    with suppress(IntegrityError):  # the server keeps old pages for some time only
        for past in (head, *past_heads(session, head, _PAST_REVISIONS)):
            if past.body.root is None:
                continue
            tree = open_tree(session, past)
            for entry in map(tree.entry, paths):
                if entry is not None and entry.kind == FILE and entry.digest == digest:
                    return entry
    return None


def _unchanged(end: LocalEnd, place: Place, version: bytes) -> LocalRow:
    """Find the row of what was merged. Raises SafetyStopError when something else stands there, or nothing."""
    row = row_at(end.state, place)
    hasher = content_hasher()
    hasher.update(version)
    if row is None or row.node.digest != hasher.digest():
        raise changed_since()
    try:
        end.check(row, place)
    except UnfitError as error:
        raise changed_since() from error
    return row


def _replace(end: LocalEnd, row: LocalRow, place: Place, content: bytes) -> None:
    """Write a new version and exchange it with the present one, which goes into the local trash.

    The row stays what it was: so the next scan sees an edit by the user.
    """
    tmp = (*TMP, EXCHANGED + end.token())
    end.own_folder(TMP)
    with end.disk.make_file(tmp) as file:
        file.write(content)
        file.describe(row.node.mode, end.clock.now_ns())
        file.sync()
    with end.state.transaction():
        task = trash.trashing_of(end, row, place)
        end.make_names_durable()
        left: Place = tmp
        try:
            end.writing_in((TMP, place[:-1]), lambda: end.disk.exchange(tmp, place))
        except OSError as error:
            if error.errno not in NO_EXCHANGE:
                raise
            end.rename(place, task.hidden)
            end.rename(tmp, place)
            left = task.hidden
        trash.put_in_trash(end, task, left)
        end.make_names_durable()
