"""`mega-server reindex`: the blob index from the packs alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from mega_server.options import INTEGRITY, SETTINGS, CommandError, data_option, example, existing, json_option
from mega_server.services.reindex import Reindexed, reindex
from mega_server.storage.hold import held


@click.command("reindex", context_settings=SETTINGS, epilog=example("mega-server reindex --data ./mega-data"))
@data_option
@json_option
def command(data_dir: Path, *, is_json: bool) -> None:
    """Build the blob index again from the packs, reading and hashing every blob. Refuses while the server runs.

    Accounts and heads stay as the database has them. Nothing is deleted; damaged packs are listed, exit 14.
    """
    done = Reindexed()
    findings = []
    with existing(data_dir) as backend, held(data_dir, is_shared=False):
        for finding in reindex(backend, done):
            findings.append(finding)
            if not is_json:
                click.echo(finding.line)
    if is_json:
        listed = [finding.line for finding in findings]
        click.echo(json.dumps(dataclasses.asdict(done) | {"findings": listed}))
    else:
        click.echo(f"indexed {done.blobs} blobs in {done.packs} packs; {done.lost_packs} packs of the index are lost")
    if done.damaged_packs:
        hint = "restore these packs from a copy and run it again, or let their owners upload again"
        raise CommandError(INTEGRITY, f"{done.damaged_packs} packs are damaged", hint)
