"""What a command works on: remote paths, and the filters that leave things out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from mega_cli.options.command import Decorator
from mega_cli.options.completion import complete_path
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath


class RemotePathType(click.ParamType[RemotePath]):
    """Turns a word into a `RemotePath` at the door."""

    name = "path"

    def convert(
        self,
        value: str | RemotePath,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002 -- click's signature
    ) -> RemotePath:
        """Parse the word. Raises UsageError, LimitError."""
        return value if isinstance(value, RemotePath) else RemotePath.parse(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Give the remote paths that begin so."""
        return complete_path(ctx, param, incomplete)


REMOTE_PATH: Final = RemotePathType()

exclude_option: Decorator = click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Leave out what matches (gitignore syntax); may be repeated."
)
include_option: Decorator = click.option(
    "--include", multiple=True, metavar="PATTERN", help="Take in again what --exclude left out; may be repeated."
)


def filter_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command that reads the volume two filters; its function gets `filters: Filters`."""

    @exclude_option
    @include_option
    @functools.wraps(function)
    def with_filters(*args: object, exclude: tuple[str, ...], include: tuple[str, ...], **named: object) -> object:
        return function(*args, filters=Filters.from_options(exclude, include), **named)

    return with_filters


def source_filter_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command that reads folders all four filters; its function gets `filters: Filters`."""

    @exclude_option
    @include_option
    @click.option(
        "--exclude-file",
        "exclude_files",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Read patterns from a file, such as .gitignore; may be repeated.",
    )
    @click.option("--exclude-caches", "excludes_caches", is_flag=True, help="Leave out folders with a CACHEDIR.TAG.")
    @functools.wraps(function)
    def with_filters(
        *args: object,
        exclude: tuple[str, ...],
        include: tuple[str, ...],
        exclude_files: tuple[Path, ...],
        excludes_caches: bool,
        **named: object,
    ) -> object:
        lines = [line for file in exclude_files for line in file.read_text("utf-8", "surrogateescape").splitlines()]
        filters = Filters.from_options(exclude, include, exclude_lines=lines, excludes_caches=excludes_caches)
        return function(*args, filters=filters, **named)

    return with_filters
