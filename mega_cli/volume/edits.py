"""Edit a folder of a tree node by node: many moves, changes and removals at once, circles of moves included.

What moves or goes is taken out first, the deepest first, with all that stays in it; then everything is put in its
place, the highest first, onto free names only. So no order of the edits matters, and nothing is ever replaced. The cost
follows the edits and their depth. Nothing here decides what should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mega_cli.errors import SafetyStopError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.volume.changes import throw_away
from mega_cli.volume.tree import Path, Tree, shown

Make = Callable[[Entry | None], Entry]
"""Makes the entry to stand, name included, from the one that was there."""


class NodeEdit(NamedTuple):
    """What happens to one node; paths begin at the edited folder.

    `before` is None for a new one, `after` for one that is removed.
    """

    node_id: bytes
    before: Path | None
    after: Path | None
    make: Make

    def __repr__(self) -> str:
        """Show no name."""
        return f"NodeEdit({self.node_id.hex()[:8]})"


def apply_edits(tree: Tree, top: Path, edits: Sequence[NodeEdit], now_ms: int) -> bool:
    """Apply edits to the folder at `top`; what is removed goes to the trash, a folder with all in it as one entry.

    A folder to be removed that holds what no edit names stays, with those above it, unless they move; True says that
    there was one. Raises SafetyStopError, leaving the tree half edited, when an edit does not find its node or finds
    its place taken.
    """
    before = {edit.before: edit for edit in edits if edit.before is not None}
    for edit in before.values():
        _check_there(tree, top, edit)
    kept = _kept_folders(tree, top, before)
    taken = _taken(before, kept)
    entries: dict[bytes, Entry] = {}
    for edit in sorted(taken, key=lambda edit: len(edit.before or ()), reverse=True):
        assert edit.before is not None
        path = (*top, *edit.before)
        entry = tree.folder(path[:-1]).take(path[-1], tree.revision)
        if edit.after is None:
            throw_away(tree, entry, path, now_ms)
        else:
            entries[edit.node_id] = entry
    for edit in sorted(edits, key=lambda edit: len(edit.after or ())):
        if edit.after is not None:
            comes_in = edit.before is None or edit.node_id in entries
            _stand(tree, (*top, *edit.after), edit, entries.get(edit.node_id), comes_in=comes_in)
    return bool(kept)


def _check_there(tree: Tree, top: Path, edit: NodeEdit) -> None:
    """Require that the node stands where the edit says."""
    assert edit.before is not None
    entry = tree.entry((*top, *edit.before))
    if entry is None or entry.node_id != edit.node_id:
        raise misfit()


def _kept_folders(tree: Tree, top: Path, before: dict[Path, NodeEdit]) -> set[Path]:
    """Find the folders that cannot be removed: something in them is to stay where it is."""
    kept: set[Path] = set()
    removed = [path for path, edit in before.items() if edit.after is None]
    for path in sorted(removed, key=len, reverse=True):
        entry = tree.entry((*top, *path))
        if entry is None or entry.kind != FOLDER or not entry.refs:
            continue
        for child in tree.folder((*top, *path)).entries():
            below = (*path, child.name)
            if below not in before or below in kept:
                kept.add(path)
                break
    return kept


def _taken(before: dict[Path, NodeEdit], kept: Iterable[Path]) -> list[NodeEdit]:
    """Choose what is taken out: what moves, by itself or with a folder above, and the tops of what is removed."""
    taken: dict[Path, NodeEdit] = {}
    stays = set(kept)
    for path in sorted(before, key=len):
        edit = before[path]
        if edit.after is None:
            above = before.get(path[:-1])
            goes_with_its_folder = above is not None and above.after is None and path[:-1] not in stays
            if path not in stays and not goes_with_its_folder:
                taken[path] = edit
        elif edit.after != path or any(path[:depth] in taken for depth in range(1, len(path))):
            taken[path] = edit
    return list(taken.values())


def _stand(tree: Tree, path: Path, edit: NodeEdit, entry: Entry | None, *, comes_in: bool) -> None:
    """Let a node stand in its place."""
    above = tree.entry(path[:-1])
    if above is None or above.kind != FOLDER:
        raise misfit()
    parent = tree.folder(path[:-1])
    there = parent.lookup(path[-1])
    if not comes_in:
        if there is None or there.node_id != edit.node_id:
            raise misfit()
        parent.set(edit.make(there))
        return
    if there is not None:
        raise SafetyStopError(
            f"{shown(path)} holds something that this device cannot see, so nothing else can take its place",
            f"to see it: mega ls {shown(path)}",
        )
    parent.set(edit.make(entry))


def misfit() -> SafetyStopError:
    """Make the error for edits that were made for another folder than the one they are applied to."""
    return SafetyStopError(
        "what this device remembers of the folder in the volume does not fit what is there, so nothing was changed",
        "to compare both sides anew, deleting nothing: mega syncs rm ID, then the same mega sync again",
    )
