"""`mega-server user`: who may have an account."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.options import SETTINGS, data_option, example, existing
from mega_server.services.invites import reserve_name


@click.group("user")
def command() -> None:
    """Manage who may have an account."""


@command.command("add", context_settings=SETTINGS, epilog=example("mega-server user add alice --data ./mega-data"))
@click.argument("name")
@data_option
def add_user(name: str, data_dir: Path) -> None:
    """Reserve NAME and print the code that its owner gives to `mega signup`, once, within seven days.

    The server holds no key, so only the owner can make the account. Adding NAME again replaces the code.
    """
    with existing(data_dir) as backend:
        click.echo(reserve_name(backend, name))
