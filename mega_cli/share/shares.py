"""The shares of a volume, as entries of its folder `shares`: read, found again, written. It talks to no server.

A share is a folder named by its link's id, with its settings in `ext`; a frozen one holds the entry it names, which so
stays alive whatever happens under `files`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from mega_cli.crypto.links import LinkKeys, link_keys, link_pin
from mega_cli.crypto.signing import public_key
from mega_cli.errors import IntegrityError, PolicyError
from mega_cli.formats.link import LinkRecord, LinkUrl, seal_link_record
from mega_cli.formats.page import EXT_SHARE, FOLDER, Entry
from mega_cli.formats.share import PATH_MOST_CHARS, Share, decode_share, encode_share, link_id_of, share_name
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import new_folder
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, Tree, folder_ref
from mega_cli.volume.walk import walk

SHARES: Final = "shares"


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

    def changed(self, **changes: object) -> Kept:
        """Give it with some fields of its share changed."""
        return replace(self, share=msgspec.structs.replace(self.share, **changes))


@dataclass(frozen=True, slots=True)
class Target:
    """What a share names now, and where that stands."""

    path: str
    entry: Entry = field(repr=False)


def read_shares(session: VolumeSession, tree: Tree) -> list[Kept]:
    """Read all shares that this version knows, in no order that means anything. Raises IntegrityError."""
    found = []
    for entry in tree.folder((SHARES,)).entries():
        if entry.kind != FOLDER or EXT_SHARE not in entry.ext:
            continue
        try:
            share = decode_share(entry.ext[EXT_SHARE])
        except PolicyError:  # a newer version's: it brings its own links in step
            continue
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
        assert inside is not None, "it was made a line above"
        inside.set(kept.frozen)


def drop_share(tree: Tree, link_id: bytes) -> None:
    """Take a share away, if it is there."""
    folder = tree.folder((SHARES,))
    if folder.lookup(share_name(link_id)) is not None:
        folder.remove(share_name(link_id))


def find_targets(
    session: VolumeSession, tree: Tree, shares: Collection[Kept], *, searched: Collection[bytes]
) -> dict[bytes, Target]:
    """Find what shares name now, by link id; one whose node has left `files` has none.

    A live one is looked for where it was last seen; those of `searched` then everywhere, in one walk through `files`
    that ends with the last of them. Raises LimitError where a walk does.
    """
    found: dict[bytes, Target] = {}
    lost: dict[bytes, list[bytes]] = {}
    for kept in shares:
        last = (FILES, *RemotePath.parse(kept.share.path).parts)
        entry = kept.frozen or tree.entry(last)
        if entry is not None and entry.node_id == kept.share.node_id:
            found[kept.link_id] = Target(kept.share.path, entry)
        elif kept.link_id in searched:
            lost.setdefault(kept.share.node_id, []).append(kept.link_id)
    for node_id, target in _search(session, tree, lost).items():
        found.update(dict.fromkeys(lost[node_id], target))
    return found


def moved(shares: Collection[Kept], targets: Mapping[bytes, Target]) -> list[Kept]:
    """Give the shares whose node stands elsewhere than they say, saying so; a path beyond all measure is not kept."""
    return [
        kept.changed(path=target.path)
        for kept in shares
        if (target := targets.get(kept.link_id)) is not None
        and target.path != kept.share.path
        and len(target.path) <= PATH_MOST_CHARS
    ]


def record_of(session: VolumeSession, kept: Kept, entry: Entry, seq: int) -> bytes:
    """Seal the record that the link's readers open: the entry without what only its owner's devices need."""
    shown = entry.replace(ext={}, changed_in=0)
    seed = session.keys.link_seed(kept.link_id)
    return seal_link_record(kept.keys.record, kept.link_id, seed, LinkRecord(seq, kept.share.expires_ms, shown))


def url_of(session: VolumeSession, kept: Kept) -> str:
    """Write the link's URL again; it begins with the account's origin."""
    pin = link_pin(public_key(session.keys.link_seed(kept.link_id)))
    secret, has_password = Secret(kept.share.secret), kept.share.has_password
    return LinkUrl(session.owner.origin, kept.link_id, secret, pin, has_password=has_password).text()


def _search(session: VolumeSession, tree: Tree, wanted: Collection[bytes]) -> dict[bytes, Target]:
    """Walk through `files` until all wanted nodes are found."""
    files = tree.entry((FILES,))
    found: dict[bytes, Target] = {}
    if files is None or not wanted:
        return found
    for step in walk(session.pages, files):
        if step.entry.node_id in wanted:
            found[step.entry.node_id] = Target(f"/{step.path}", step.entry)
            if len(found) == len(wanted):
                break
    return found
