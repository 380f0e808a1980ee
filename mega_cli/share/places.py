"""What a reading command reads: one's own files, or those of a link, which need no account.

It never lets a link's URL, secret or password near a message, and closes what it opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from mega_cli.account import connection, open_volume
from mega_cli.api.client import ServerClient
from mega_cli.api.pace import Pace
from mega_cli.errors import UsageError
from mega_cli.formats.page import Entry
from mega_cli.model import Network, Secret
from mega_cli.paths.names import printable
from mega_cli.paths.remote import RemotePath
from mega_cli.share.visit import LinkAddress, Visit, visit
from mega_cli.state.seen_links import SeenLinks
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home
from mega_cli.volume.browse import Files
from mega_cli.volume.get import get_entries
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import GetOptions, GetSummary
from mega_cli.volume.tree import refuse_equal_names

Where = RemotePath | LinkAddress
"""What a command was told to read: a path of one's own, or something in a link."""


@dataclass(frozen=True, slots=True)
class Visiting:
    """How links are visited: the network, and who is asked for a password."""

    network: Network
    ask_password: Callable[[], Secret] = field(repr=False)


@contextmanager
def open_visit(
    home: Home, address: LinkAddress, visiting: Visiting, progress: Progress, pace: Pace | None = None
) -> Iterator[Visit]:
    """Open a link for a block."""

    def connect(server_url: str, token: Secret) -> ServerClient:
        return connection.connect(server_url, visiting.network, token=token, on_wait=progress.waiting, pace=pace)

    with SeenLinks(home.directories.seen_links_file) as seen:
        opened = visit(address.url, connect, visiting.ask_password, seen, SystemClock().now_ms())
    with opened:
        yield opened


@contextmanager
def open_files(
    home: Home, where: Where, visiting: Visiting, progress: Progress, pace: Pace | None = None
) -> Iterator[tuple[Files, RemotePath]]:
    """Open what `where` lies in, for a block, and give the path in it."""
    if isinstance(where, LinkAddress):
        with open_visit(home, where, visiting, progress, pace) as opened:
            yield opened, where.path
    else:
        with open_volume(home, progress, pace) as session:
            yield session, where


@contextmanager
def open_all(
    home: Home, places: Sequence[Where], visiting: Visiting, progress: Progress, pace: Pace | None = None
) -> Iterator[list[tuple[Files, RemotePath]]]:
    """Open what each of `places` lies in, one's own volume once."""
    with ExitStack() as stack:
        own: Files | None = None
        found: list[tuple[Files, RemotePath]] = []
        for where in places:
            if isinstance(where, LinkAddress):
                found.append(stack.enter_context(open_files(home, where, visiting, progress, pace)))
            else:
                own = own or stack.enter_context(open_volume(home, progress, pace))
                found.append((own, where))
        yield found


def get_links(
    home: Home,
    addresses: Sequence[LinkAddress],
    visiting: Visiting,
    destination: str,
    options: GetOptions,
    progress: Progress,
    pace: Pace | None = None,
) -> GetSummary:
    """Fetch what links name, one after the other, as `mega_cli.volume.get` does; several need a folder.

    Raises as `visit` and `get_entries` do.
    """
    if options.with_trash:
        raise UsageError("a link has no trash; --with-trash is for the whole of your own files", "leave it away")
    if len(addresses) > 1 and not Path(destination).is_dir():
        place = printable(destination)
        raise UsageError(f"{place} is no folder; several links need one", f"mkdir {place}")
    summaries = []
    names: list[str] = []
    for address in addresses:
        with open_visit(home, address, visiting, progress, pace) as opened:
            entry: Entry = opened.entry_at(address.path)
            names.append(entry.name)
            refuse_equal_names(names)
            found = [(opened.called(address.path), entry)]
            summaries.append(get_entries(opened, found, destination, options, progress))
    return _added_up(summaries)


def _added_up(summaries: Sequence[GetSummary]) -> GetSummary:
    """Add up what several gets did; the first safety stop speaks for all."""
    if len(summaries) == 1:
        return summaries[0]
    columns = {field.name: [getattr(summary, field.name) for summary in summaries] for field in fields(GetSummary)}
    problems = tuple(problem for summary in summaries for problem in summary.problems)
    stop = next(filter(None, columns["safety_stop"]), "")
    counts = {name: sum(values) for name, values in columns.items() if name not in ("problems", "safety_stop")}
    return GetSummary(**counts, problems=problems, safety_stop=stop)
