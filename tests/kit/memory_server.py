"""A volume's server in memory, with the real rules of a commit, and devices that work on it.

It stands in for `ServerClient`: blobs by id, a chain of records. It checks signature, revision, prev and that every
needed id is stored; and, with the keys a real server never has, that nothing the new tree relies on is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mega_cli.api.client import ServerClient
from mega_cli.crypto import labels
from mega_cli.crypto.content import chunk_index_key
from mega_cli.crypto.signing import verify
from mega_cli.errors import HeadMovedError, IntegrityError, MissingBlobsError
from mega_cli.formats.lists import decode_list
from mega_cli.formats.object import open_object
from mega_cli.formats.page import FILE, FOLDER, Entry, IndexItem, decode_page
from mega_cli.formats.root_record import NO_PREV, RootBody, open_root_record, record_header, seal_root_record
from mega_cli.model import DATA, LIST, BlobId, Ref, VolumeId
from mega_cli.state.index import ContentIndex
from mega_cli.state.pages import PageCache
from mega_cli.state.trust import TrustStore
from mega_cli.volume.session import Device, Owner, VolumeSession
from tests.kit.forge import ACCOUNT, KEYS, MASTER, ORIGIN

NOW_MS = 1_700_000_000_123


@dataclass
class MemoryServer:
    """What the server holds, and what was done to it."""

    blobs: dict[BlobId, bytes] = field(default_factory=dict)
    chain: list[bytes] = field(default_factory=list)
    needs: frozenset[BlobId] = frozenset()
    """What the last commit named."""
    sent_bytes: int = 0
    packs: int = 0
    fetched: list[BlobId] = field(default_factory=list)
    before_commit: Callable[[], None] | None = None
    """Runs once, between the decision of a commit and its swap: another device acts."""
    before_blob: Callable[[BlobId], None] | None = None
    """Runs before each blob that is fetched."""

    def __post_init__(self) -> None:
        """Make the empty volume, as a signup does."""
        body = RootBody(None, NOW_MS, bytes(16), 1, bytes(16))
        self.chain.append(seal_root_record(KEYS, 1, NO_PREV, body))

    @property
    def revision(self) -> int:
        """The head's revision."""
        return len(self.chain)

    def root(self, revision: int = 0) -> Ref | None:
        """Give the root page's ref of a revision, the head's by default."""
        return open_root_record(KEYS, self.chain[(revision or self.revision) - 1])[1].root

    def reachable(self, revision: int = 0) -> set[BlobId]:
        """Walk a revision whole; every blob must be stored and verify."""
        root = self.root(revision)
        return set() if root is None else set(self._below([root]))

    def node_ids(self) -> list[bytes]:
        """List the node_id of every entry of the head."""
        return [entry.node_id for entry in self.all_entries()]

    def all_entries(self) -> list[Entry]:
        """List every entry of the head, in no order."""
        found: list[Entry] = []
        root = self.root()
        todo = [] if root is None else [root]
        while todo:
            ref = todo.pop()
            for item in decode_page(open_object(self.blobs[ref.id], ref)).items:
                if isinstance(item, IndexItem):
                    todo.append(Ref.unpack(item.ref))
                else:
                    found.append(item)
                    todo += item.ref_list() if item.kind == FOLDER else []
        return found

    def data_ids(self) -> set[BlobId]:
        """Give the ids of file content that the head relies on."""
        files = [ref for entry in self.all_entries() if entry.kind == FILE for ref in entry.ref_list()]
        return set(self._below(files))

    def _below(self, refs: list[Ref]) -> dict[BlobId, Ref]:
        """Give every ref that these lead to, themselves included."""
        found: dict[BlobId, Ref] = {}
        todo = list(refs)
        while todo:
            ref = todo.pop()
            if ref.id not in found:
                found[ref.id] = ref
                todo += _children(open_object(self.blobs[ref.id], ref), ref)
        return found

    def commit(self, record: bytes, needs: frozenset[BlobId]) -> None:
        """Swap the head by the rules. Raises HeadMovedError, MissingBlobsError."""
        hook, self.before_commit = self.before_commit, None
        if hook is not None:
            hook()
        header = record_header(record)
        verify(KEYS.writer_public, labels.SIGN_ROOT, record[:-64], record[-64:])
        if header.revision != self.revision + 1 or header.prev != hashlib.sha256(self.chain[-1]).digest():
            raise HeadMovedError(self.chain[-1])
        missing = frozenset(needs - self.blobs.keys())
        if missing:
            raise MissingBlobsError(missing)
        before = self.reachable()
        self.chain.append(record)
        self.needs = needs
        left_out = self.reachable() - before - needs
        assert not left_out, f"a commit relies on {len(left_out)} blobs that it does not name"


def _children(raw: bytes, ref: Ref) -> list[Ref]:
    """Give the refs that an object holds."""
    if ref.kind == DATA:
        return []
    if ref.kind == LIST:
        return decode_list(raw, ref)
    items = decode_page(raw).items
    return [
        child
        for item in items
        for child in (Ref.unpack_all(item.ref) if isinstance(item, IndexItem) else item.ref_list())
    ]


class MemoryClient(ServerClient):
    """One device's way to a `MemoryServer`."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    def close(self) -> None:
        """Do nothing."""

    def head(self, volume: VolumeId) -> bytes:
        """Give the newest record."""
        assert volume == KEYS.volume
        return self._server.chain[-1]

    def records(self, volume: VolumeId, first: int, last: int) -> list[bytes]:
        """Give a run of the chain."""
        assert volume == KEYS.volume
        return self._server.chain[first - 1 : last]

    def upload_pack(self, volume: VolumeId, ids: Sequence[BlobId], blobs: Sequence[bytes]) -> None:
        """Store blobs under the SHA-256 of their bytes."""
        assert volume == KEYS.volume
        for id_, blob in zip(ids, blobs, strict=True):
            assert id_ == hashlib.sha256(blob).digest()
            self._server.blobs[id_] = bytes(blob)
            self._server.sent_bytes += len(blob)
        self._server.packs += 1

    def fetch_blobs(self, volume: VolumeId, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Give blobs in order; one that is not stored is an integrity error, as in the real client."""
        assert volume == KEYS.volume
        for id_ in ids:
            if self._server.before_blob is not None:
                self._server.before_blob(id_)
            if id_ not in self._server.blobs:
                raise IntegrityError
            self._server.fetched.append(id_)
            yield id_, self._server.blobs[id_]

    def commit(self, volume: VolumeId, record: bytes, needs: Iterable[BlobId]) -> None:
        """Swap the head."""
        assert volume == KEYS.volume
        self._server.commit(record, frozenset(needs))


def open_device(server: MemoryServer, folder: Path, number: int = 1) -> VolumeSession:
    """Open the volume on a device whose state lies in `folder`."""
    folder.mkdir(exist_ok=True)
    return VolumeSession(
        client=MemoryClient(server),
        keys=KEYS,
        trust=TrustStore(folder / "trust.db"),
        pages=PageCache(folder / "pages.db"),
        index=ContentIndex(folder / "index.db"),
        device=Device(bytes([number]) * 16, lambda: NOW_MS),
        owner=Owner(ORIGIN, ACCOUNT),
        index_key=chunk_index_key(MASTER.local_key),
    )
