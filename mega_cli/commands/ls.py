"""`mega ls`: list a folder."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping

import click

from mega_cli.account import open_volume
from mega_cli.options.command import declare
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import moment_text, rfc3339, short_size_text
from mega_cli.paths.remote import RemotePath
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import list_path
from mega_cli.volume.requests import Listed

_KINDS = {"f": ("file", stat.S_IFREG), "d": ("folder", stat.S_IFDIR), "l": ("link", stat.S_IFLNK)}


@declare("ls", examples=("mega ls -lh /", "mega ls --recursive --json /sample"))
@click.argument("path", type=REMOTE_PATH, default="/")
@click.option("-l", "is_long", is_flag=True, help="Show mode, size and time.")
@click.option("-h", "--human", "is_human", is_flag=True, help="With -l: sizes in K, M, G, T.")
@click.option("-r", "--recursive", "is_recursive", is_flag=True, help="List all folders below.")
def command(console: Console, path: RemotePath, *, is_long: bool, is_human: bool, is_recursive: bool) -> None:
    """List a folder.

    PATH is / when it is left out. A folder's name ends with a slash.
    """
    with open_volume(open_home(), spoken_waits(console)) as session:
        listing = list_path(session, path, is_recursive=is_recursive)
        if console.is_json:
            console.document({"path": str(path), "entries": [fields(entry) for entry in listing]})
        elif is_long:
            size_text: Callable[[int], str] = short_size_text if is_human else str
            console.result(long_line(entry, size_text) for entry in listing)
        else:
            console.result(shown_name(entry) for entry in listing)


def shown_name(entry: Listed) -> str:
    """Write an entry's path; a folder's ends with a slash."""
    return f"{entry.path}/" if entry.kind == "d" else entry.path


def long_line(entry: Listed, size_text: Callable[[int], str]) -> str:
    """Write mode, size, time and name in columns; a link shows where it points."""
    mode = stat.filemode(_KINDS[entry.kind][1] | entry.mode)
    target = f" -> {entry.target}" if entry.kind == "l" else ""
    size = "-" if entry.kind == "d" else size_text(entry.size_bytes)
    return f"{mode} {size:>12} {moment_text(entry.mtime_ns):<16} {shown_name(entry)}{target}"


def fields(entry: Listed) -> Mapping[str, object]:
    """Build the JSON object of an entry."""
    return {
        "path": entry.path,
        "kind": _KINDS[entry.kind][0],
        "size_bytes": entry.size_bytes,
        "mtime": rfc3339(entry.mtime_ns),
        "mtime_ns": entry.mtime_ns,
        "mode": entry.mode,
        "target": entry.target,
        "node_id": entry.node_id.hex(),
    }
