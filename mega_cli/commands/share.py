"""`mega share`: make a link to a file or folder."""

from __future__ import annotations

import click

from mega_cli.account import open_volume
from mega_cli.options.amounts import EXPIRY
from mega_cli.options.command import declare
from mega_cli.options.link import own_password_options
from mega_cli.options.password import PasswordSource
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.output.console import Console
from mega_cli.output.links import draw_qr, kept_fields
from mega_cli.output.progress import spoken_waits
from mega_cli.paths.remote import RemotePath
from mega_cli.share.links import LinkOptions, make_link
from mega_cli.share.shares import url_of
from mega_cli.state.posted import PostedLinks
from mega_cli.system.directories import open_home

_MOST_OPENED = 2**63 - 1


@declare(
    "share", examples=("mega share /photos", "mega share --expire 7d --max-downloads 3 --note 'for Bob' /milk.txt")
)
@click.argument("path", type=REMOTE_PATH)
@click.option(
    "--live/--frozen",
    "is_live",
    default=None,
    help="Follow the file or folder through changes and moves, or show it for ever as it is now. Folders are live and "
    "files frozen unless told otherwise.",
)
@click.option(
    "--expire",
    "expires_ms",
    type=EXPIRY,
    default="30d",
    show_default=True,
    metavar="WHEN",
    help="End after 1h or 7d, after a day (2026-01-31), at an RFC 3339 time, or never.",
)
@click.option(
    "--max-downloads",
    "most_opened",
    type=click.IntRange(1, _MOST_OPENED),
    metavar="N",
    help="Let it be opened N times; as often as anyone likes without.",
)
@own_password_options
@click.option("--note", default="", metavar="TEXT", help="What it is for; only you see it.")
@click.option("--qr", "is_drawn", is_flag=True, help="Draw the link for a phone's camera too, on stderr.")
def command(
    console: Console,
    path: RemotePath,
    expires_ms: int,
    most_opened: int | None,
    password: PasswordSource | None,
    note: str,
    *,
    is_live: bool | None,
    is_drawn: bool,
) -> None:
    """Make a link to a file or folder.

    Prints the link and nothing else. Whoever has it, and the password if there is one, can read what it names, in a
    browser or with mega get, without an account; the server cannot. The links there are: mega shares.
    """
    secret = password.ask("Password for the link", is_new=True) if password else None
    home = open_home()
    options = LinkOptions(is_live, expires_ms, most_opened or 0, secret, note)
    with open_volume(home, spoken_waits(console)) as session, PostedLinks(home.posted_file) as posted:
        made = make_link(session, path, options, posted)
        url = url_of(session, made)
    if console.is_json:
        console.document(kept_fields(made, url))
    else:
        console.result(url)
    if is_drawn:
        draw_qr(url)
