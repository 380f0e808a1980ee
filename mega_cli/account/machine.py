"""The checks of `mega doctor` that need no server: programs, environment, disk, permissions, stores."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from mega_cli.account.findings import Finding, problem, well
from mega_cli.errors import SafetyStopError
from mega_cli.model import GIB
from mega_cli.system.directories import Home

_PACKAGES: Final = ("blake3", "click", "httpx", "msgspec", "pynacl", "pyfastcdc", "rich", "zstandard")
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_OLDEST_PYTHON: Final = (3, 11)
_OTHERS: Final = 0o077
_LEAST_FREE_BYTES: Final = GIB


def check_programs() -> Iterator[Finding]:
    """Say which versions run, and which package is missing."""
    running = (
        f"mega {_version_of('mega-cli')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    if sys.version_info < _OLDEST_PYTHON:
        yield problem("program", running, "install Python 3.11 or newer, then mega again")
    else:
        yield well("program", running)
    versions = {package: _version_of(package) for package in _PACKAGES}
    missing = [package for package, found in versions.items() if not found]
    if missing:
        yield problem("packages", f"missing: {', '.join(missing)}", "install mega-cli again: pipx reinstall mega-cli")
    else:
        yield well("packages", ", ".join(f"{package} {found}" for package, found in versions.items()))


def check_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Name the variables that change how a server is reached; their values stay here."""
    names = [name for name in (*_PROXIES, *_AUTHORITIES) if environ.get(name) or environ.get(name.lower())]
    names += sorted(name for name in environ if name.startswith("MEGA_"))
    absent = [name for name in _AUTHORITIES if environ.get(name) and not Path(environ[name]).exists()]
    if absent:
        detail = ", ".join(f"{name}={environ[name]}" for name in absent)
        yield problem("environment", f"{absent[0]} names what does not exist", f"unset {absent[0]}, or mend it", detail)
    else:
        yield well(
            "environment", f"set: {', '.join(names)}" if names else "no proxy, no authorities, no MEGA_ variable"
        )


def check_disk(home: Home) -> Iterator[Finding]:
    """Look at the room for state and caches."""
    for what, folder in (("state", home.directories.data), ("caches", home.directories.cache)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free_bytes = shutil.disk_usage(there).free
        if free_bytes < _LEAST_FREE_BYTES:
            fix = f"make room on the disk of {folder}"
            yield problem("disk", f"less than 1 GiB is free for {what}", fix, f"{free_bytes // 2**20} MiB")
        else:
            yield well("disk", f"there is room for {what}", f"{free_bytes // GIB} GiB free in {folder}")


def check_private_files(folder: Path, home: Home) -> Iterator[Finding]:
    """Look who else may read the state: whoever reads the session file is the user."""
    if os.name == "nt":
        return  # the folder inherits the profile's access list, and modes say nothing
    wanted = (
        ("the state folder", folder, "700"),
        ("the session file", home.session_file, "600"),
        ("the account key", home.account_key_file, "600"),
        ("the file of pins", home.trust_file, "600"),
        ("the content index", home.index_file, "600"),
    )
    open_ones = [(what, path, mode) for what, path, mode in wanted if path.exists() and _is_open(path)]
    for what, path, mode in open_ones:
        summary = f"{what} may be read or changed by others, or is not yours"
        yield problem("permissions", summary, f"chmod {mode} {shlex.quote(str(path))}", str(path))
    if not open_ones:
        yield well("permissions", "nobody else may read the state of this account")


def check_stores(home: Home) -> Iterator[Finding]:
    """Read each database through."""
    if not home.trust_file.exists():
        fix = "restore trust.db from a backup, or start again: mega logout, then: mega login ACCOUNT --server URL"
        yield problem("pins", "the file of pins is gone", fix, str(home.trust_file), SafetyStopError.exit_code)
    elif _is_damaged(home.trust_file):
        fix = (
            "restore trust.db from a backup: it protects you from an old state being shown; "
            "or, when there is none, remove it and start again: mega logout, then: mega login ACCOUNT --server URL"
        )
        yield problem("pins", "the file of pins is damaged", fix, str(home.trust_file), SafetyStopError.exit_code)
    else:
        yield well("pins", "the file of pins is whole")
    for check, path in (("index", home.index_file), ("cache", home.pages_file)):
        if path.exists() and _is_damaged(path):
            fix = f"rm {shlex.quote(str(path))} (it is made anew, at the price of time)"
            yield problem(check, f"the database of the {check} is damaged", fix, str(path))
        else:
            yield well(check, f"the database of the {check} is whole")


def _is_open(path: Path) -> bool:
    """Say whether anybody but the owner may touch it, or whether the owner is somebody else."""
    found = path.stat()
    return bool(stat.S_IMODE(found.st_mode) & _OTHERS) or (hasattr(os, "getuid") and found.st_uid != os.getuid())


def _is_damaged(path: Path) -> bool:
    """Have SQLite check a file that is only read."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            return bool(db.execute("PRAGMA quick_check").fetchone() != ("ok",))
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return True


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
