"""How one entry of a listing is written: a line for people, an object for programs."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from typing import Final

from mega_cli.output.units import moment_text, rfc3339, short_size_text
from mega_cli.volume.requests import Listed

KIND_NAMES: Final = {"f": "file", "d": "folder", "l": "link"}
_TYPES: Final = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK}


def shown_name(entry: Listed) -> str:
    """Write an entry's path; a folder's ends with a slash."""
    return f"{entry.path}/" if entry.kind == "d" else entry.path


def size_writer(*, is_human: bool) -> Callable[[int], str]:
    """Choose how sizes are written: `-h`, or plain bytes."""
    return short_size_text if is_human else str


def long_line(entry: Listed, size_text: Callable[[int], str]) -> str:
    """Write mode, size, time and name in columns; a link shows where it points."""
    mode = stat.filemode(_TYPES.get(entry.kind, 0) | entry.mode)
    target = f" -> {entry.target}" if entry.kind == "l" else ""
    size = "-" if entry.kind == "d" else size_text(entry.size_bytes)
    return f"{mode} {size:>12} {moment_text(entry.mtime_ns):<16} {shown_name(entry)}{target}"


def entry_fields(entry: Listed) -> Mapping[str, object]:
    """Build the JSON object of an entry."""
    return {
        "path": entry.path,
        "kind": KIND_NAMES.get(entry.kind, "unknown"),
        "size_bytes": entry.size_bytes,
        "mtime": rfc3339(entry.mtime_ns),
        "mtime_ns": entry.mtime_ns,
        "mode": entry.mode,
        "target": entry.target,
        "node_id": entry.node_id.hex(),
    }
