"""`mega shares`: list the links there are, change them, end them, and see when they were opened."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mega_cli.account import open_volume
from mega_cli.errors import MissingItemError, UsageError
from mega_cli.options.amounts import EXPIRY, MOMENT
from mega_cli.options.command import MegaGroup, declare, yes_option
from mega_cli.options.completion import complete_share
from mega_cli.options.link import own_password_options
from mega_cli.options.password import PasswordSource, has_terminal
from mega_cli.options.selection import REMOTE_PATH
from mega_cli.output.console import Console
from mega_cli.output.links import SHOWN_ID, kept_fields, link_fields, link_table
from mega_cli.output.progress import spoken_waits
from mega_cli.output.units import counted, moment_text, rfc3339, short_size_text
from mega_cli.paths.remote import RemotePath
from mega_cli.share.healing import heal_or_note
from mega_cli.share.links import LinkChange, LinkState, change_link, find_link, list_links, replace_link, revoke_links
from mega_cli.share.shares import Kept, url_of
from mega_cli.state.posted import PostedLinks
from mega_cli.system.directories import open_home
from mega_cli.volume.session import VolumeSession

_NS_A_MS = 1_000_000


@declare("shares ls", examples=("mega shares ls", "mega shares ls --urls", "mega shares ls --never-expires --json"))
@click.option("-l", "--urls", "has_urls", is_flag=True, help="Show the links again.")
@click.option("--never-expires", "is_endless", is_flag=True, help="Only links that never expire.")
@click.option(
    "--older-than", "before_ns", type=MOMENT, metavar="WHEN", help="Only links made before: 90d (ago), 2026-01-31."
)
def list_command(console: Console, before_ns: int | None, *, has_urls: bool, is_endless: bool) -> None:
    """List the links, the newest first, after bringing them in step.

    The state is what becomes of somebody who opens the link now: enabled, expired, used-up, disabled (by the server's
    administrator), gone (what it named was removed; restoring it lets it go on), stopped, revoked, or unposted (the
    server has not heard of it yet).
    """
    home = open_home()
    with open_volume(home, spoken_waits(console)) as session:
        heal_or_note(session, home, console.note, is_thorough=True)
        states = [
            state
            for state in list_links(session)
            if not (is_endless and state.kept.share.expires_ms)
            and (before_ns is None or state.kept.share.created_ms * _NS_A_MS < before_ns)
        ]
        urls = [url_of(session, state.kept) for state in states] if has_urls else []
        now_ms = session.device.now_ms()
    if console.is_json:
        found = (link_fields(state, urls[at] if urls else None, now_ms) for at, state in enumerate(states))
        console.listing({}, "links", found)
    else:
        console.result(link_table(states, urls, now_ms))


@declare("shares edit", examples=("mega shares edit 4f1c --expire 7d --note 'until Friday'",))
@click.argument("word", metavar="ID", shell_complete=complete_share)
@click.option("--expire", "expires_ms", type=EXPIRY, metavar="WHEN", help="End then: as mega share takes it.")
@click.option(
    "--max-downloads",
    "most_opened",
    type=click.IntRange(min=0),
    metavar="N",
    help="Let it be opened N times, those before included; 0: as often as anyone likes.",
)
@click.option("--note", metavar="TEXT", help="What it is for.")
@own_password_options
@click.option("--no-password", "is_open", is_flag=True, help="Let the link work without a password.")
def edit_command(
    console: Console,
    word: str,
    expires_ms: int | None,
    most_opened: int | None,
    note: str | None,
    password: PasswordSource | None,
    *,
    is_open: bool,
) -> None:
    """Change a link.

    Expiry, limit and note change in place. With another password, or none, it is another link: the new one is printed,
    its count begins at 0, and the old one ends.
    """
    if is_open and password:
        raise UsageError("a link has a password or none", "give one of --password and --no-password")
    change = LinkChange(expires_ms, most_opened, note)
    if change == LinkChange() and not is_open and not password:
        raise UsageError("nothing is to be changed", "mega shares edit --help")
    secret = password.ask("New password for the link", is_new=True) if password else None
    home = open_home()
    url, made = None, None
    with open_volume(home, spoken_waits(console)) as session, PostedLinks(home.posted_file) as posted:
        kept = find_link(session, word)
        if password or (is_open and kept.share.has_password):
            made = replace_link(session, kept.link_id, change, secret, posted)
            url = url_of(session, made)
        else:
            change_link(session, kept.link_id, change, posted)
            made = change.applied_to(kept)
    _report_edit(console, made, url)


def _report_edit(console: Console, made: Kept, url: str | None) -> None:
    """Print a new link; say at least with -v that one was changed."""
    if console.is_json:
        console.document(kept_fields(made, url))
    elif url is not None:
        console.result(url)
    elif console.verbosity > 0:
        console.note(f"mega: link {made.link_id.hex()[:SHOWN_ID]} changed")


@declare("shares revoke", examples=("mega shares revoke 4f1c 9a07", "mega shares revoke --path /photos"))
@click.argument("words", nargs=-1, metavar="[ID]...", shell_complete=complete_share)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@click.option("--path", "path", type=REMOTE_PATH, metavar="PATH", help="All to this path and what lies below it.")
@yes_option
def revoke_command(
    console: Console, words: tuple[str, ...], path: RemotePath | None, *, is_all: bool, is_sure: bool
) -> None:
    """End links, for ever and at once.

    What was fetched before stays with whoever fetched it. --all asks first.
    """
    if bool(words) + is_all + (path is not None) != 1:
        raise UsageError("which links shall end is not told", "name ids, or --path PATH, or --all")
    home = open_home()
    with open_volume(home, spoken_waits(console)) as session, PostedLinks(home.posted_file) as posted:
        chosen = _chosen(session, words, path)
        if is_all and chosen and not is_sure:
            _ask(f"End {counted(len(chosen), 'link')} for ever?")
        if chosen:
            revoke_links(session, [kept.link_id for kept in chosen], posted)
    if console.is_json:
        console.document({"message_type": "summary", "revoked": [kept.link_id.hex() for kept in chosen]})
    else:
        console.note(f"mega: {counted(len(chosen), 'link')} revoked")


def _chosen(session: VolumeSession, words: Sequence[str], path: RemotePath | None) -> list[Kept]:
    """Find the links that are meant, each once. Raises MissingItemError when a path has none."""
    if words:
        return list({kept.link_id: kept for kept in (find_link(session, word) for word in words)}.values())
    states = list_links(session)
    if path is None:
        return [state.kept for state in states]
    found = [state.kept for state in states if _is_below(state, path)]
    if not found:
        raise MissingItemError(f"there is no link to {path}", "to see all: mega shares")
    return found


def _is_below(state: LinkState, path: RemotePath) -> bool:
    return RemotePath.parse(state.path or state.kept.share.path).is_within(path)


def _ask(question: str) -> None:
    """Have a person agree. Raises UsageError without a terminal, Abort at a no."""
    if not has_terminal():
        raise UsageError(
            "ending all links asks first, and there is no terminal to ask on", "mega shares revoke --all -y"
        )
    click.confirm(question, abort=True, err=True)


@declare("shares log", examples=("mega shares log 4f1c",))
@click.argument("word", metavar="ID", shell_complete=complete_share)
def log_command(console: Console, word: str) -> None:
    """Show when a link was opened in the last 30 days, and how much was fetched; who did is not known."""
    with open_volume(open_home(), spoken_waits(console)) as session:
        kept = find_link(session, word)
        openings = session.client.link_log(kept.link_id)
    if console.is_json:
        rows = [
            {
                "opened": rfc3339(opening.opened_ms * _NS_A_MS),
                "opened_ms": opening.opened_ms,
                "fetched_bytes": opening.fetched_bytes,
            }
            for opening in openings
        ]
        console.document({"id": kept.link_id.hex(), "openings": rows})
    else:
        console.result(
            f"{moment_text(opening.opened_ms * _NS_A_MS)}  {short_size_text(opening.fetched_bytes):>8}"
            for opening in openings
        )


command = MegaGroup(
    "shares",
    "List the links there are, change them, end them, and see when they were opened.",
    [list_command, edit_command, revoke_command, log_command],
)
