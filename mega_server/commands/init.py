"""`mega-server init`: make a data folder."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.config import Config
from mega_server.options import SETTINGS, data_option, example
from mega_server.services.backend import initialise


@click.command("init", context_settings=SETTINGS, epilog=example("mega-server init --data ./mega-data"))
@data_option
def command(data_dir: Path) -> None:
    """Make a data folder. Safe to repeat; `serve` does it too."""
    is_new = initialise(Config(data_dir=data_dir))
    click.echo(f"initialised {data_dir}" if is_new else f"{data_dir} was initialised before; nothing changed")
