"""The system's limits of watching, and the commands that raise them. Linux alone has such limits."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

LIMITS: Final = Path("/proc/sys/fs/inotify")
LEAST_WATCHES: Final = 204_800
_LEAST_INSTANCES: Final = 1_024


def watch_limit(limits: Path = LIMITS) -> int | None:
    """Read how many folders the programs of one user may watch; None where the system does not say."""
    return _read(limits / "max_user_watches")


def more_watches(wanted: int = 0, limits: Path = LIMITS) -> str:
    """Give the command that lets one user watch twice as many folders as now, or twice as many as wanted."""
    return _command("watches", max(LEAST_WATCHES, 2 * wanted, 2 * (watch_limit(limits) or 0)))


def why_not(error: OSError, limits: Path = LIMITS) -> tuple[str, str]:
    """Say why nothing, or a folder, cannot be watched, and what mends it."""
    if error.errno == errno.ENOSPC:
        return "the limit of watched folders is reached", more_watches(limits=limits)
    if error.errno == errno.EMFILE:
        more = max(_LEAST_INSTANCES, 2 * (_read(limits / "max_user_instances") or 0))
        return "too many programs of this user watch folders", _command("instances", more)
    return f"the system says: {error.strerror}", "mega doctor"


def _command(what: str, count: int) -> str:
    """Write what sets a limit now and after every start of the machine."""
    file = f"/etc/sysctl.d/90-mega-{what}.conf"
    return f"echo fs.inotify.max_user_{what}={count} | sudo tee {file} && sudo sysctl -p {file}"


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
