"""The trash: what lies there, back to where it came from, and emptied (`docs/formats/folders.md`).

Nothing here erases content: an entry that leaves the trash stays in history until a sweep. What an entry says of its
origin was written by some device of this account; it is parsed like a typed path, so it cannot leave the root.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mega_cli.errors import LimitError, MissingItemError, UsageError
from mega_cli.formats.page import EXT_TRASHED_AT, EXT_TRASHED_FROM, FOLDER, Entry
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import apply_change, renamed
from mega_cli.volume.commit import new_folder, open_tree
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagestore import SealedPages
from mega_cli.volume.requests import ChangeSummary, Problem
from mega_cli.volume.session import Device, VolumeSession
from mega_cli.volume.tree import FILES, TRASH, Path, Tree, shown
from mega_cli.volume.usage import total_usage

_ID: Final = re.compile(r"\d{8}T\d{9}-[0-9a-f]{8}(?=-)")
_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True, repr=False)
class Trashed:
    """One entry of the trash."""

    entry: Entry

    @property
    def id(self) -> str:
        """What people call it: moment and node, the beginning of its name; the whole name of one that is not ours."""
        found = _ID.match(self.entry.name)
        return found[0] if found else self.entry.name

    @property
    def origin(self) -> RemotePath | None:
        """Where it lay; None when that is not told, or is no path."""
        try:
            path = RemotePath.parse(self.entry.ext.get(EXT_TRASHED_FROM, b"").decode())
        except (UnicodeDecodeError, UsageError, LimitError):
            return None
        return None if path.is_root else path

    @property
    def removed_ms(self) -> int:
        """When it was removed, in milliseconds since 1970; 0 when that is not told."""
        raw = self.entry.ext.get(EXT_TRASHED_AT, b"")
        return int.from_bytes(raw) if len(raw) == _TIME_BYTES else 0

    def size_bytes(self, pages: SealedPages) -> int:
        """Add up what it holds. Raises LimitError where a walk does."""
        return total_usage(pages, "", self.entry).size_bytes


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What a restore did. `restored` are the paths where entries stand now."""

    restored: tuple[str, ...]
    problems: tuple[Problem, ...]
    revision: int | None


def list_trash(session: VolumeSession) -> Iterator[Trashed]:
    """Yield what is in the trash, the oldest first."""
    tree = open_tree(session, session.head())
    return map(Trashed, tree.folder((TRASH,)).entries())


def trash_entry(session: VolumeSession, tree: Tree) -> Entry:
    """Give the trash itself, as a folder's entry."""
    return tree.entry((TRASH,)) or new_folder(session.device, TRASH)


def restore(
    session: VolumeSession, words: Sequence[str], destination: RemotePath | None = None, *, is_dry_run: bool = False
) -> RestoreSummary:
    """Let entries stand where they came from, or in or as `destination`; missing folders above are made.

    Each word is an id or a former path. What cannot stand where it should is a problem, and the others are restored,
    all in one commit. Raises MissingItemError for a word that names nothing, UsageError for a path that names several,
    both before anything is changed.
    """
    restored: list[str] = []
    problems: list[Problem] = []

    def change(tree: Tree) -> int:
        restored.clear()
        problems.clear()
        chosen = _chosen(tree.folder((TRASH,)).entries(), words)
        is_folder = destination is not None and _is_folder(tree, (FILES, *destination.parts))
        if destination is not None and len(chosen) > 1 and not is_folder:
            raise UsageError(f"{destination} is no folder; several need one", f"mega mkdir -p {destination}")
        for trashed in chosen:
            path = ""
            try:
                target = _target(trashed, destination, is_folder=is_folder)
                path = shown(target)
                _stand(session.device, tree, trashed, target)
            except (UsageError, LimitError) as error:
                problems.append(Problem(path or trashed.id, error.message))
            else:
                restored.append(path)
        return len(restored)

    summary = apply_change(session, change, is_dry_run=is_dry_run)
    return RestoreSummary(tuple(restored), tuple(problems), summary.revision)


def empty(session: VolumeSession, names: Collection[str], *, is_dry_run: bool = False) -> ChangeSummary:
    """Take entries out of the trash by their names there, in one commit; one that is gone already is no error."""

    def change(tree: Tree) -> int:
        trash = tree.folder((TRASH,))
        gone = [entry.name for entry in trash.entries() if entry.name in names]
        for name in gone:
            trash.remove(name)
        return len(gone)

    return apply_change(session, change, is_dry_run=is_dry_run)


def _chosen(entries: Iterator[Entry], words: Sequence[str]) -> list[Trashed]:
    """Find what each word means, each entry once."""
    every = [Trashed(entry) for entry in entries]
    chosen: dict[str, Trashed] = {}
    for word in words:
        found = [trashed for trashed in every if word in (trashed.id, trashed.entry.name)]
        if not found:
            path = RemotePath.parse(word)
            found = [trashed for trashed in every if trashed.origin == path]
        if not found:
            raise MissingItemError(f"nothing in the trash is called or came from {word}", "mega trash ls")
        if len(found) > 1:
            ids = " ".join(trashed.id for trashed in found)
            raise UsageError(
                f"{len(found)} entries in the trash came from {word}: {ids}", f"mega trash restore {found[-1].id}"
            )
        chosen[found[0].entry.name] = found[0]
    return list(chosen.values())


def _target(trashed: Trashed, destination: RemotePath | None, *, is_folder: bool) -> Path:
    origin = trashed.origin
    if destination is None or is_folder:
        if origin is None:
            raise UsageError("where it came from is not known; restore it with --to PATH")
        return (FILES, *(origin.parts if destination is None else (*destination.parts, origin.name)))
    if destination.is_root:
        raise UsageError("/ itself cannot be replaced")
    return (FILES, *destination.parts)


def _stand(device: Device, tree: Tree, trashed: Trashed, target: Path) -> None:
    """Take an entry out of the trash and let it stand at `target`. Raises UsageError, LimitError; then it stays."""
    refuse_too_deep(len(target) - 1)
    for depth in range(2, len(target)):
        above = tree.entry(target[:depth])
        if above is not None and above.kind != FOLDER:
            raise UsageError(f"{shown(target[:depth])} is a file, so nothing can lie in it; restore it with --to PATH")
    if tree.entry(target) is not None:
        raise UsageError("something is there already; move that away, or restore it with --to PATH")
    folder = tree.folder((FILES,))
    for name in target[1:-1]:
        if folder.lookup(name) is None:
            folder.set(new_folder(device, name, changed_in=tree.revision))
        below = folder.open(name)
        assert below is not None, "a folder stands there, or was just made"
        folder = below
    entry = tree.folder((TRASH,)).take(trashed.entry.name, tree.revision)
    origin = trashed.origin
    kept = {key: value for key, value in entry.ext.items() if key not in (EXT_TRASHED_FROM, EXT_TRASHED_AT)}
    was = entry.replace(name=origin.name if origin else entry.name, ext=kept)
    folder.set(renamed(was, target[-1], tree.revision))


def _is_folder(tree: Tree, path: Path) -> bool:
    if len(path) == 1:
        return True
    entry = tree.entry(path)
    return entry is not None and entry.kind == FOLDER
