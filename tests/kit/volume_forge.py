"""Write trees into a real volume that no honest client would write: the work of somebody who has the keys."""

from __future__ import annotations

from collections.abc import Sequence

from mega_cli.crypto.content import content_digest
from mega_cli.formats.object import SealedObject, Sealer
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.formats.root_record import seal_root_record
from mega_cli.model import DATA, PAGE, Ref
from mega_cli.volume.commit import next_body
from mega_cli.volume.session import Head, VolumeSession
from tests.kit import forge

TOP = ("files", "shares", "snapshots", "system", "trash")


def upload(session: VolumeSession, objects: Sequence[SealedObject]) -> None:
    """Store sealed objects."""
    session.client.upload_pack(session.keys.volume, [o.ref.id for o in objects], [o.blob for o in objects])


def file_entry(name: str, chunks: Sequence[SealedObject], plain: bytes, **changes: object) -> Entry:
    """Make the entry of a file of these chunks."""
    refs = b"".join(chunk.ref.pack() for chunk in chunks)
    fields = {"size": len(plain), "digest": content_digest(plain), "refs": refs} | changes
    return forge.entry(name, **fields)


def folder_entry(name: str, page: Ref | None) -> Entry:
    """Make the entry of a folder."""
    return forge.entry(name, kind=FOLDER, mode=0o755, digest=b"", refs=page.pack() if page else b"")


def seal_any_page(session: VolumeSession, raw: bytes) -> SealedObject:
    """Seal any bytes as a page."""
    return Sealer(session.keys).seal_page(raw)


def root_over(session: VolumeSession, files: Ref) -> SealedObject:
    """Seal a root page whose folder `files` is `files`."""
    entries = [folder_entry(name, files if name == "files" else None) for name in TOP]
    return seal_any_page(session, forge.page_of(entries))


def record_after(session: VolumeSession, head: Head, root: Ref) -> bytes:
    """Sign the record that follows `head`."""
    body = next_body(head, session.device, root)
    return seal_root_record(session.keys, head.revision + 1, head.digest, body)


def commit_files(session: VolumeSession, page: bytes, objects: Sequence[SealedObject] = ()) -> None:
    """Make `page`, whatever it holds, the page of `/`; `objects` are uploaded with it."""
    files = seal_any_page(session, page)
    commit_page(session, files, objects)


def commit_page(session: VolumeSession, files: SealedObject, objects: Sequence[SealedObject] = ()) -> None:
    """Make a sealed page the page of `/`."""
    root = root_over(session, files.ref)
    every = [*objects, files, root]
    upload(session, every)
    head = session.head()
    needs = {sealed.ref.id for sealed in every}
    session.client.commit(session.keys.volume, record_after(session, head, root.ref), needs)


def sealed_under(ck: bytes, payload: bytes, kind: int = DATA) -> tuple[bytes, Ref]:
    """Seal another payload under a key that a reader knows."""
    from mega_cli.crypto.blobs import seal_blob  # noqa: PLC0415 -- shows where the second seal comes from

    blob, id_ = seal_blob(payload, ck)
    return blob, Ref(id_, ck, kind, 0 if kind != PAGE else len(payload))
