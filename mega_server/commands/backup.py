"""`mega-server backup`: a copy of the server, kept up while it serves."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.options import SETTINGS, FolderType, data_option, example, existing, json_option, report_copy
from mega_server.services.backups import back_up


@click.command("backup", context_settings=SETTINGS, epilog=example("mega-server backup /mnt/copy --data ./mega-data"))
@click.argument("dest", type=FolderType())
@data_option
@json_option
def command(dest: Path, data_dir: Path, *, is_json: bool) -> None:
    """Bring the copy in DEST up to date, while the server runs: the database as of now, and the packs that are new.

    DEST is made when it is missing, and is a whole server at any moment: `mega-server check --data DEST` looks at it,
    `mega-server serve --data DEST` serves it. Packs that the server lost or that are damaged are listed, exit 14.
    """
    with existing(data_dir):
        report_copy(back_up(data_dir, dest), dest, is_json=is_json)
