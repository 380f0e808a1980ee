"""`mega du`: how much folders hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from mega_cli.errors import UsageError
from mega_cli.options.command import declare, human_option
from mega_cli.options.link import WHERE, visiting_options
from mega_cli.output.console import Console
from mega_cli.output.listing import size_writer
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import ROOT, RemotePath
from mega_cli.share.places import Visiting, Where, open_all
from mega_cli.system.directories import open_home
from mega_cli.volume.browse import Files
from mega_cli.volume.usage import Usage, path_usage


@declare("du", examples=("mega du -h -d 1 /", "mega du -s --json /sample"))
@click.argument("paths", nargs=-1, type=WHERE, metavar="[PATH]...")
@human_option
@click.option("-s", "--summarize", "is_summary", is_flag=True, help="Print one line for each PATH alone.")
@click.option(
    "-d", "--max-depth", "most_depth", type=click.IntRange(min=0), metavar="N", help="Print N levels of folders."
)
@visiting_options
def command(
    console: Console,
    paths: tuple[Where, ...],
    most_depth: int | None,
    visiting: Visiting,
    *,
    is_human: bool,
    is_summary: bool,
) -> None:
    """Show how much folders hold.

    PATH is / when it is left out; it may be a link, LINK or LINK:/PATH. Sizes are those of the files as you see them;
    what the server stores is less where contents repeat or compress, and more for what history and the trash keep: see
    mega df.
    """
    if is_summary and most_depth:
        raise UsageError("-s prints no folders below PATH, and -d asks for some", "give one of the two")
    shown_depth = 0 if is_summary else most_depth
    with open_all(open_home(), paths or (ROOT,), visiting, spoken_waits(console)) as places:
        found = usages(places, shown_depth)
        if console.is_json:
            console.listing({}, "folders", map(usage_fields, found))
        else:
            size_text = size_writer(is_human=is_human)
            console.result(f"{size_text(usage.size_bytes):>12}  {usage.path}" for usage in found)


def usages(places: Sequence[tuple[Files, RemotePath]], most_depth: int | None) -> Iterator[Usage]:
    """Yield what is to be printed: folders down to `most_depth` (None: all), each after those in it."""
    for files, path in places:
        for usage in path_usage(files, path):
            if most_depth is None or usage.depth <= most_depth:
                yield usage


def usage_fields(usage: Usage) -> Mapping[str, object]:
    """Build the JSON object of a folder."""
    return {
        "path": usage.path,
        "size_bytes": usage.size_bytes,
        "files": usage.files,
        "folders": usage.folders,
        "depth": usage.depth,
    }
