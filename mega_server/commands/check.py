"""`mega-server check`: see that every stored blob is there."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.options import INTEGRITY, SETTINGS, CommandError, data_option, example, existing
from mega_server.services.checks import check


@click.command("check", context_settings=SETTINGS, epilog=example("mega-server check --read-data --data ./mega-data"))
@data_option
@click.option("--read-data", is_flag=True, show_envvar=True, help="Read every blob and compare its SHA-256.")
def command(data_dir: Path, *, read_data: bool) -> None:
    """See that every stored blob is there. Changes nothing; exit 14 when something is damaged."""
    damaged = orphans = 0
    with existing(data_dir) as backend:
        for finding in check(backend, reads_data=read_data):
            damaged += finding.is_damage
            orphans += not finding.is_damage
            kind = "damaged" if finding.is_damage else "orphan"
            click.echo(f"{kind} {finding.volume.hex()}/{finding.pack.hex()}: {finding.what}")
    if damaged:
        hint = "restore these packs from a copy, or let their owners upload again: docs/operations.md, Repair"
        raise CommandError(INTEGRITY, f"{damaged} packs or blobs are damaged", hint)
    click.echo(f"no damage; {orphans} orphan packs")
