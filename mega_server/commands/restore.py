"""`mega-server restore`: a server from its copy."""

from __future__ import annotations

from pathlib import Path

import click

from mega_server.options import (
    NOT_INITIALISED,
    SAFETY,
    SETTINGS,
    CommandError,
    data_option,
    example,
    json_option,
    report_copy,
)
from mega_server.services.backups import DATABASE, back_up


@click.command("restore", context_settings=SETTINGS, epilog=example("mega-server restore /mnt/copy --data ./new-data"))
@click.argument("src", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@json_option
def command(src: Path, data_dir: Path, *, is_json: bool) -> None:
    """Copy the backup in SRC to a folder that holds no server yet. SRC is not changed, and may be read-only.

    Run again after an interruption it goes on. Devices that have seen a newer state than the backup's refuse to go
    back by themselves (exit 15); their users decide with `mega trust accept`.
    """
    if not (src / DATABASE).exists():
        raise CommandError(NOT_INITIALISED, f"{src} holds no backup", "name the folder that `mega-server backup` wrote")
    if (data_dir / DATABASE).exists():
        hint = "name another folder, or move this one away"
        raise CommandError(SAFETY, f"{data_dir} holds a server, which a restore would overwrite", hint)
    report_copy(back_up(src, data_dir), data_dir, is_json=is_json)
