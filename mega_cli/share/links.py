"""Make a link, list what there is, change it, end it; and bring every link in step with the tree.

A share is committed before its link is posted, and dropped after the link is revoked: a run that is cut in between
leaves what `heal` puts right, whichever device runs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mega_cli.api.messages import ErrorCode, LinkInfo, LinkRequest, LinkUpdate
from mega_cli.crypto import randomness
from mega_cli.crypto.links import with_password
from mega_cli.errors import LimitError, MegaError, MissingItemError, UsageError
from mega_cli.formats.link import LINK_ID_BYTES, SECRET_BYTES, id_letters
from mega_cli.formats.page import FILE, FOLDER, Entry, encode_page
from mega_cli.formats.share import NOTE_MOST_CHARS, PATH_MOST_CHARS, new_share
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.share.plan import Action, plan
from mega_cli.share.shares import Kept, Target, drop_share, find_targets, moved, read_shares, record_of, write_share
from mega_cli.state.posted import Posted, PostedLinks
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


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What becomes of a link; None leaves things as they are."""

    expires_ms: int | None = None
    most_opened: int | None = None
    note: str | None = None

    def applied_to(self, kept: Kept) -> Kept:
        """Give the share as it will be. Raises LimitError for a note that is too long."""
        given = {"expires_ms": self.expires_ms, "most_opened": self.most_opened, "note": self.note}
        _check_note(self.note or "")
        return kept.changed(**{name: value for name, value in given.items() if value is not None})


def make_link(session: VolumeSession, path: RemotePath, options: LinkOptions, posted: PostedLinks) -> Kept:
    """Commit a share of what stands at `path`, then post its link. Raises MissingItemError, UsageError, LimitError.

    A link that the server does not take leaves no share; one that it could not be told of is posted by the next `heal`.
    """
    if path.is_root:
        raise UsageError("the whole account cannot be shared", "name a folder in it: mega ls /")
    if len(str(path)) > PATH_MOST_CHARS:
        raise LimitError("this path is too long to be shared", "move it higher up: mega mv --help")
    _check_note(options.note)
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
    try:
        heal(session, posted, only=link_id)
    except LimitError:
        _rewrite(session, dropped=[link_id])
        raise
    return made[0]


def find_link(session: VolumeSession, word: str) -> Kept:
    """Find the one link that a word means: the beginning of its id, in hexadecimal or as in its URL, or the URL.

    Raises MissingItemError, UsageError when several begin so.
    """
    begun = word.partition("/s/")[2].partition("#")[0] if "/s/" in word else word
    shares = read_shares(session, open_tree(session, session.head())) if begun else []
    found = [
        kept
        for kept in shares
        if kept.link_id.hex().startswith(begun.lower()) or id_letters(kept.link_id).startswith(begun)
    ]
    if not found:
        raise MissingItemError("there is no such link", "to see all: mega shares")
    if len(found) > 1:
        raise UsageError(f"{len(found)} links begin like this", "write more of the id")
    return found[0]


def list_links(session: VolumeSession) -> list[LinkState]:
    """List the links of this volume, newest first."""
    tree = open_tree(session, session.newest or session.head())
    shares = read_shares(session, tree)
    infos = {info.link: info for info in session.client.links()} if shares else {}
    targets = find_targets(session, tree, shares, searched=())
    states = [
        LinkState(kept, target.path if (target := targets.get(kept.link_id)) else None, infos.get(kept.link_id))
        for kept in shares
    ]
    return sorted(states, key=lambda state: state.kept.share.created_ms, reverse=True)


def change_link(session: VolumeSession, link_id: bytes, change: LinkChange, posted: PostedLinks) -> None:
    """Change a link in place: its URL stays. Raises MissingItemError, LimitError."""

    def edit(tree: Tree) -> None:
        write_share(session, tree, change.applied_to(_one(read_shares(session, tree), link_id)))

    _commit(session, edit)
    heal(session, posted, only=link_id)


def replace_link(
    session: VolumeSession, link_id: bytes, change: LinkChange, password: Secret | None, posted: PostedLinks
) -> Kept:
    """Give a link a password, another one or none: a new link takes its place. Raises MissingItemError, LimitError.

    The old one ends first, so that what shall need a password is open without it at no moment, wherever this is cut;
    then the tree forgets the old one and keeps the new one in one commit, and the new one is posted.
    """
    old = change.applied_to(_one(read_shares(session, open_tree(session, session.head())), link_id))
    new_id, secret = randomness.random_bytes(LINK_ID_BYTES), Secret(randomness.random_bytes(SECRET_BYTES))
    key = secret if password is None else with_password(secret, new_id, password)
    new = Kept(new_id, old.share, old.frozen).changed(
        secret=secret.reveal(), key=key.reveal(), has_password=password is not None
    )
    _revoke(session, [link_id])

    def swap(tree: Tree) -> None:
        drop_share(tree, link_id)
        write_share(session, tree, new)

    _commit(session, swap)
    posted.forget(link_id)
    heal(session, posted, only=new_id)
    return new


