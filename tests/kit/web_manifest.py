"""The page's files by hash: `mega_server/web/MANIFEST` in the format of sha256sum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).resolve().parents[2] / "mega_server" / "web"
MANIFEST: Final = WEB / "MANIFEST"


def hashes() -> dict[str, str]:
    """Hash every file that belongs to the page, by its path below `web`."""
    files = sorted(path for path in WEB.rglob("*") if path.is_file() and path != MANIFEST)
    return {path.relative_to(WEB).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read() -> dict[str, str]:
    """Read the committed hashes."""
    lines = MANIFEST.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def write() -> None:
    """Commit to the present files."""
    MANIFEST.write_text("".join(f"{digest}  {name}\n" for name, digest in hashes().items()), encoding="ascii")
