"""A copy of a server while it serves, kept up by copying what is new; and the way back, which is the same copy.

Order, and why the copied database never names a pack that the copy lacks:
1. The database is copied as of one moment, beside its place. What it names was stored before that moment, for a pack is
   durable before it is indexed. Packs first would miss one stored between the two.
2. Its packs are copied; they never change. One that has vanished from the source (an account was deleted, later: swept
   or compacted) sends us back to 1: a new copy of the database does not name it any more. Named again, it is lost.
3. The new database takes the old one's place, by rename. Until then the copy is the old database with all its packs.
4. Packs that the new database does not name leave the copy.
When packs are lost, the new database names what nobody has, and heads that need it: a server whose disk died would take
its copy down with it. So the last database whose packs are all there stays beside, with them, until nothing is lost.
Killed anywhere, it leaves a whole copy, old or new, and the next run goes on with the packs it finds.

A damaged pack is never copied: its name binds its bytes, and they are hashed on the way.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from mega_server.database.copies import NamedPack, copy_database, named_packs, setting_in, settle
from mega_server.protocol.ids import VolumeId
from mega_server.services.backend import SECRET_SETTING
from mega_server.services.packs import read_whole
from mega_server.storage.filesystem import FilesystemStore, sync_folder
from mega_server.storage.hold import held
from mega_server.storage.store import BlobStore, PackName

DATABASE = "mega.db"
WHOLE = "mega.db.whole"
"""In a copy that lacks packs: the last database that lacked none."""
STORE = "store"


class OtherServerError(Exception):
    """The place for a copy holds something that is not an older copy of this server, begun or whole."""


@dataclass(slots=True)
class Copied:
    """What a backup or a restore did."""

    packs: int = 0
    """That the copy holds now."""
    new_packs: int = 0
    new_bytes: int = 0
    removed_packs: int = 0
    database_bytes: int = 0
    lost: list[NamedPack] = field(default_factory=list)
    """Packs that the source itself has lost or damaged, and the copy lacks as well."""


def back_up(source: Path, copy: Path) -> Copied:
    """Bring the folder `copy` up to what the server in `source` holds now; both may be served, `source` while it runs.

    Raises HeldError when another backup writes there or it is being served, OtherServerError for a folder that holds
    another server or lies in this one, OSError, sqlite3.Error.
    """
    if copy.resolve().is_relative_to(source.resolve()) or source.resolve().is_relative_to(copy.resolve()):
        raise OtherServerError(f"{copy} and {source} lie in one another")
    copy.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(held(copy, is_shared=False))
        target = FilesystemStore(copy / STORE)
        stack.callback(target.close)
        origin = FilesystemStore(source / STORE)
        stack.callback(origin.close)
        return _copy(source / DATABASE, origin, copy / DATABASE, target)


def _copy(source: Path, origin: BlobStore, place: Path, target: BlobStore) -> Copied:
    partial = place.with_name(f"{place.name}.part")
    if place.exists():
        settle(place)
    elif not partial.exists() and any(True for _ in target.packs()):  # they would leave as packs that nobody names
        raise OtherServerError(f"{place.parent} holds packs and no database: docs/operations.md, Lost database")
    done = Copied()
    while True:
        copy_database(source, partial)
        if place.exists() and setting_in(place, SECRET_SETTING) != setting_in(partial, SECRET_SETTING):
            partial.unlink()
            raise OtherServerError(f"{place.parent} holds the copy of another server")
        lost = [pack for pack in named_packs(partial) if not _copy_pack(origin, target, pack, done)]
        is_final, done.lost = lost == done.lost, lost
        if is_final:
            break
    named: set[tuple[bytes, bytes]] = {(pack.volume, pack.name) for pack in named_packs(partial)}
    done.packs, done.database_bytes = len(named) - len(lost), partial.stat().st_size
    if lost:
        named |= _keep_whole(place, target)
    partial.replace(place)
    sync_folder(place.parent)
    if not lost:
        place.with_name(WHOLE).unlink(missing_ok=True)
    for volume, name, _ in list(target.packs()):
        if (volume, name) not in named:
            target.remove(volume, name)
            done.removed_packs += 1
    return done


def _keep_whole(place: Path, target: BlobStore) -> set[tuple[bytes, bytes]]:
    """Keep the last database that lacks no pack, and give the packs it names; nothing when there never was one."""
    whole = place.with_name(WHOLE)
    if not whole.exists():
        if not place.exists() or any(
            target.size_bytes(VolumeId(pack.volume), PackName(pack.name)) != pack.size_bytes
            for pack in named_packs(place)
        ):
            return set()
        partial = whole.with_name(f"{WHOLE}.part")
        shutil.copyfile(place, partial)
        partial.chmod(0o600)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(whole)
        sync_folder(place.parent)
    return {(pack.volume, pack.name) for pack in named_packs(whole)}


def _copy_pack(origin: BlobStore, target: BlobStore, pack: NamedPack, done: Copied) -> bool:
    """Copy a pack unless it is there; say whether the copy has it now."""
    volume, name = VolumeId(pack.volume), PackName(pack.name)
    if target.size_bytes(volume, name) == pack.size_bytes:
        return True
    found = read_whole(origin, volume, name)
    if found is None or not found.is_sound:
        return False
    target.put(volume, name, [found.data])
    done.new_packs += 1
    done.new_bytes += len(found.data)
    return True
