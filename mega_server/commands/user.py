"""`mega-server user`: who may have an account, and what each may store. All of it works while the server runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from mega_server.options import (
    NOT_FOUND,
    SETTINGS,
    CommandError,
    SizeType,
    data_option,
    example,
    existing,
    json_option,
    size_text,
)
from mega_server.protocol.errors import ErrorCode
from mega_server.refusal import RefusedError
from mega_server.services import users
from mega_server.services.backend import Backend
from mega_server.services.invites import reserve_name
from mega_server.storage.hold import held


@click.group("user")
def command() -> None:
    """Manage who may have an account."""


@contextmanager
def _accounts_of(data_dir: Path) -> Iterator[Backend]:
    """Open a server, unless its index is being rebuilt; an account that it does not have ends with a hint."""
    with existing(data_dir) as backend, held(data_dir, is_shared=True):
        try:
            yield backend
        except RefusedError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            hint = f"list them with: mega-server user ls --data {data_dir}"
            raise CommandError(NOT_FOUND, error.message, hint) from error


@command.command("add", context_settings=SETTINGS, epilog=example("mega-server user add alice --data ./mega-data"))
@click.argument("name")
@data_option
def add_user(name: str, data_dir: Path) -> None:
    """Reserve NAME and print the code that its owner gives to `mega signup`, once, within seven days.

    The server holds no key, so only the owner can make the account. Adding NAME again replaces the code.
    """
    with existing(data_dir) as backend:
        click.echo(reserve_name(backend, name))


@command.command("ls", context_settings=SETTINGS, epilog=example("mega-server user ls --data ./mega-data"))
@data_option
@json_option
def list_users(data_dir: Path, *, is_json: bool) -> None:
    """List the accounts: what each may store and stores, its sessions, and when one was last used."""
    with existing(data_dir) as backend:
        found = users.users(backend)
    if is_json:
        click.echo(json.dumps([dataclasses.asdict(user) for user in found]))
        return
    rows = [("ACCOUNT", "CREATED", "QUOTA", "USED", "SESSIONS", "LAST USE", "STATE"), *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command.command(
    "disable", context_settings=SETTINGS, epilog=example("mega-server user disable alice --data ./mega-data")
)
@click.argument("name")
@data_option
def disable_user(name: str, data_dir: Path) -> None:
    """Refuse every request and login of NAME from now on. What it stores is kept."""
    with _accounts_of(data_dir) as backend:
        users.set_disabled(backend, name, is_disabled=True)
    click.echo(f"{name} is disabled; what it stores is kept")


@command.command(
    "enable", context_settings=SETTINGS, epilog=example("mega-server user enable alice --data ./mega-data")
)
@click.argument("name")
@data_option
def enable_user(name: str, data_dir: Path) -> None:
    """Let a disabled NAME in again; its sessions go on."""
    with _accounts_of(data_dir) as backend:
        users.set_disabled(backend, name, is_disabled=False)
    click.echo(f"{name} is enabled")


@command.command(
    "quota", context_settings=SETTINGS, epilog=example("mega-server user quota alice 100G --data ./mega-data")
)
@click.argument("name")
@click.argument("size", type=SizeType())
@data_option
def set_quota(name: str, size: int, data_dir: Path) -> None:
    """Let NAME store SIZE, such as 100G. What it stores beyond that stays, and nothing more is taken."""
    with _accounts_of(data_dir) as backend:
        users.set_quota(backend, name, size)
    click.echo(f"{name} may store {size_text(size)}")


@command.command("rm", context_settings=SETTINGS, epilog=example("mega-server user rm alice --data ./mega-data"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def remove_user(name: str, data_dir: Path, *, yes: bool) -> None:
    """Delete the account NAME with everything it stores. Nothing brings it back but a backup."""
    with _accounts_of(data_dir) as backend:
        if not yes:
            click.confirm(f"Delete the account {name} with everything it stores?", abort=True)
        users.remove_user(backend, name)
    click.echo(f"{name} is deleted")


def _row(user: users.User) -> tuple[str, ...]:
    return (
        user.account,
        _day(user.created_ms),
        size_text(user.quota_bytes),
        size_text(user.used_bytes),
        str(user.sessions),
        "never" if user.last_used_ms is None else _day(user.last_used_ms),
        "disabled" if user.is_disabled else "",
    )


def _day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).date().isoformat()
