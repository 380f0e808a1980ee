"""`mega find`: look for files, folders and links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mega_cli.options.amounts import MOMENT, SIZE_RANGE, SizeRange
from mega_cli.options.command import declare
from mega_cli.options.link import WHERE, visiting_options
from mega_cli.output.console import Console
from mega_cli.output.listing import entry_fields
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import RemotePath
from mega_cli.share.places import Visiting, Where, open_files
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import Files, listed, walk_path
from mega_cli.volume.find import Conditions
from mega_cli.volume.requests import Listed


@declare(
    "find",
    examples=(
        "mega find / --name '*.txt' --newer 30d",
        "mega find /sample --type f --size +1K --print0 | xargs -0 echo",
    ),
)
@click.argument("path", type=WHERE, default="/")
@click.option("--name", metavar="GLOB", help="The last name matches this shell pattern; quote it.")
@click.option("--type", "kind", type=click.Choice(["f", "d", "l"]), help="Files, folders (d) or links alone.")
@click.option(
    "--size", "size", type=SIZE_RANGE, metavar="SIZE", help="Files of more than +1M, less than -10K, or exactly."
)
@click.option("--newer", "newer_ns", type=MOMENT, metavar="WHEN", help="Changed after: 2d (ago), 2026-01-31, RFC 3339.")
@click.option("--older", "older_ns", type=MOMENT, metavar="WHEN", help="Changed before.")
@click.option("--print0", "ends_with_nul", is_flag=True, help="Exact paths, each ended by a NUL, for xargs -0.")
@visiting_options
def command(
    console: Console,
    path: Where,
    visiting: Visiting,
    size: SizeRange | None,
    *,
    ends_with_nul: bool,
    **wanted: Any,  # noqa: ANN401 -- the other conditions, each of its own type
) -> None:
    """Look for files, folders and links.

    Prints the path of everything below PATH (/ when it is left out) for which all conditions hold. PATH may be a link,
    LINK or LINK:/PATH; paths then begin below it.
    """
    least_bytes, most_bytes = size or (None, None)
    conditions = Conditions(least_bytes=least_bytes, most_bytes=most_bytes, **wanted)
    with open_files(open_home(), path, visiting, spoken_waits(console)) as (files, below):
        found = find(files, below, conditions)
        if console.is_json:
            console.listing({"path": str(below)}, "entries", map(entry_fields, found))
        elif ends_with_nul:
            console.exact((entry.path for entry in found), end="\0")
        else:
            console.result(entry.path for entry in found)


def find(files: Files, path: RemotePath, conditions: Conditions) -> Iterator[Listed]:
    """Yield what meets the conditions, under its whole path."""
    prefix = "" if path.is_root else str(path)
    for step in walk_path(files, path):
        if conditions.match(step.entry):
            yield listed(step.entry, f"{prefix}/{step.path}" if step.depth else str(path))
