"""What sync's commands declare alike: how much a run may delete, and pairs by id or folder."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click
from click.shell_completion import CompletionItem

from mega_cli.api.rates import Timetable
from mega_cli.errors import MegaError
from mega_cli.options.command import dry_run_option
from mega_cli.options.transfer import bwlimit_option, transfers_option
from mega_cli.reconcile.situation import DeleteLimit
from mega_cli.sync.syncing import RunOptions

_MOST: Final = re.compile(r"(\d{1,9})(%?)", re.ASCII)
_WHOLE_PERCENT: Final = 100


class DeleteLimitType(click.ParamType[DeleteLimit]):
    """Turns N, N% or off into a `DeleteLimit`.

    N deletions pass, or N percent of all files, and one more holds them all; `off` holds none. An own limit also allows
    to empty a folder.
    """

    name = "limit"

    def convert(
        self, value: str | DeleteLimit, param: click.Parameter | None, ctx: click.Context | None
    ) -> DeleteLimit:
        """Parse the word."""
        if isinstance(value, DeleteLimit):
            return value
        if value == "off":
            return DeleteLimit(count_least=None)
        found = _MOST.fullmatch(value)
        if found is None or (found[2] and int(found[1]) > _WHOLE_PERCENT):
            self.fail("a number of deletions, a share of all files, or off: 20, 10%, off", param, ctx)
        number = int(found[1])
        if found[2]:
            return DeleteLimit(1, (number + 1e-9) / _WHOLE_PERCENT, _NEVER)
        return DeleteLimit(number + 1, 0.0, _NEVER)


_NEVER: Final = 1 << 62
DELETE_LIMIT: Final = DeleteLimitType()


@dataclass(frozen=True, slots=True)
class Run:
    """How a run goes, and how fast bytes move."""

    options: RunOptions
    rate: Timetable | None


def run_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command all that says how a run goes; its function gets `run: Run`."""

    @click.option(
        "--max-delete",
        "deletes",
        type=DELETE_LIMIT,
        metavar="N|N%|off",
        help="Hold deletions, on either side, that are more than N or than such a share of all files. Without it those "
        "wait that are 20 or more and a quarter or more of all, or that would empty a folder.",
    )
    @click.option(
        "--resync", "is_resync", is_flag=True, help="Join both sides anew, as at the first run; deletes nothing."
    )
    @bwlimit_option
    @transfers_option
    @dry_run_option
    @functools.wraps(function)
    def with_run(
        *args: object,
        limit: Timetable | None,
        transfers: int,
        is_resync: bool,
        is_dry_run: bool,
        deletes: DeleteLimit | None,
        **named: object,
    ) -> object:
        options = RunOptions(deletes or DeleteLimit(), is_dry_run, is_resync, transfers)
        return function(*args, run=Run(options, limit), **named)

    return with_run


def complete_pair(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Give the ids and folders of the pairs; nothing is asked."""
    from mega_cli.sync.pairs import open_pairs  # noqa: PLC0415 -- only when a shell asks
    from mega_cli.system.directories import open_home  # noqa: PLC0415 -- the same

    try:
        pairs = open_pairs(open_home()).all()
    except (MegaError, OSError):
        return []
    words = [word for pair in pairs for word in (pair.id, str(pair.local))]
    return [CompletionItem(word) for word in words if word.startswith(typed) and word.isprintable()]
