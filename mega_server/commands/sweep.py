"""`mega-server sweep`: remove what serves nobody."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from mega_server.options import SETTINGS, data_option, example, existing, json_option
from mega_server.services.sweep import sweep
from mega_server.storage.hold import held


@click.command("sweep", context_settings=SETTINGS, epilog=example("mega-server sweep --dry-run --data ./mega-data"))
@data_option
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be removed.")
@json_option
def command(data_dir: Path, *, dry_run: bool, is_json: bool) -> None:
    """Remove packs of deleted accounts, what killed uploads left, and what has expired. `serve` does it every day.

    Blobs of accounts that exist are never touched: that needs marks, which no client sends to this release.
    """
    with existing(data_dir) as backend, held(data_dir, is_shared=True):
        done = sweep(backend, is_dry_run=dry_run)
    if is_json:
        click.echo(json.dumps({"is_dry_run": dry_run, "swept_blobs": 0} | dataclasses.asdict(done)))
        return
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {done.doomed_packs} packs of deleted accounts, {done.leftovers} leftovers of killed uploads")
    click.echo(f"{verb} {sum(done.expired.values())} expired rows")
    click.echo("no blob to sweep: nothing is swept before clients send marks, which this release does not take")
