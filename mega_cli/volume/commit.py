"""Decide and make a commit: apply a change to the head, seal the changed pages, swap the head, confirm.

The loser of a swap applies its change again to the new head. Nothing is believed committed before a verified head
shows it (attacks.md T25).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from mega_cli.crypto import randomness
from mega_cli.errors import HeadMovedError, MissingBlobsError, TemporaryError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.formats.root_record import RootBody, record_header, seal_root_record, with_device
from mega_cli.model import NEEDS_PER_COMMIT, BlobId, Pin, Ref
from mega_cli.volume.depth import allow_depth
from mega_cli.volume.session import Device, Head, VolumeSession
from mega_cli.volume.tree import Tree
from mega_cli.volume.upload import Uploader

ATTEMPTS = 1_000
SLOT_S = 0.02
"""The unit of the back-off under contention: about the time one commit takes on loopback."""
LONGEST_WAIT_S = 0.16
"""The winner of a swap holds the new pages already and tends to win again, so losers must not wait long. Ten devices,
100 commits, 2 busy cores: 6 to 9 s with this bound (200 to 280 lost swaps), 12 to 19 s with 1 s (130 to 170 lost);
only on a machine with five times more to do than cores is the long wait better (29 s against 19 s). Ten devices, 200
commits: 11 s (398 lost); without a wait after the first loss 14 s (465), without any 23 s (1,184), with a wait before
the commit after a contended one 20 s (727). In all of them one device after the other gets through: the total is what
can be bettered here, not the order."""

Change = Callable[[Tree], None]
AboutTo = Callable[[Pin, Ref], None]
"""Told the record that is about to be offered, and its root page."""


def commit(
    session: VolumeSession,
    change: Change,
    uploader: Uploader,
    needs: Iterable[BlobId] = (),
    about_to: AboutTo = lambda _pin, _root: None,
) -> int | None:
    """Apply `change` to the head and commit it; give the revision, or None when it changed nothing.

    `change` is applied afresh to each head the server shows until a swap succeeds, so it must read the tree it is
    given and keep nothing from an earlier call. `needs` names the whole closure of the objects it brings in; the ids
    of changed pages are added here. `about_to` is called just before each swap. Raises TemporaryError after 1,000 lost
    swaps, MissingBlobsError, LimitError, and whatever `change` or `about_to` raises.
    """
    head = session.head()
    content = frozenset(needs)
    for attempt in range(ATTEMPTS):
        tree = open_tree(session, head)
        change(tree)
        root = tree.write()
        fresh = session.pages.take_fresh()
        if root == tree.root:
            return None
        for sealed in fresh:
            uploader.add(sealed)
        uploader.flush()
        record = seal_root_record(session.keys, head.revision + 1, head.digest, next_body(head, session.device, root))
        header = record_header(record)
        about_to(Pin(header.revision, header.digest), root)
        moved = _swap(session, head, record, content | {sealed.ref.id for sealed in fresh} | {root.id})
        if moved is None:
            session.has_committed = True
            return head.revision + 1
        head = moved
        time.sleep(randomness.random_below(min(LONGEST_WAIT_S, SLOT_S * 2 ** min(attempt, 10))))
    raise HeadMovedError(b"")


def _swap(session: VolumeSession, base: Head, record: bytes, needs: AbstractSet[BlobId]) -> Head | None:
    """Offer a record; give None when the chain holds it, or the head that came first.

    A refusal is not believed either: the server may refuse a record that it took before, when an answer was lost.
    """
    header = record_header(record)
    ours, since = Pin(header.revision, header.digest), Pin(base.revision, base.digest)
    named = sorted(needs)
    if surplus := named[NEEDS_PER_COMMIT:]:  # held instead of named: the server touches them now
        missing = session.client.hold(session.keys.volume, surplus)
        if missing:
            raise MissingBlobsError(frozenset(missing))
    try:
        session.client.commit(session.keys.volume, record, named[:NEEDS_PER_COMMIT])
    except HeadMovedError as error:
        head, passed = session.follow(error.head, since)
        return None if ours in passed else head
    if not session.shows(ours, since):
        raise TemporaryError(
            "the server acknowledged the change and does not show it", "nothing was lost: run the same command again"
        )
    return None


def open_tree(session: VolumeSession, head: Head) -> Tree:
    """Open the working copy of a head: the beginning of every walk through a volume."""
    allow_depth()
    return Tree(session.pages, head.body.root, head.revision + 1, lambda name: new_folder(session.device, name))


def new_folder(device: Device, name: str, *, mode: int = 0o755, changed_in: int = 0) -> Entry:
    """Make the entry of an empty folder, with a random node_id and the present time."""
    return Entry(
        name=name,
        node_id=randomness.random_bytes(16),
        kind=FOLDER,
        size=0,
        mtime_ns=device.now_ms() * 1_000_000,
        mode=mode,
        digest=b"",
        refs=b"",
        target="",
        changed_in=changed_in,
        ext={},
    )


def next_body(head: Head, device: Device, root: Ref) -> RootBody:
    """Fill the sealed part of the record after `head`: the root, and which other devices committed last."""
    seen = dict(with_device(head.body.devices, head.body.device_id, head.body.device_seq))
    own_seq = seen.pop(device.id, 0) + 1
    return RootBody(
        root=root,
        time_ms=device.now_ms(),
        device_id=device.id,
        device_seq=own_seq,
        commit_nonce=randomness.random_bytes(16),
        min_reader=head.body.min_reader,
        devices=tuple(seen.items()),
    )
