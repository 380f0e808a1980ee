"""Read a volume back whole: every revision of its chain, every page, every chunk, by the real client's own checks."""

from __future__ import annotations

from contextlib import closing

from mega_cli.crypto.content import content_hasher
from mega_cli.formats.page import FILE, FOLDER, Entry
from mega_cli.formats.root_record import open_root_record
from mega_cli.model import BlobId, Ref
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.lists import data_refs
from mega_cli.volume.pagetree import PageTree
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import folder_ref


def read_all_revisions(session: VolumeSession) -> int:
    """Read each revision's tree and contents; give the head's number. Raises IntegrityError for what is not whole."""
    head = session.head().revision
    read: set[BlobId] = set()
    for record in session.client.records(session.keys.volume, 1, head):
        _, body = open_root_record(session.keys, record)
        if body.root is not None:
            _read_tree(session, body.root, read)
    return head


def _read_tree(session: VolumeSession, root: Ref, read: set[BlobId]) -> None:
    todo: list[Ref] = [root]
    while todo:
        ref = todo.pop()
        if ref.id in read:
            continue
        read.add(ref.id)
        for entry in PageTree(session.pages, ref).entries():
            below = folder_ref(entry) if entry.kind == FOLDER else None
            if below is not None:
                todo.append(below)
            elif entry.kind == FILE:
                _read_file(session, entry)


def _read_file(session: VolumeSession, entry: Entry) -> None:
    hasher = content_hasher()
    (refs,) = data_refs(session, [entry])
    with closing(fetch_in_order(session, ((None, ref) for ref in refs), lambda _size: None)) as pieces:
        for _, _, plain in pieces:
            hasher.update(plain)
    assert hasher.digest() == entry.digest, "a file is not what its entry says"
