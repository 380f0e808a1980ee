"""A remote folder in memory: for tests and the simulator.

A `SimFolder` is one device's sight of a `SimVolume`, and verifies as a real one does: by a pin that only rises.
Whatever goes wrong is decided by the caller, so that a run can be told again from its seed. It never touches clock,
chance or disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Final, final

from mega_cli.crypto.content import content_digest
from mega_cli.errors import (
    IntegrityError,
    LimitError,
    MegaError,
    MissingBlobsError,
    MissingItemError,
    RollbackError,
    SafetyStopError,
    TemporaryError,
)
from mega_cli.reconcile.nodes import Node, TreeView
from mega_cli.sync.remote import (
    Change,
    Download,
    Downloaded,
    Edit,
    RemoteMark,
    RemoteMovedError,
    Sight,
    StalePartError,
    Upload,
    Uploaded,
)
from mega_cli.sync.sim_volume import LateCommit, SimContent, SimRecord, SimTree, SimVolume, depth_of, edited
from mega_cli.sync.stable_read import open_stable

PAST_RECORDS: Final = 200
_FOLDER_BYTES: Final = 24
_TELL_ALL: Final = b"!"
"""At the end of a mark's folder: the next sight is whole."""


class Fault(StrEnum):
    """What goes wrong at one moment."""

    DROP_REQUEST = "drop-request"
    """Nothing happens; the client sees a TemporaryError. So does who is told of a commit that was dropped (T25)."""
    DROP_REPLY = "drop-reply"
    """It happens; the client sees a TemporaryError."""
    LATE = "late"
    """Of `commit.swap`: a TemporaryError, and the swap is tried when `SimVolume.deliver_late` is called."""
    STALE = "stale"
    """Of `observe`, `has_committed`, `commit.read`: the oldest head that this client cannot tell from the newest."""
    QUOTA = "quota"
    """Of `upload` and `commit.read`: LimitError."""
    LOST_BLOBS = "lost-blobs"
    """Of `commit.swap`: MissingBlobsError."""
    BAD_BLOB = "bad-blob"
    """Of `fetch`: IntegrityError for that file."""


MOMENTS: Final = (
    "observe",
    "has_committed",
    "upload",
    "fetch",
    "commit.read",
    "commit.swap",
    "past_digests",
)
"""What reaches the server: each call once, each uploaded or fetched file, the two halves of each try to commit."""


