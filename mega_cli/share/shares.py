"""The shares of a volume, as entries of its folder `shares`: read, found again, written. It talks to no server.

A share is a folder named by its link's id, with its settings in `ext`; a frozen one holds the entry it names, which so
stays alive whatever happens under `files`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mega_cli.crypto.links import LinkKeys, link_keys, link_pin
from mega_cli.crypto.signing import public_key
from mega_cli.errors import IntegrityError
from mega_cli.formats.link import LinkRecord, LinkUrl, seal_link_record
from mega_cli.formats.page import EXT_SHARE, FOLDER, Entry
from mega_cli.formats.share import Share, decode_share, encode_share, link_id_of, share_name
from mega_cli.model import Secret
from mega_cli.volume.commit import new_folder
from mega_cli.volume.depth import refuse_too_deep
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, Path, Tree, folder_ref

SHARES = "shares"


@dataclass(frozen=True, slots=True)
class Kept:
    """One share, as the tree keeps it."""

    link_id: bytes
    share: Share
    frozen: Entry | None = field(default=None, repr=False)
    """What a frozen share names."""

    @property
    def keys(self) -> LinkKeys:
        """Derive what the link's readers derive."""
        return link_keys(Secret(self.share.key), self.link_id)


def read_shares(session: VolumeSession, tree: Tree) -> list[Kept]:
    """Read all shares, in no order that means anything. Raises IntegrityError, PolicyError."""
    found = []
    for entry in tree.folder((SHARES,)).entries():
        if entry.kind != FOLDER or EXT_SHARE not in entry.ext:
            continue  # a later version's, or nothing of ours
        share = decode_share(entry.ext[EXT_SHARE])
        inside = list(PageTree(session.pages, folder_ref(entry)).entries()) if not share.is_live else []
        if not share.is_live and len(inside) != 1:
            raise IntegrityError
        found.append(Kept(link_id_of(entry.name), share, inside[0] if inside else None))
    return found


def write_share(session: VolumeSession, tree: Tree, kept: Kept) -> None:
    """Let a share stand in the tree, new or changed."""
    folder = tree.folder((SHARES,))
    name = share_name(kept.link_id)
    existing = folder.lookup(name)
    entry = existing or new_folder(session.device, name, mode=0o700, changed_in=tree.revision)
    folder.set(entry.replace(ext={**entry.ext, EXT_SHARE: encode_share(kept.share)}, changed_in=tree.revision))
    if existing is None and kept.frozen is not None:
        inside = folder.open(name)
        assert inside is not None
        inside.set(kept.frozen)


def drop_share(tree: Tree, link_id: bytes) -> None:
    """Take a share away, if it is there."""
    folder = tree.folder((SHARES,))
    if folder.lookup(share_name(link_id)) is not None:
        folder.remove(share_name(link_id))


def target_of(session: VolumeSession, tree: Tree, kept: Kept) -> tuple[str, Entry] | None:
    """Find what a share names now: its path and entry; None when it has left `files`.

    A live one is looked for where it was last seen, then everywhere.
    """
    if kept.frozen is not None:
        return kept.share.path, kept.frozen
    last = (FILES, *(part for part in kept.share.path.split("/") if part))
    entry = tree.entry(last)
    if entry is not None and entry.node_id == kept.share.node_id:
        return kept.share.path, entry
    files = tree.entry((FILES,))
    found = None if files is None else _find(session, files, (), kept.share.node_id)
    return None if found is None else ("/" + "/".join(found[0]), found[1])


def record_of(session: VolumeSession, kept: Kept, entry: Entry, seq: int) -> bytes:
    """Seal the record that the link's readers open: the entry without what only its owner's devices need."""
    shown = entry.replace(ext={}, changed_in=0)
    seed = session.keys.link_seed(kept.link_id)
    return seal_link_record(kept.keys.record, kept.link_id, seed, LinkRecord(seq, kept.share.expires_ms, shown))


def url_of(session: VolumeSession, kept: Kept, base: str) -> LinkUrl:
    """Write the link's URL again; `base` is the account's origin."""
    pin = link_pin(public_key(session.keys.link_seed(kept.link_id)))
    return LinkUrl(base, kept.link_id, Secret(kept.share.secret), pin, has_password=kept.share.has_password)


def _find(session: VolumeSession, folder: Entry, path: Path, node_id: bytes) -> tuple[Path, Entry] | None:
    """Search everything below a folder, level by level within each folder."""
    refuse_too_deep(len(path))
    below = []
    for entry in _children(session, folder):
        if entry.node_id == node_id:
            return (*path, entry.name), entry
        if entry.kind == FOLDER:
            below.append(entry)
    for entry in below:
        found = _find(session, entry, (*path, entry.name), node_id)
        if found is not None:
            return found
    return None


def _children(session: VolumeSession, folder: Entry) -> Iterator[Entry]:
    return PageTree(session.pages, folder_ref(folder)).entries()
