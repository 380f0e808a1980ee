"""Make, move, copy and remove entries: changes of the tree that upload no content.

Each is a function of the tree it is given, so that it can be applied again to a newer head; a dry run applies it to a
tree that nobody writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mega_cli.crypto import randomness
from mega_cli.errors import UsageError
from mega_cli.formats.page import EXT_RAW_NAME, EXT_TRASHED_AT, EXT_TRASHED_FROM, FOLDER, NAME_MOST_BYTES, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import existing_entry
from mega_cli.volume.commit import commit, new_folder, open_tree
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.graft import refuse_mismatch
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.requests import ChangeSummary
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, TRASH, Path, Tree, folder_ref, refuse_equal_names, shown
from mega_cli.volume.upload import Uploader

TRASHED_FROM_MOST_BYTES = 4_096
"""Of a path, in the trash: as long as any disk allows."""
Change = Callable[[Tree], int]
"""Applies itself to a tree and gives the number of items it concerned."""


def make_folder(
    session: VolumeSession, path: RemotePath, *, with_parents: bool = False, is_dry_run: bool = False
) -> ChangeSummary:
    """Make a folder; `with_parents` also makes what is missing above, and is content with a folder that exists."""

    def change(tree: Tree) -> int:
        made = 0
        target = (FILES, *path.parts)
        for depth in range(2, len(target) + 1):
            name, is_last = target[depth - 1], depth == len(target)
            parent = tree.folder(target[: depth - 1])
            existing = parent.lookup(name)
            if existing is None and (is_last or with_parents):
                parent.set(new_folder(session.device, name, changed_in=tree.revision))
                made += 1
            elif existing is not None and existing.kind != FOLDER and not is_last:
                raise UsageError(f"{shown(target[:depth])} is a file or a link, not a folder", "choose another place")
            elif existing is not None and (existing.kind != FOLDER or (is_last and not with_parents)):
                raise UsageError(f"{shown(target[:depth])} exists already", "choose another name")
        return made

    refuse_too_deep(len(path.parts))
    if path.is_root and not with_parents:
        raise UsageError("/ exists already", "choose another name")
    return apply_change(session, change, is_dry_run=is_dry_run)


def move(
    session: VolumeSession, sources: Sequence[RemotePath], destination: RemotePath, *, is_dry_run: bool = False
) -> ChangeSummary:
    """Move or rename; nodes keep their identity. A file replaces a file, which goes to the trash."""

    def change(tree: Tree) -> int:
        for path, target in _targets(tree, sources, destination):
            existing_entry(tree, path)
            if target == path:
                continue
            if target[: len(path)] == path:
                raise UsageError(f"{shown(path)} cannot be moved into itself", "choose another place")
            entry = tree.folder(path[:-1]).take(path[-1], tree.revision)
            _set(tree, target, renamed(entry, target[-1], tree.revision), session.device.now_ms())
        return len(sources)

    return apply_change(session, change, is_dry_run=is_dry_run)


def copy(
    session: VolumeSession, sources: Sequence[RemotePath], destination: RemotePath, *, is_dry_run: bool = False
) -> ChangeSummary:
    """Copy files, and folders with everything below; copies are new nodes that share their content."""

    def change(tree: Tree) -> int:
        for path, target in _targets(tree, sources, destination):
            entry = existing_entry(tree, path)
            if target[: len(path)] == path:
                raise UsageError(f"{shown(path)} cannot be copied into or over itself", "choose another place")
            twin = _twin(session, entry, tree.revision, len(target) - 1)
            _set(tree, target, renamed(twin, target[-1], tree.revision), session.device.now_ms())
        return len(sources)

    return apply_change(session, change, is_dry_run=is_dry_run)


def remove(
    session: VolumeSession, paths: Sequence[RemotePath], *, is_recursive: bool = False, is_dry_run: bool = False
) -> ChangeSummary:
    """Move entries to the trash. A folder needs `is_recursive`, empty or not."""

    def change(tree: Tree) -> int:
        for path in paths:
            target = (FILES, *path.parts)
            if path.is_root:
                raise UsageError("/ itself cannot be removed", "name what is in it: mega ls /")
            entry = existing_entry(tree, target)
            if entry.kind == FOLDER and not is_recursive:
                raise UsageError(
                    f"{shown(target)} is a folder", f"to remove it and what is in it: mega rm -r {shown(target)}"
                )
            entry = tree.folder(target[:-1]).take(entry.name, tree.revision)
            throw_away(tree, entry, target, session.device.now_ms())
        return len(paths)

    return apply_change(session, change, is_dry_run=is_dry_run)


def apply_change(session: VolumeSession, change: Change, *, is_dry_run: bool) -> ChangeSummary:
    """Apply a change and commit it, or apply it to a tree that nobody writes."""
    items = 0

    def counted(tree: Tree) -> None:
        nonlocal items
        items = change(tree)

    if is_dry_run:
        counted(open_tree(session, session.head()))
        return ChangeSummary(items, None)
    with Uploader(session.client, session.keys.volume, lambda _facts: None) as uploader:
        revision = commit(session, counted, uploader)
    return ChangeSummary(items, revision)


def _targets(tree: Tree, sources: Sequence[RemotePath], destination: RemotePath) -> list[tuple[Path, Path]]:
    """Pair each source with its target: an existing folder receives sources under their names, as `cp` and `mv` do."""
    target = (FILES, *destination.parts)
    existing = tree.entry(target)
    is_folder = existing is not None and existing.kind == FOLDER
    if len(sources) > 1 and not is_folder:
        raise UsageError(f"{shown(target)} is no folder; several sources need one", f"mega mkdir -p {shown(target)}")
    if is_folder:
        refuse_equal_names(source.name for source in sources)
    else:
        tree.folder(target[:-1])
    pairs = []
    for source in sources:
        if source.is_root:
            raise UsageError("/ itself cannot be moved or copied", "name what is in it: mega ls /")
        path = (FILES, *source.parts)
        pairs.append((path, (*target, source.name) if is_folder else target))
    return pairs


def _set(tree: Tree, target: Path, entry: Entry, now_ms: int) -> None:
    """Let `entry` stand at `target`; a file that it replaces goes to the trash."""
    parent = tree.folder(target[:-1])
    existing = parent.lookup(target[-1])
    if existing is not None:
        refuse_mismatch(existing, is_folder=entry.kind == FOLDER, path=target)
        if existing.kind == FOLDER:
            raise UsageError(f"{shown(target)} exists already", "choose another name, or remove that folder first")
        throw_away(tree, existing, target, now_ms)
    parent.set(entry)


def throw_away(tree: Tree, entry: Entry, path: Path, now_ms: int) -> None:
    """Let an entry stand in the trash, with the path and time it was removed (`docs/formats/folders.md`)."""
    trash = tree.folder((TRASH,))
    while trash.lookup(name := _trash_name(entry, now_ms)) is not None:
        now_ms += 1  # two of one name, at one moment, whose node_ids begin alike: neither takes the other's place
    ext = {**entry.ext, EXT_TRASHED_FROM: _trashed_from(path), EXT_TRASHED_AT: now_ms.to_bytes(8)}
    trash.set(entry.replace(name=name, changed_in=tree.revision, ext=ext))


def _trash_name(entry: Entry, now_ms: int) -> str:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ms // 1000)) + f"{now_ms % 1000:03}"
    stem = f"{stamp}-{entry.node_id[:4].hex()}-"
    return stem + entry.name.encode()[: NAME_MOST_BYTES - len(stem)].decode(errors="ignore")


def _trashed_from(path: Path) -> bytes:
    """Write where something was; of a path that no entry could hold, the last whole names."""
    raw = "/".join(path[1:]).encode()
    if len(raw) <= TRASHED_FROM_MOST_BYTES:
        return raw
    tail = raw[-TRASHED_FROM_MOST_BYTES - 1 :]
    return tail[tail.index(b"/") + 1 :]


def renamed(entry: Entry, name: str, revision: int) -> Entry:
    """Give an entry its name in a new place; the exact disk name belongs to the old name and goes with it."""
    kept = entry.ext if name == entry.name else {key: value for key, value in entry.ext.items() if key != EXT_RAW_NAME}
    return entry.replace(name=name, changed_in=revision, ext=kept)


def _twin(session: VolumeSession, entry: Entry, revision: int, depth: int) -> Entry:
    """Copy an entry as a new node; a folder's pages are written anew, because node_ids are unique in a volume.

    Raises LimitError for folders too deep in one another; `depth` is where the copy will lie.
    """
    changes: dict[str, object] = {"node_id": randomness.random_bytes(16), "changed_in": revision}
    if entry.kind == FOLDER and entry.refs:
        refuse_too_deep(depth)
        children = PageTree(session.pages, folder_ref(entry)).entries()
        twins = {child.name: _twin(session, child, revision, depth + 1) for child in children}
        ref = PageTree(session.pages, None).edit(twins)
        changes["refs"] = b"" if ref is None else ref.pack()
    return entry.replace(**changes)
