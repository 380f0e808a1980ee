"""List and delete what lies in an open folder, by its descriptor: no symbolic link is ever followed.

Nothing is deleted that changed since it was listed, and nothing on another file system is entered.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from mega_cli.localfs.failures import BlockedError, disk_failures, shown
from mega_cli.localfs.folders import Folder
from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.localfs.stat_print import StatPrint


class Lying(NamedTuple):
    """What lies in a folder under a name: its file type (`stat.S_IFMT`) and its own stamps, not a link's target's."""

    name: bytes
    kind: int
    stamps: StatPrint

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder itself."""
        return self.kind == stat.S_IFDIR


def lying_in(folder: Folder) -> list[Lying]:
    """List a folder, in the order of names, without partial files. Raises a MegaError."""
    with disk_failures(folder.path), os.scandir(folder.path if folder.fd is None else folder.fd) as found:
        names = sorted(os.fsencode(item.name) for item in found)
    looked = ((name, folder.look(name)) for name in names if not is_partial_name(name))
    return [Lying(name, *found) for name, found in looked if found is not None]


def delete(folder: Folder, lying: Lying) -> None:
    """Delete a file, a link or an empty folder that is still what was listed. Raises a MegaError."""
    path = folder.path_of(lying.name)
    found = folder.look(lying.name)
    if found is None:
        return
    kind, stamps = found
    is_same = (
        (stamps.ino, stamps.dev) == (lying.stamps.ino, lying.stamps.dev)
        if lying.is_folder
        else (stamps == lying.stamps)
    )
    if kind != lying.kind or not is_same:
        msg = f"{shown(path)}: it changed meanwhile, so it was not deleted"
        raise BlockedError(msg, "run the same command again")
    with disk_failures(path):
        (os.rmdir if lying.is_folder else os.unlink)(folder.at(lying.name), dir_fd=folder.fd)