@final
class SimFolder:
    """One device's `RemoteFolder`. Make another with the same `device` after a crash: the pin is kept.

    `on_call` is told each of `MOMENTS` before it reaches the server, and the same with ` done` after it did; it may let
    others act, or raise to end this client there. `faults` is then asked what goes wrong.
    """

    def __init__(
        self,
        volume: SimVolume,
        device: str = "device",
        *,
        on_call: Callable[[str], None] = lambda _moment: None,
        faults: Callable[[str], Fault | None] = lambda _moment: None,
    ) -> None:
        self._volume = volume
        self._device = device
        self._on_call = on_call
        self._faults = faults
        self._tree: SimTree | None = None
        self.branch = "main"
        """Which history the server shows to this client."""
        self.frozen: SimRecord | None = None
        """A head that the server shows to this client for ever, and refuses its commits for."""

    def observe(self, since: RemoteMark | None) -> Sight:
        """Look at the head, and tell what is different from `since`."""
        head = self._head("observe")
        if since is not None and not _holds(head, since):
            raise RollbackError("the volume's history was replaced", "to compare both sides anew: mega syncs rm")
        if head.tree is None:
            raise _gone() if since else _missing()
        if since is not None and since.folder[:16] != head.folder[:16]:
            raise _gone()
        self._tree = head.tree
        before = self._tree_at(head, since)
        return Sight(_mark(head), _changes(before or {}, head.tree), is_whole=before is None)

    def has_committed(self, mark: RemoteMark) -> bool:
        """Tell whether the record is part of the history."""
        return _holds(self._head("has_committed"), mark)

    def upload(self, files: Iterable[Upload]) -> Iterator[Uploaded]:
        """Store content."""
        for upload in files:
            try:
                with open_stable(upload) as file:
                    data = file.read_all()
                    file.check(content_digest(data))
            except MegaError as error:
                yield Uploaded(upload.node, None, error)
                continue
            fault = self._before("upload")
            if fault is Fault.QUOTA:
                raise _full()
            if fault is not Fault.DROP_REQUEST:
                self._volume.blobs[upload.node.digest] = data
            self._after("upload", fault)
            yield Uploaded(upload.node, SimContent(len(data), upload.node.digest))

    def fetch(self, files: Iterable[Download]) -> Iterator[Downloaded]:
        """Fetch content."""
        assert self._tree is not None, "observe first"
        for download in files:
            fault = self._before("fetch")
            self._after("fetch", fault)
            yield Downloaded(download.node, self._fetch(download, fault, self._tree))

    def commit(
        self, base: RemoteMark, edits: Sequence[Edit], observed: TreeView, about_to: Callable[[RemoteMark], None]
    ) -> RemoteMark:
        """Make the edits one new root."""
        del observed  # nodes are found by their ids
        head = self._head("commit.read")
        while True:
            if head.tree is None or head.folder[:16] != base.folder[:16]:
                raise _gone()
            if head.folder != base.folder[:_FOLDER_BYTES]:
                raise RemoteMovedError
            tree, removed, is_kept = edited(head.tree, edits)
            if tree == head.tree:
                return _mark(head, base.folder[_FOLDER_BYTES:])
            record = self._volume.sealed(head, tree, self._volume.next_folder(head.folder))
            mark = _mark(record, _TELL_ALL if is_kept else base.folder[_FOLDER_BYTES:])
            about_to(mark)
            if self._swap(head, record, edits, removed):
                self._volume.pins[self._device] = record
                self._tree = tree
                return mark
            shown = self._verified(self._shown())
            if shown is head:
                raise TemporaryError("the server refuses a change and shows no reason", "run the same command again")
            head = shown

    def past_digests(self) -> frozenset[bytes]:
        """Give the digests that older trees held and the present one does not."""
        head = self._head("past_digests")
        present = {node.digest for node in (head.tree or {}).values()}
        records = islice(head.chain(), PAST_RECORDS)
        return frozenset({n.digest for r in records for n in (r.tree or {}).values() if n.digest} - present)

    # --- the server ---------------------------------------------------------------------------------------------------

    def _before(self, moment: str) -> Fault | None:
        self._on_call(moment)
        return self._faults(moment)

    def _after(self, moment: str, fault: Fault | None) -> None:
        self._on_call(f"{moment} done")
        if fault in (Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.LATE):
            raise _lost()

    def _head(self, moment: str) -> SimRecord:
        """Ask for the head and verify it."""
        fault = self._before(moment)
        if fault is Fault.QUOTA:
            raise _full()
        shown = self._shown()
        if fault is Fault.STALE:
            pin = self._volume.pins.get(self._device)
            shown = pin if pin is not None and shown.descends_from(pin) else shown
        self._after(moment, fault)
        return self._verified(shown)

    def _shown(self) -> SimRecord:
        return self.frozen or self._volume.heads[self.branch]

    def _verified(self, shown: SimRecord) -> SimRecord:
        """Check a head against the pin, and raise the pin to it. Raises RollbackError."""
        pin = self._volume.pins.get(self._device)
        if pin is not None and not shown.descends_from(pin):
            raise RollbackError(
                f"the server showed revision {shown.revision}, which does not descend from revision {pin.revision}, "
                "the newest this device has seen",
                "nothing was changed",
            )
        self._volume.pins[self._device] = shown
        return shown

    def _swap(self, base: SimRecord, record: SimRecord, edits: Sequence[Edit], removed: list[Node]) -> bool:
        """Offer a record to the server."""
        fault = self._before("commit.swap")
        wanted = {edit.content.digest for edit in edits if edit.content is not None}
        missing = wanted if fault is Fault.LOST_BLOBS else wanted - self._volume.blobs.keys()
        has_moved = self.frozen is not None
        if fault is Fault.LATE:
            self._volume.late.append(LateCommit(self.branch, base, record, removed))
        elif fault is not Fault.DROP_REQUEST and not missing and not has_moved:
            has_moved = not self._volume.swap(self.branch, base, record, removed)
        self._after("commit.swap", fault)
        if missing:
            raise MissingBlobsError(frozenset(missing))
        return not has_moved

    def _tree_at(self, head: SimRecord, mark: RemoteMark | None) -> SimTree | None:
        """Find the folder as it was at a mark; None when that is not known, or not to be compared with."""
        if mark is None or len(mark.folder) > _FOLDER_BYTES or mark.folder in self._volume.swept:
            return None
        return next((record.tree for record in head.chain() if record.folder == mark.folder), None)

    def _fetch(self, download: Download, fault: Fault | None, tree: SimTree) -> MegaError | OSError | None:
        node = download.node
        there = tree.get(node.id)
        if there is None or there.digest != node.digest:
            return RemoteMovedError()
        data = self._volume.blobs.get(node.digest)
        try:
            sink = download.open()
            whole = b"".join(map(bytes, download.held()))
            if data and (rest := data[len(whole) :]):
                sink.write(rest)
                whole += rest
        except (MegaError, OSError) as error:
            return error
        if fault is not Fault.BAD_BLOB and data is not None and content_digest(whole) == node.digest:
            return None
        return StalePartError() if download.held_bytes else IntegrityError()


def _changes(before: SimTree, after: SimTree) -> list[Change]:
    """List what differs: what is gone, then what is there, folders before what lies in them."""
    gone = [Change(id_, None) for id_ in sorted(before.keys() - after.keys())]
    there = [node for id_, node in after.items() if before.get(id_) != node]
    there.sort(key=lambda node: (depth_of(after, node.id), node.id))
    return [*gone, *(Change(node.id, node) for node in there)]


def _holds(head: SimRecord, mark: RemoteMark) -> bool:
    """Tell whether a mark's record is `head` or before it."""
    for record in head.chain():
        if record.revision <= mark.revision:
            return (record.revision, record.digest) == (mark.revision, mark.digest)
    return False


def _mark(record: SimRecord, extra: bytes = b"") -> RemoteMark:
    return RemoteMark(record.revision, record.digest, record.folder + extra)


def _lost() -> TemporaryError:
    return TemporaryError("the server cannot be reached", "run the same command again")


def _full() -> LimitError:
    return LimitError("the account's quota is used up", "remove something first")


def _missing() -> MissingItemError:
    return MissingItemError("there is no such folder in the volume", "make it first")


def _gone() -> SafetyStopError:
    return SafetyStopError("the folder in the volume is gone, or is another one now", "nothing was changed")
