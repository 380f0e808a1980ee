"""Compare two folders as a round trip must leave them: content, kinds, modes, links and nanosecond mtimes.

It only reads. Items that only the second folder has are counted and are no difference: a store keeps what its source
has lost. Special files are left out, as a put leaves them out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from mega_cli.localfs.scan import ScannedEntry, list_folder

_READ_BYTES = 1024 * 1024


@dataclass(slots=True)
class Comparison:
    """What was compared, and each difference as (path below the folder, what differs)."""

    files: int = 0
    folders: int = 0
    links: int = 0
    content_bytes: int = 0
    only_in_copy: int = 0
    differences: list[tuple[str, str]] = field(default_factory=list)


def compare_folders(source: str, copy: str, *, but: bytes = b"") -> Comparison:
    """Compare `copy` with `source`, all the way down. Raises OSError or MegaError for what cannot be read.

    `but`: a name at the top that is left out.
    """
    found = Comparison()
    folders = [(os.fsencode(source), os.fsencode(copy), "")]
    while folders:
        source_folder, copy_folder, path = folders.pop()
        copies = {entry.disk_name: entry for entry in list_folder(copy_folder)}
        for entry in list_folder(source_folder):
            there = copies.pop(entry.disk_name, None)
            if entry.kind == "special" or (not path and entry.disk_name == but):
                continue
            shown = path + entry.name
            for difference in _differences(entry, there, source_folder, copy_folder):
                found.differences.append((shown, difference))
            _count(found, entry)
            if entry.kind == "d" and there is not None and there.kind == "d":
                below = (os.path.join(folder, entry.disk_name) for folder in (source_folder, copy_folder))  # noqa: PTH118 -- bytes
                folders.append((*below, shown + "/"))  # type: ignore[arg-type]  # two of them
        found.only_in_copy += len(copies)
    return found


def _count(found: Comparison, entry: ScannedEntry) -> None:
    if entry.kind == "d":
        found.folders += 1
    elif entry.kind == "l":
        found.links += 1
    else:
        found.files += 1
        found.content_bytes += entry.stat.size


def _differences(
    entry: ScannedEntry, there: ScannedEntry | None, source_folder: bytes, copy_folder: bytes
) -> Iterator[str]:
    """Say everything in which one item differs from its copy."""
    if there is None:
        yield "is missing"
        return
    if entry.kind != there.kind:
        yield "is of another kind"
        return
    if entry.kind == "l":
        if entry.target != there.target:
            yield "points elsewhere"
        return
    if entry.stat.mode != there.stat.mode:
        yield f"has mode {there.stat.mode:o} instead of {entry.stat.mode:o}"
    if entry.stat.mtime_ns != there.stat.mtime_ns:
        yield f"has mtime {there.stat.mtime_ns} instead of {entry.stat.mtime_ns}"
    if entry.kind == "f" and not _same_content(
        os.path.join(source_folder, entry.disk_name),  # noqa: PTH118 -- bytes
        os.path.join(copy_folder, entry.disk_name),  # noqa: PTH118 -- bytes
    ):
        yield "has other content"


def _same_content(one: bytes, other: bytes) -> bool:
    """Read both files side by side, in reused buffers."""
    ours, theirs = bytearray(_READ_BYTES), bytearray(_READ_BYTES)
    with open(one, "rb") as first, open(other, "rb") as second:  # noqa: PTH123 -- bytes
        while True:
            size_bytes = first.readinto(ours)
            if size_bytes != second.readinto(theirs) or ours[:size_bytes] != theirs[:size_bytes]:
                return False
            if not size_bytes:
                return True
