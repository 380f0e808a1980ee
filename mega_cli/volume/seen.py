"""What a put saw in the volume and left as it was, so that a commit to a newer head can ask whether it still is so.

A put decides on the head it walked; what it writes is right on any later head, what it left alone may not be. One
record a folder: the ref it had, and eight bytes for each entry that was found equal. It never decides what to write.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from mega_cli.formats.page import FOLDER, Entry
from mega_cli.volume.graft import PlanOutdatedError
from mega_cli.volume.pagetree import PageStore, PageTree
from mega_cli.volume.tree import Path, Tree, folder_ref


def _no_names() -> array[int]:
    return array("q")


@dataclass(slots=True)
class SeenFolder:
    """A folder that was there at the walk, as it was then."""

    path: Path
    entry_then: Entry
    stays_described: bool
    """The put leaves its mode and time as they are."""
    equal: array[int] = field(default_factory=_no_names)
    """The hashes of the names whose entries were found equal: two of one hash cost at most one more walk."""

    def keep(self, name: str) -> None:
        """Note that the put found the entry of this name equal, and leaves it."""
        self.equal.append(hash(name))


def check_seen(store: PageStore, tree: Tree, seen: Sequence[SeenFolder]) -> None:
    """Compare with a newer tree what the put left as it was; `seen` lists parents before children.

    Raises PlanOutdatedError for the first difference. A folder whose ref is the same costs one look-up, and what lies
    below it nothing.
    """
    unchanged: Path | None = None
    for folder in seen:
        if unchanged is not None and folder.path[: len(unchanged)] == unchanged:
            continue
        then, now = folder.entry_then, tree.entry(folder.path)
        if now is None or now.kind != FOLDER or (folder.stays_described and _description(now) != _description(then)):
            raise PlanOutdatedError
        if now.refs == then.refs:
            unchanged = folder.path
        elif folder.equal:
            _check_entries(store, folder, now)


def _check_entries(store: PageStore, folder: SeenFolder, now: Entry) -> None:
    """Raise PlanOutdatedError when an entry that was found equal is another now, or gone."""
    equal = frozenset(folder.equal)
    before = PageTree(store, folder_ref(folder.entry_then)).entries()
    wanted = {entry.name: _described(entry) for entry in before if hash(entry.name) in equal}
    for entry in PageTree(store, folder_ref(now)).entries():
        if entry.name in wanted and _described(entry) != wanted.pop(entry.name):
            raise PlanOutdatedError
    if wanted:
        raise PlanOutdatedError


def _described(entry: Entry) -> tuple[object, ...]:
    """Pick what a put compares of a file or link."""
    return entry.kind, entry.size, entry.digest, entry.target, *_description(entry)


def _description(entry: Entry) -> tuple[object, ...]:
    """Pick what a put compares of a folder."""
    return entry.mode, entry.mtime_ns, entry.ext
