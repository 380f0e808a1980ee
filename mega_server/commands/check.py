"""`mega-server check`: see that every stored blob is there."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mega_server.options import INTEGRITY, SETTINGS, CommandError, data_option, example, existing, json_option
from mega_server.services.checks import check
from mega_server.storage.hold import held


@click.command("check", context_settings=SETTINGS, epilog=example("mega-server check --read-data --data ./mega-data"))
@data_option
@click.option("--read-data", is_flag=True, show_envvar=True, help="Read every blob and compare its SHA-256.")
@json_option
def command(data_dir: Path, *, read_data: bool, is_json: bool) -> None:
    """See that every stored blob is there. Changes nothing; exit 14 when something is damaged."""
    damaged = orphans = 0
    lines = []
    with existing(data_dir) as backend, held(data_dir, is_shared=True):
        for finding in check(backend, reads_data=read_data):
            damaged += finding.is_damage
            orphans += not finding.is_damage
            lines.append(finding.line)
            if not is_json:
                click.echo(finding.line)
    if is_json:
        click.echo(json.dumps({"damaged": damaged, "orphans": orphans, "findings": lines}))
    if damaged:
        hint = "restore these packs from a copy, or let their owners upload again: docs/operations.md, Repair"
        raise CommandError(INTEGRITY, f"{damaged} packs or blobs are damaged", hint)
    if not is_json:
        click.echo(f"no damage; {orphans} orphan packs")
