"""How commands are told of links: a word `URL` or `URL:/path`, or `link:` for one that stands in no argument.

A link is a secret. Whoever writes it into an argument is told, once and quietly, that others on the machine can see it;
`MEGA_LINK` and a question on the terminal are the other ways.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Final

import click
from click.shell_completion import CompletionItem

from mega_cli.errors import UsageError
from mega_cli.model import Network, Secret
from mega_cli.options.completion import complete_path
from mega_cli.options.connection import visit_network_options
from mega_cli.options.password import PasswordSource, ask_letters, link_password_options
from mega_cli.output.console import Console
from mega_cli.paths.remote import RemotePath
from mega_cli.share.places import Visiting, Where
from mega_cli.share.visit import LinkAddress, is_link, parse_link_address

VARIABLE: Final = "MEGA_LINK"
_WORD: Final = "link:"
_ASKED: Final = "mega_cli.options.link"


def names_link(word: str) -> bool:
    """Tell whether a word is a link, or stands for one."""
    return is_link(word) or word == _WORD or word.startswith(f"{_WORD}/")


def parse_where(word: str) -> Where:
    """Read what a command shall read: a path of one's own, or a link. Raises UsageError, LimitError, PolicyError."""
    if not names_link(word):
        return RemotePath.parse(word)
    if not is_link(word):
        told = parse_link_address(_told_link())
        below = RemotePath.parse(word.removeprefix(_WORD))
        return LinkAddress(told.url, RemotePath((*told.path.parts, *below.parts)))
    _warn_once()
    return parse_link_address(word)


def _told_link() -> str:
    """Give the link of the variable, which no child inherits, or ask for it; once for a command line."""
    context = click.get_current_context()
    if _ASKED not in context.meta:
        told = os.environ.pop(VARIABLE, "") or ask_letters("Link")
        if not told:
            raise UsageError("which link is meant by link: is not told", f"put it into the variable {VARIABLE}")
        context.meta[_ASKED] = told
    return str(context.meta[_ASKED])


def _warn_once() -> None:
    context = click.get_current_context()
    key = f"{_ASKED}.warned"
    if key not in context.meta:
        context.meta[key] = True
        hint = f"to hide it, put it into {VARIABLE} and write {_WORD}"
        context.ensure_object(Console).note(f"mega: note: other users of this machine can see this link; {hint}")


class WhereType(click.ParamType[Where]):
    """Turns a word into a path of one's own or a link, at the door."""

    name = "path"

    def convert(
        self,
        value: str | Where,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002 -- click's signature
    ) -> Where:
        """Parse the word. Raises UsageError, LimitError, PolicyError."""
        return parse_where(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Give the remote paths that begin so; a link is pasted."""
        return [] if names_link(incomplete) else complete_path(ctx, param, incomplete)


WHERE: Final = WhereType()


class LinkType(click.ParamType[LinkAddress]):
    """Turns a word into a link, at the door."""

    name = "link"

    def convert(
        self,
        value: str | LinkAddress,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002 -- click's signature
    ) -> LinkAddress:
        """Parse the word. Raises UsageError, LimitError, PolicyError."""
        found = parse_where(value) if isinstance(value, str) else value
        if not isinstance(found, LinkAddress):
            raise UsageError("this is no link", "a link looks like https://host/s/…#…")
        return found


LINK: Final = LinkType()


def only_links(places: Sequence[Where]) -> list[LinkAddress]:
    """Give the links if all are, nothing if none is. Raises UsageError for a mixture."""
    links = [where for where in places if isinstance(where, LinkAddress)]
    if links and len(links) != len(places):
        raise UsageError("links and paths of your own are fetched one after the other", "run the command twice")
    return links


def visiting_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command that reads links the options for it; its function gets `visiting: Visiting`."""

    @link_password_options
    @visit_network_options
    @functools.wraps(function)
    def with_visiting(*args: object, link_password: PasswordSource, network: Network, **named: object) -> object:
        told: list[Secret | None] = []

        def password() -> Secret:
            if not told:  # read once, for a variable is taken out of the environment and a pipe can be read once
                told.append(link_password.given())
            return told[0] or link_password.ask("Password of the link")

        return function(*args, visiting=Visiting(network, password), **named)

    return with_visiting


class SwitchType(click.types.BoolParamType):
    """A switch that somebody may take for the place of a password: what they wrote is not repeated."""

    def convert(self, value: bool | str, param: click.Parameter | None, ctx: click.Context | None) -> bool:  # noqa: FBT001 -- click calls it
        """Read yes or no."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail("it is a switch, and takes no password", param, ctx)


def own_password_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command that makes links `password: PasswordSource | None`: the link's, and never the account's.

    None: neither `--password` nor a source was given.
    """

    @click.option(
        "--password",
        "asks",
        is_flag=True,
        type=SwitchType(),
        help="Ask for a password that the link needs from now on.",
    )
    @click.option("--password-file", "file", metavar="FILE", default="", help="Read the link's password from a file.")
    @click.option(
        "--password-command", "source", metavar="COMMAND", default="", help="Read it from what a command prints."
    )
    @functools.wraps(function)
    def with_password(*args: object, asks: bool, file: str, source: str, **named: object) -> object:
        given = PasswordSource(file, source, "link-password", option="password") if asks or file or source else None
        return function(*args, password=given, **named)

    return with_password
