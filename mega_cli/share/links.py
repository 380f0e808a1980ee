"""Make a link, list what there is, change it, end it; and bring every link in step with the tree.

A share is committed before its link is posted, and dropped after the link is revoked: a run that is cut in between
leaves what `heal` puts right, whichever device runs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mega_cli.api.messages import LinkInfo, LinkRequest, LinkUpdate
from mega_cli.crypto import randomness
from mega_cli.crypto.links import with_password
from mega_cli.errors import MissingItemError, UsageError
from mega_cli.formats.link import LINK_ID_BYTES, SECRET_BYTES
from mega_cli.formats.page import FILE, FOLDER, Entry, encode_page
from mega_cli.formats.share import Share, encode_share, new_share
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.share.plan import Action, plan
from mega_cli.share.shares import Kept, drop_share, read_shares, record_of, target_of, write_share
from mega_cli.state.posted import PostedLinks
from mega_cli.volume.browse import existing_entry
from mega_cli.volume.commit import commit, open_tree
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES, Tree, shown
from mega_cli.volume.upload import Uploader


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """What a new link may do. Times are milliseconds since 1970 UTC; 0: never, or no limit."""

    is_live: bool | None = None
    """None: folders are, files are not."""
    expires_ms: int = 0
    most_opened: int = 0
    password: Secret | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LinkState:
    """One link: what the tree keeps, where its target is now (None: it has left), what the server says (None: none)."""

    kept: Kept
    path: str | None
    info: LinkInfo | None


def make_link(session: VolumeSession, path: RemotePath, options: LinkOptions, posted: PostedLinks) -> Kept:
    """Commit a share of what stands at `path`, then post its link. Raises MissingItemError, UsageError."""
    if path.is_root:
        raise UsageError("the whole account cannot be shared", "name a folder in it: mega ls /")
    link_id, secret = randomness.random_bytes(LINK_ID_BYTES), Secret(randomness.random_bytes(SECRET_BYTES))
    key = secret if options.password is None else with_password(secret, link_id, options.password)
    made: list[Kept] = []

    def change(tree: Tree) -> None:
        entry = existing_entry(tree, (FILES, *path.parts))
        if entry.kind not in (FILE, FOLDER):
            raise UsageError(f"{shown((FILES, *path.parts))} is a symbolic link", "share the file it leads to")
        is_live = entry.kind == FOLDER if options.is_live is None else options.is_live
        share = new_share(
            secret=secret.reveal(),
            key=key.reveal(),
            has_password=options.password is not None,
            node_id=entry.node_id,
            is_live=is_live,
            path=str(path),
            expires_ms=options.expires_ms,
            most_opened=options.most_opened,
            note=options.note,
            created_ms=session.device.now_ms(),
        )
        made[:] = [Kept(link_id, share, None if is_live else entry)]
        write_share(session, tree, made[0])

    _commit(session, change)
    heal(session, posted)
    return made[0]


def list_links(session: VolumeSession) -> list[LinkState]:
    """List the links of this volume, newest first."""
    tree = open_tree(session, session.head())
    shares = read_shares(session, tree)
    infos = {info.link: info for info in session.client.links()} if shares else {}
    states = [LinkState(kept, _path(session, tree, kept), infos.get(kept.link_id)) for kept in shares]
    return sorted(states, key=lambda state: state.kept.share.created_ms, reverse=True)


def change_link(
    session: VolumeSession,
    link_id: bytes,
    posted: PostedLinks,
    *,
    expires_ms: int | None = None,
    most_opened: int | None = None,
    note: str | None = None,
) -> None:
    """Change a link in place; None leaves things as they are. Raises MissingItemError."""

    def change(tree: Tree) -> None:
        kept = _one(read_shares(session, tree), link_id)
        old = kept.share
        share = new_share(
            **{name: getattr(old, name) for name in Share.__struct_fields__ if name != "version"}
            | {
                "expires_ms": old.expires_ms if expires_ms is None else expires_ms,
                "most_opened": old.most_opened if most_opened is None else most_opened,
                "note": old.note if note is None else note,
            }
        )
        write_share(session, tree, Kept(link_id, share, kept.frozen))

    _commit(session, change)
    heal(session, posted)


def revoke_links(session: VolumeSession, link_ids: Sequence[bytes]) -> None:
    """End links for ever: at the server first, then in the tree. One that the server never had is fine."""
    for link_id in link_ids:
        try:
            session.client.revoke_link(link_id)
        except MissingItemError:
            continue
    _drop(session, link_ids)


def heal(session: VolumeSession, posted: PostedLinks) -> int:
    """Bring every link in step with the tree; give how many were not. Safe to repeat, and to be cut."""
    head = session.head()
    tree = open_tree(session, head)
    shares = read_shares(session, tree)
    infos = {info.link: info for info in session.client.links()} if shares else {}
    healed, ended = 0, []
    for kept in shares:
        info, found = infos.get(kept.link_id), target_of(session, tree, kept)
        target = None if found is None else found[1]
        state = _fingerprint(kept, target)
        action = plan(info, has_target=target is not None, is_in_step=posted.state(kept.link_id) == state)
        if action is Action.DROP:
            ended.append(kept.link_id)
        elif action is not Action.NOTHING:
            _post(session, kept, info, target, max(head.revision, info.seq + 1 if info else 0))
            posted.remember(kept.link_id, state)
            healed += 1
    if ended:
        _drop(session, ended)
    return healed + len(ended)


def _post(session: VolumeSession, kept: Kept, info: LinkInfo | None, target: Entry | None, seq: int) -> None:
    """Post a link, replace what it shows, or stop it when there is nothing to show."""
    share = kept.share
    record = b"" if target is None else record_of(session, kept, target, seq)
    if info is None:
        session.client.add_link(
            LinkRequest(
                link=kept.link_id,
                auth_hash=hashlib.sha256(kept.keys.auth).digest(),
                volume=bytes(session.keys.volume),
                seq=seq,
                expires_ms=share.expires_ms,
                most_opened=share.most_opened,
                record=record,
            )
        )
        return
    update = LinkUpdate(
        seq=seq,
        expires_ms=share.expires_ms,
        most_opened=share.most_opened,
        record=record,
        is_enabled=target is not None,
    )
    session.client.update_link(kept.link_id, update)


def _fingerprint(kept: Kept, target: Entry | None) -> bytes:
    """Name what a link shows, to tell whether it was posted so: its settings, and what its target is now."""
    parts = [
        encode_share(kept.share),
        b"" if target is None else encode_page(0, [target.replace(changed_in=0, ext={})]),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _path(session: VolumeSession, tree: Tree, kept: Kept) -> str | None:
    found = target_of(session, tree, kept)
    return None if found is None else found[0]


def _one(shares: Sequence[Kept], link_id: bytes) -> Kept:
    """Find a share. Raises MissingItemError."""
    for kept in shares:
        if kept.link_id == link_id:
            return kept
    raise MissingItemError("there is no such link", "to see all: mega shares")


def _drop(session: VolumeSession, link_ids: Sequence[bytes]) -> None:
    """Take shares out of the tree."""

    def change(tree: Tree) -> None:
        for link_id in link_ids:
            drop_share(tree, link_id)

    _commit(session, change)


def _commit(session: VolumeSession, change: Callable[[Tree], None]) -> None:
    with Uploader(session.client, session.keys.volume, lambda _facts: None) as uploader:
        commit(session, change, uploader)
