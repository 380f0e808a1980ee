"""`mega-server link`: what is shared by links, and stopping one, without any key, while the server runs."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from mega_server.options import (
    NOT_FOUND,
    SETTINGS,
    CommandError,
    data_option,
    example,
    existing,
    json_option,
    size_text,
)
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.messages import LinkInfo
from mega_server.refusal import RefusedError
from mega_server.services import links

_ID = "q1Zk0vQ8Rb2s5c7dYw3xHA"
_NAMING = SETTINGS | {"ignore_unknown_options": True}
"""One id in 64 begins with a hyphen."""


class LinkIdType(click.ParamType[bytes]):
    """A link's id: the letters behind /s/ in its URL, or 32 hexadecimal digits."""

    name = "id"

    def convert(self, value: str | bytes, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Read the 16 bytes."""
        if isinstance(value, bytes):
            return value
        found = next(
            (link for link in (_from_digits(value), _from_letters(value)) if len(link) == links.LINK_BYTES), b""
        )
        return found or self.fail(
            "a link's id is the 22 letters behind /s/ in its URL, or 32 hexadecimal digits", param, ctx
        )


@click.group("link")
def command() -> None:
    """Manage what is shared by links."""


@command.command("ls", context_settings=SETTINGS, epilog=example("mega-server link ls --data ./mega-data"))
@data_option
@json_option
def list_links(data_dir: Path, *, is_json: bool) -> None:
    """List every link: whose it is, how often it was opened, what was fetched, and until when it works."""
    with existing(data_dir) as backend:
        found = links.all_links(backend)
        now_ms = backend.clock()
    if is_json:
        click.echo(json.dumps([_document(account, info) for account, info in found]))
        return
    heading = ("LINK", "ACCOUNT", "CREATED", "OPENED", "FETCHED", "LAST USE", "EXPIRES", "STATE")
    rows = [heading, *(_row(account, info, now_ms) for account, info in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command.command(
    "disable", context_settings=_NAMING, epilog=example(f"mega-server link disable {_ID} --data ./mega-data")
)
@click.argument("link", metavar="ID", type=LinkIdType())
@data_option
def disable_link(link: bytes, data_dir: Path) -> None:
    """Stop a link at once: who opens it is told that it is revoked. What it names is kept."""
    _set_disabled(data_dir, link, is_disabled=True)


@command.command(
    "enable", context_settings=_NAMING, epilog=example(f"mega-server link enable {_ID} --data ./mega-data")
)
@click.argument("link", metavar="ID", type=LinkIdType())
@data_option
def enable_link(link: bytes, data_dir: Path) -> None:
    """Let a disabled link work again, unless its owner has ended it."""
    _set_disabled(data_dir, link, is_disabled=False)


def _set_disabled(data_dir: Path, link: bytes, *, is_disabled: bool) -> None:
    with existing(data_dir) as backend:
        try:
            links.disable_link(backend, link, is_disabled=is_disabled)
        except RefusedError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            hint = f"list them with: mega-server link ls --data {data_dir}"
            raise CommandError(NOT_FOUND, "this server has no such link", hint) from error
    click.echo(f"{_letters(link)} is {'disabled' if is_disabled else 'enabled'}")


def _document(account: str, info: LinkInfo) -> dict[str, object]:
    return {
        "link": _letters(info.link),
        "account": account,
        "created_ms": info.created_ms,
        "expires_ms": info.expires_ms or None,
        "opened": info.opened,
        "most_opened": info.most_opened or None,
        "fetched_bytes": info.fetched_bytes,
        "last_opened_ms": info.last_opened_ms or None,
        "is_enabled": info.is_enabled,
        "is_revoked": info.is_revoked,
        "is_disabled": info.is_disabled,
    }


def _row(account: str, info: LinkInfo, now_ms: int) -> tuple[str, ...]:
    return (
        _letters(info.link),
        account,
        _day(info.created_ms),
        f"{info.opened} of {info.most_opened}" if info.most_opened else str(info.opened),
        size_text(info.fetched_bytes),
        _day(info.last_opened_ms),
        _day(info.expires_ms),
        _state(info, now_ms),
    )


def _state(info: LinkInfo, now_ms: int) -> str:
    """Say why a link does not open; the first reason that holds is the strongest."""
    states = {
        "revoked": info.is_revoked,
        "disabled": info.is_disabled,
        "stopped": not info.is_enabled,
        "expired": 0 < info.expires_ms <= now_ms,
        "used up": 0 < info.most_opened <= info.opened,
    }
    return next((state for state, holds in states.items() if holds), "")


def _day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).date().isoformat() if time_ms else "never"


def _letters(link: bytes) -> str:
    """Write an id as its URL does."""
    return base64.urlsafe_b64encode(link).rstrip(b"=").decode()


def _from_digits(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _from_letters(text: str) -> bytes:
    """Read base64url without padding; b"" for anything else."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return raw if _letters(raw) == text else b""
