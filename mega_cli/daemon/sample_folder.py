"""The folder that `mega quickstart` stores when none is given: a little of everything a file system can hold.

It is made once and then left alone, so that a second run finds the same files. What packaging cannot carry (a link, an
empty folder, a mode, a name beyond ASCII) is made here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path


def sample_place(environ: Mapping[str, str]) -> Path:
    """Say where it belongs: in the user's home, or beside the folder that `MEGA_HOME` names.

    Never among mega's own files: it is synced from there on, and keys must not be.
    """
    base = environ.get("MEGA_HOME", "")
    return Path(f"{Path(base).expanduser().absolute()}-files") if base else Path.home() / "Mega"


def sample_folder(parent: Path) -> Path:
    """Give the folder `sample` in `parent`, making it whole or not at all."""
    folder = parent / "sample"
    if folder.exists():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = parent / f".sample.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    with as_file(files("mega_cli") / "sample") as shipped:
        shutil.copytree(shipped, unfinished)
    (unfinished / "bin").mkdir()
    (unfinished / "hello.sh").rename(unfinished / "bin" / "hello.sh")
    (unfinished / "bin" / "hello.sh").chmod(0o755)
    (unfinished / "empty").mkdir()
    (unfinished / "Grüße.txt").write_text("Grüße aus Köln\n", encoding="utf-8")
    (unfinished / "latest").symlink_to("shopping list.txt")
    unfinished.rename(folder)
    return folder
