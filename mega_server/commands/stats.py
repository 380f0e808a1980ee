"""`mega-server stats`: what the server holds, in numbers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mega_server.options import SETTINGS, data_option, example, existing, json_option
from mega_server.services.stats import stats


@click.command("stats", context_settings=SETTINGS, epilog=example("mega-server stats --data ./mega-data"))
@data_option
@json_option
def command(data_dir: Path, *, is_json: bool) -> None:
    """Count accounts, sessions, volumes, revisions, packs, blobs and bytes. Works while the server runs.

    Packs in no index are not counted; `mega-server check` lists them.
    """
    with existing(data_dir) as backend:
        found = stats(backend)
    if is_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:<22}{'unknown' if value is None else value:>20}")
