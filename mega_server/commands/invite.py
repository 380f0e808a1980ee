"""`mega-server invite`: a code for one new account of any name."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.options import SETTINGS, DurationType, SizeType, data_option, example, existing
from mega_server.services.invites import CODE_LIFE_S, make_invite


@click.command("invite", context_settings=SETTINGS, epilog=example("mega-server invite --quota 20G --data ./mega-data"))
@data_option
@click.option("--quota", type=SizeType(), default=None, show_envvar=True, help="What the account may store.")
@click.option(
    "--expires",
    type=DurationType(),
    default=CODE_LIFE_S,
    show_default="7d",
    show_envvar=True,
    help="For how long the code is good: 12h, 7d.",
)
def command(data_dir: Path, quota: int | None, expires: int) -> None:
    """Print a code with which `mega signup` makes one account, of any name that is free.

    Without --quota the account gets what the server gives. `serve --signup closed` takes no invites: reserve a name
    with `mega-server user add`.
    """
    with existing(data_dir) as backend:
        click.echo(make_invite(backend, quota_bytes=quota, life_s=expires))