def revoke_links(session: VolumeSession, link_ids: Sequence[bytes], posted: PostedLinks) -> None:
    """End links for ever: at the server first, then in the tree. One that the server never had is fine."""
    _revoke(session, link_ids)
    _rewrite(session, dropped=link_ids)
    for link_id in link_ids:
        posted.forget(link_id)


def heal(session: VolumeSession, posted: PostedLinks, *, only: bytes | None = None, is_thorough: bool = False) -> int:
    """Bring links in step with the tree; give how many were not. Safe to repeat, and to be cut.

    Without shares it costs no request. A link that stands still because its target left is looked for at its former
    path alone, unless `is_thorough`. Raises what the server says to one link once the others are in step.
    """
    head = session.newest or session.head()
    tree = open_tree(session, head)
    shares = [kept for kept in read_shares(session, tree) if only in (None, kept.link_id)]
    infos = {info.link: info for info in session.client.links()} if shares else {}
    going = {kept.link_id for kept in shares if (info := infos.get(kept.link_id)) is None or info.is_enabled}
    searched = {kept.link_id for kept in shares} if is_thorough else going
    targets = find_targets(session, tree, shares, searched=searched)
    ended, healed, failure = [], 0, None
    for kept in shares:
        info, target = infos.get(kept.link_id), targets.get(kept.link_id)
        action = plan(info, has_target=target is not None, is_in_step=_is_in_step(posted, kept, info, target))
        if action is Action.DROP:
            ended.append(kept.link_id)
            posted.forget(kept.link_id)
        elif action is not Action.NOTHING:
            try:
                _post(session, kept, info, target, head.revision, posted)
                healed += 1
            except LimitError as error:  # the one refusal that concerns one link: there are too many
                failure = error
    _rewrite(session, dropped=ended, written=moved(shares, targets))
    if failure is not None:
        raise failure
    return healed + len(ended)


def _is_in_step(posted: PostedLinks, kept: Kept, info: LinkInfo | None, target: Target | None) -> bool:
    """Tell whether what was posted last is what is there now, and whether the server is not back before it."""
    last = posted.last(kept.link_id)
    return last is not None and info is not None and last.seq <= info.seq and last.state == _fingerprint(kept, target)


def _post(
    session: VolumeSession,
    kept: Kept,
    info: LinkInfo | None,
    target: Target | None,
    revision: int,
    posted: PostedLinks,
) -> None:
    """Post a link, replace what it shows, or stop it when there is nothing to show; remember what was posted."""
    share = kept.share
    seq = revision if info is None else max(revision, info.seq + 1)
    record = b"" if target is None else record_of(session, kept, target.entry, seq)
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
    else:
        update = LinkUpdate(
            seq=seq,
            expires_ms=share.expires_ms,
            most_opened=share.most_opened,
            record=record,
            is_enabled=target is not None,
        )
        try:
            session.client.update_link(kept.link_id, update)
        except MissingItemError:
            return  # revoked meanwhile: the next run drops the share
        except MegaError as error:
            if error.details.get("code") != ErrorCode.BAD_REQUEST:
                raise
            return  # another device has posted a newer state meanwhile
    posted.remember(kept.link_id, Posted(_fingerprint(kept, target), seq))


def _fingerprint(kept: Kept, target: Target | None) -> bytes:
    """Name what a link shows, to tell whether it was posted so: its limits, and what its target is now."""
    limits = b"%d %d" % (kept.share.expires_ms, kept.share.most_opened)
    entry = b"" if target is None else encode_page(0, [_as_shown(target.entry)])
    return hashlib.sha256(hashlib.sha256(limits).digest() + entry).digest()


def _as_shown(entry: Entry) -> Entry:
    return entry.replace(changed_in=0, ext={})


def _one(shares: Sequence[Kept], link_id: bytes) -> Kept:
    """Find a share. Raises MissingItemError."""
    for kept in shares:
        if kept.link_id == link_id:
            return kept
    raise MissingItemError("there is no such link", "to see all: mega shares")


def _check_note(note: str) -> None:
    if len(note) > NOTE_MOST_CHARS:
        raise LimitError(f"a note has at most {NOTE_MOST_CHARS} characters", "write a shorter one")


def _revoke(session: VolumeSession, link_ids: Sequence[bytes]) -> None:
    """End links at the server; one that it never had is fine."""
    for link_id in link_ids:
        try:
            session.client.revoke_link(link_id)
        except MissingItemError:
            continue


def _rewrite(session: VolumeSession, *, dropped: Sequence[bytes] = (), written: Iterable[Kept] = ()) -> None:
    """Take shares out of the tree, and write the paths of others that are still there."""
    paths = {kept.link_id: kept.share.path for kept in written if kept.link_id not in dropped}
    if not dropped and not paths:
        return

    def change(tree: Tree) -> None:
        for link_id in dropped:
            drop_share(tree, link_id)
        for kept in read_shares(session, tree):
            if kept.link_id in paths:
                write_share(session, tree, kept.changed(path=paths[kept.link_id]))

    _commit(session, change)


def _commit(session: VolumeSession, change: Callable[[Tree], None]) -> None:
    with Uploader(session.client, session.keys.volume, lambda _facts: None) as uploader:
        commit(session, change, uploader)
