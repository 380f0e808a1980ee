"""Choose how changes of a folder are noticed, by the file system that it lies on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from mega_cli.localfs.hints import Hints
from mega_cli.localfs.poll_hints import PollHints
from mega_cli.localfs.watch_hints import WatchdogHints

MOUNTS: Final = Path("/proc/self/mountinfo")
_SHARED: Final = (
    *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
    *("ocfs2", "orangefs", "prl_fs", "pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
)
"""File systems that others change without this kernel's knowledge; `fuse.sshfs` and its like count as `fuse`.

`fuseblk`, which is NTFS or exFAT on a disk of this machine, does not: there every change passes this kernel.
"""
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")


def choose_hints(local: Path) -> Hints:
    """Give the member for a folder: polling where others may change it, else watching."""
    kind = file_system_of(local)
    if kind.partition(".")[0] in _SHARED:
        why = f"the folder is looked at every minute: on {kind} the system does not tell what others change"
        return PollHints(why, "mega syncs now")
    return WatchdogHints(local)


def file_system_of(local: Path, mounts: Path = MOUNTS) -> str:
    """Name the type of the file system that a folder lies on, as Linux writes it; "" where that is not known."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return ""
    real = os.fsencode(os.path.realpath(local))
    found = [
        (len(point), number, kind) for number, (point, kind) in enumerate(map(_mount, lines)) if _holds(point, real)
    ]
    return max(found)[-1] if found else ""  # the innermost, and of several there the last, which hides the others


def _mount(line: bytes) -> tuple[bytes, str]:
    """Read the mount point and the type from a line of proc(5)'s mountinfo; what is none of its lines holds nothing."""
    fields, _, rest = line.partition(b" - ")
    words = fields.split(b" ")
    point = words[4] if len(words) > 4 else b""  # noqa: PLR2004 -- the fifth field
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), point), rest.partition(b" ")[0].decode()


def _holds(point: bytes, path: bytes) -> bool:
    return bool(point) and (path == point or path.startswith(point.rstrip(b"/") + b"/"))
