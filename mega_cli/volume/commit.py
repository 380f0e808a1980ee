"""Decide and make a commit: apply a change to the head, seal the changed pages, swap the head, confirm.

The loser of a swap applies its change again to the new head. Nothing is believed committed before a verified head
shows it (attacks.md T25).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from mega_cli.crypto import randomness
from mega_cli.errors import HeadMovedError, TemporaryError
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.formats.root_record import RootBody, record_header, seal_root_record, with_device
from mega_cli.model import BlobId, Pin, Ref
from mega_cli.volume.session import Device, Head, VolumeSession
from mega_cli.volume.tree import Tree
from mega_cli.volume.upload import Uploader

ATTEMPTS = 1_000
SLOT_S = 0.02
"""The unit of the back-off under contention: about the time one commit takes on loopback."""
LONGEST_WAIT_S = 0.16
"""The winner of a swap holds the new pages already and tends to win again, so losers must not wait long. Ten devices,
120 commits, 2 busy cores: 13 s with this bound, 16 to 18 s with 0.32 to 1 s; without growth 12 to 20 s, and twice as
many swaps are lost."""

Change = Callable[[Tree], None]


def commit(session: VolumeSession, change: Change, uploader: Uploader, needs: Iterable[BlobId] = ()) -> int | None:
    """Apply `change` to the head and commit it; give the revision, or None when it changed nothing.

    `change` is applied afresh to each head the server shows until a swap succeeds, so it must read the tree it is
    given and keep nothing from an earlier call. `needs` names the whole closure of the objects it brings in; the ids
    of changed pages are added here. Raises TemporaryError after 1,000 lost swaps, MissingBlobsError, LimitError, and
    whatever `change` raises.
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
        pages = {sealed.ref.id for sealed in fresh}
        record = seal_root_record(session.keys, head.revision + 1, head.digest, next_body(head, session.device, root))
        try:
            session.client.commit(session.keys.volume, record, content | pages | {root.id})
        except HeadMovedError as error:
            head = session.accept(error.head, Pin(head.revision, head.digest))
            time.sleep(randomness.random_below(min(LONGEST_WAIT_S, SLOT_S * 2 ** min(attempt, 10))))
            continue
        _confirm(session, head, record)
        return head.revision + 1
    raise HeadMovedError(b"")


def open_tree(session: VolumeSession, head: Head) -> Tree:
    """Open the working copy of a head."""
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


def _confirm(session: VolumeSession, base: Head, record: bytes) -> None:
    header = record_header(record)
    if not session.shows(Pin(header.revision, header.digest), Pin(base.revision, base.digest)):
        raise TemporaryError(
            "the server acknowledged the change and does not show it", "nothing was lost: run the same command again"
        )
