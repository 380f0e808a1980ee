"""What a shell is told to complete: remote paths, and accounts of this device.

It must never ask, print, write or take longer than a person waits: one look at the head, pages from the cache, within a
second, and whatever goes wrong is no candidate. Nothing is pinned and nothing cached by it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    add_completion_class,
    get_completion_class,
)

from mega_cli.errors import MegaError

COMPLETE_VARIABLE: Final = "_MEGA_COMPLETE"
"""What a completion script sets when it asks."""
_PROFILE: Final = "MEGA_PROFILE"
"""What `--profile` becomes: a variable while a command runs, and in the context's `meta` for the one that is typed."""
MOST_S: Final = 0.8
MOST_ITEMS: Final = 1_000
"""More than a person reads, or a shell shows without asking."""


class QuotingBash(BashComplete):
    """bash puts a candidate on the command line as it is: a name must not become a command there."""

    def format_completion(self, item: CompletionItem) -> str:
        """Escape everything that the shell could read as more than a letter."""
        return f"{item.type},{_UNSAFE.sub(_escaped, str(item.value))}"


class WholeFish(FishComplete):
    """click's script for fish cuts a candidate at every comma: half a name may be another file's."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


_UNSAFE: Final = re.compile(r"[^\w./@%+:,=-]")


def _escaped(found: re.Match[str]) -> str:
    """Write a backslash twice: the script's `read` takes one away."""
    return "\\\\" + found[0].replace("\\", "\\\\")


def completion_class(shell: str) -> type[ShellComplete]:
    """Give click's class for a shell, ours for bash and fish."""
    add_completion_class(QuotingBash)
    add_completion_class(WholeFish)
    found = get_completion_class(shell)
    assert found is not None, "the command takes the shells that click knows"
    return found


def complete_path(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Give the remote paths that begin as typed; a folder's ends with a slash. Nothing when there is no answer soon."""
    found: list[CompletionItem] = []
    profile = {_PROFILE: context.meta[_PROFILE]} if _PROFILE in context.meta else {}
    worker = threading.Thread(target=_fill, args=(found, typed, {**os.environ, **profile}), daemon=True)
    worker.start()
    worker.join(MOST_S)
    return [] if worker.is_alive() else found


def complete_local_then_remote(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the words of put: the first is a local file, a later one may be the remote folder as well."""
    given = context.params.get(str(parameter.name)) or ()
    remote = complete_path(context, parameter, typed) if given and typed.startswith("/") else []
    return remote or [CompletionItem(typed, type="file")]


def complete_remote_then_local(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the words of get: the first is a remote path, a later one may be the local folder as well."""
    given = context.params.get(str(parameter.name)) or ()
    is_local = given and not typed.startswith("/")
    return [CompletionItem(typed, type="file")] if is_local else complete_path(context, parameter, typed)


def complete_account(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Give the names of the accounts that were used on this device."""
    return [
        CompletionItem(name)
        for name in sorted({name.partition("@")[0] for name in _profiles()})
        if name.startswith(typed)
    ]


def complete_profile(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Give the profiles of this device."""
    return [CompletionItem(name) for name in sorted(_profiles()) if name.startswith(typed)]


def complete_share(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Give the ids of the links that this device has posted, as `mega shares` shows them: nothing is asked."""
    from mega_cli.state.posted import PostedLinks  # noqa: PLC0415 -- only when a shell asks
    from mega_cli.system.directories import open_home  # noqa: PLC0415 -- the same

    with suppress(MegaError, OSError):
        home = open_home()
        if home.posted_file.is_file():
            with PostedLinks(home.posted_file) as posted:
                ids = [link_id.hex()[:8] for link_id in posted.link_ids()]
            return [CompletionItem(link_id) for link_id in sorted(ids) if link_id.startswith(typed)]
    return []


def _profiles() -> Iterator[str]:
    from mega_cli.system.directories import find_directories  # noqa: PLC0415 -- only when a shell asks

    try:
        yield from (folder.name for folder in find_directories().accounts.iterdir() if "@" in folder.name)
    except OSError:
        return


def _fill(found: list[CompletionItem], typed: str, environ: Mapping[str, str]) -> None:
    """Look, in a thread that may be left behind. No failure reaches the shell."""
    # What the edges raise, and what a client that is closed under a request does; `mega ls` says what is wrong.
    with suppress(MegaError, OSError, RuntimeError, ValueError):
        found.extend(_look(typed, environ))


def _look(typed: str, environ: Mapping[str, str]) -> list[CompletionItem]:
    """List the folder that is typed so far and keep what begins alike."""
    from mega_cli.account import open_volume  # noqa: PLC0415 -- 100 ms that completing an option does not need
    from mega_cli.paths.remote import RemotePath  # noqa: PLC0415 -- the same
    from mega_cli.system.directories import open_home  # noqa: PLC0415 -- the same
    from mega_cli.volume.peek import peek_folder  # noqa: PLC0415 -- the same

    home = open_home(environ)
    if not home.session_file.is_file() or not home.trust_file.is_file():
        return []
    head, slash, begun = typed.rpartition("/")
    found = []
    with open_volume(home) as session:
        for entry in peek_folder(session, RemotePath.parse(head), has_cache=home.pages_file.is_file()):
            if entry.name.startswith(begun) and entry.name.isprintable():
                found.append(CompletionItem(f"{head}{slash}{entry.name}{'/' if entry.kind == 'd' else ''}"))
                if len(found) == MOST_ITEMS:
                    break
    return found
