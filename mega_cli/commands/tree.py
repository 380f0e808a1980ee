"""`mega tree`: draw what lies below a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from mega_cli.options.command import declare, human_option
from mega_cli.options.link import WHERE, visiting_options
from mega_cli.output.console import Console
from mega_cli.output.listing import entry_fields
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import counted, short_size_text
from mega_cli.share.places import Visiting, Where, open_files
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import listed, walk_path
from mega_cli.volume.walk import Step


@declare("tree", examples=("mega tree -L 2 /", "mega tree --json /sample"))
@click.argument("path", type=WHERE, default="/")
@click.option("-L", "--depth", "depth", type=click.IntRange(min=1), help="Draw so many levels of folders.")
@human_option
@visiting_options
def command(console: Console, path: Where, depth: int | None, visiting: Visiting, *, is_human: bool) -> None:
    """Draw what lies below a folder.

    PATH is / when it is left out; it may be a link, LINK or LINK:/PATH. -h shows the sizes of files.
    """
    with open_files(open_home(), path, visiting, spoken_waits(console)) as (files, below):
        steps = walk_path(files, below, most_depth=depth)
        if console.is_json:
            console.listing(
                {"path": str(below)}, "entries", (entry_fields(listed(step.entry, step.path)) for step in steps)
            )
        else:
            console.result(str(below))
            console.result(drawn(steps, is_human=is_human))


def drawn(steps: Iterable[Step], *, is_human: bool) -> Iterator[str]:
    """Write a line for each entry, as `tree` does, and a last line of counts."""
    files = folders = 0
    columns: list[str] = []
    for step in steps:
        entry = step.entry
        folders, files = folders + (entry.kind == "d"), files + (entry.kind != "d")
        del columns[step.depth - 1 :]
        size = f"[{short_size_text(entry.size)}] " if is_human and entry.kind == "f" else ""
        end = {"d": "/", "l": f" -> {entry.target}"}.get(entry.kind, "")
        yield f"{''.join(columns)}{'└── ' if step.is_last else '├── '}{size}{entry.name}{end}"
        columns.append("    " if step.is_last else "│   ")
    yield ""
    yield f"{counted(folders, 'folder')}, {counted(files, 'file')}"
