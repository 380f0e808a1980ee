"""The folder that a pair syncs with, in a real volume: verified heads, compared page by page, and commits.

It relies on `VolumeSession` for every verification and keeps nothing between runs but what a mark says. It must never
tell of a head that was not verified, take a missing folder for an empty one, or commit on a folder that nobody planned
for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, final

from mega_cli.errors import (
    BugError,
    IntegrityError,
    MissingBlobsError,
    MissingItemError,
    RollbackError,
    SafetyStopError,
    UsageError,
)
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.model import REF_BYTES, BlobId, Pin, Ref
from mega_cli.paths.remote import RemotePath as VolumePath
from mega_cli.reconcile.nodes import Node, NodeId, Overlay, TreeView, path_of
from mega_cli.sync.entries import entry_of, is_held, node_of, sync_id
from mega_cli.sync.remote import (
    Change,
    Download,
    Downloaded,
    Edit,
    RemoteMark,
    RemoteMovedError,
    RemotePath,
    Sight,
    Upload,
    Uploaded,
)
from mega_cli.sync.volume_fetch import fetch_files
from mega_cli.sync.volume_upload import store_files
from mega_cli.volume.commit import commit, new_folder, open_tree
from mega_cli.volume.content import Content
from mega_cli.volume.diff import Difference, Placed, diff_folders
from mega_cli.volume.edits import Make, NodeEdit, apply_edits, misfit
from mega_cli.volume.history import is_in_history, past_heads
from mega_cli.volume.page_diff import PagesGoneError
from mega_cli.volume.progress import Progress, SilentProgress
from mega_cli.volume.requests import TRANSFERS
from mega_cli.volume.session import Head, VolumeSession
from mega_cli.volume.tree import FILES, Path, Tree, shown
from mega_cli.volume.upload import Uploader

PAST_REVISIONS: Final = 200
"""How far back `past_digests` looks: each revision costs a few pages."""
_UNBORN: Final = bytes(16)
"""Stands for the node_id of `/` in a volume that nobody has committed to: it gets one with the first commit."""


class _State(NamedTuple):
    """What a mark says of the folder: which node it is, its pages, and whether the next sight must be whole."""

    node_id: bytes
    refs: bytes
    tells_all: bool = False

    def pack(self) -> bytes:
        """Write it: 17 bytes, and 80 more for a folder that is not empty."""
        return bytes([self.tells_all]) + self.node_id + self.refs

    @classmethod
    def unpack(cls, raw: bytes) -> _State:
        """Read it. Raises SafetyStopError for what no mark of this folder is."""
        if len(raw) not in (17, 17 + REF_BYTES):
            raise misfit()
        return cls(raw[1:17], raw[17:], raw[:1] != b"\0")

    def ref(self) -> Ref | None:
        """Give the first page."""
        return Ref.unpack(self.refs) if self.refs else None

    def __repr__(self) -> str:
        """Show no ref: it holds a key."""
        return f"_State(node_id={self.node_id.hex()[:8]})"


@final
class VolumeFolder:
    """A `RemoteFolder` over a volume."""

    def __init__(
        self,
        session: VolumeSession,
        path: VolumePath,
        *,
        transfers: int = TRANSFERS,
        progress: Progress | None = None,
    ) -> None:
        self._session = session
        self._path: Path = (FILES, *path.parts)
        self._transfers = transfers
        self._progress = progress or SilentProgress()
        self._seen: Tree | None = None

    # --- looking ------------------------------------------------------------------------------------------------------

    def observe(self, since: RemoteMark | None) -> Sight:
        """Look at the verified head, and tell what is different from `since`.

        Raises RollbackError also when the head is no descendant of `since`, as after `mega trust accept`,
        MissingItemError when there is no such folder and never was, LimitError for too much or too deep.
        """
        head = self._session.head()
        if since is not None and not is_in_history(self._session, head, Pin(since.revision, since.digest)):
            raise RollbackError(
                f"the volume's history was replaced: revision {since.revision}, which this folder was last synced "
                "with, is no part of it",
                "to compare both sides anew, deleting nothing: mega syncs rm ID, then the same mega sync again",
            )
        tree = open_tree(self._session, head)
        before = None if since is None else _State.unpack(since.folder)
        now = self._state(tree, before)
        self._seen = tree
        mark = RemoteMark(head.revision, head.digest, now.pack())
        if before is not None and not before.tells_all:
            try:
                return _sight(mark, self._differences(before.ref(), now.ref()), is_whole=False)
            except PagesGoneError:
                pass  # the older pages were swept: what there is now is told whole
        return _sight(mark, self._differences(None, now.ref()), is_whole=True)

    def has_committed(self, mark: RemoteMark) -> bool:
        """Tell whether the record that a mark names lies on the verified way to the head."""
        return is_in_history(self._session, self._session.head(), Pin(mark.revision, mark.digest))

    def past_digests(self) -> frozenset[bytes]:
        """Give the digests of files that older roots held in this folder and the present one does not.

        As far as the server has their records and pages, and no further back than 200 revisions.
        """
        head = self._session.newest or self._session.head()
        newer = self._state(open_tree(self._session, head), None)
        present, found = newer.ref(), set[bytes]()
        try:
            for past in past_heads(self._session, head, PAST_REVISIONS):
                older = self._past_state(past)
                if older is not None and older.node_id == newer.node_id:
                    found |= _lost_digests(self._differences(older.ref(), newer.ref()))
                    newer = older
        except IntegrityError:
            pass  # the server keeps old pages for some time only
        return frozenset(found - _digests(self._differences(None, present))) if found else frozenset()

    # --- content ------------------------------------------------------------------------------------------------------

    def upload(self, files: Iterable[Upload]) -> Iterator[Uploaded]:
        """Store content; one answer a file, once it is stored."""
        return store_files(self._session, files, transfers=self._transfers, progress=self._progress)

    def fetch(self, files: Iterable[Download]) -> Iterator[Downloaded]:
        """Fetch content of the folder as it was observed last; one answer a file, in order."""
        return fetch_files(self._session, files, self._find, transfers=self._transfers, progress=self._progress)

    def _find(self, download: Download) -> Entry | None:
        assert self._seen is not None, "observe first"
        entry = self._seen.entry((*self._path, *download.path))
        return None if entry is None or sync_id(entry.node_id, entry.kind) != download.node.id else entry

    # --- changing -----------------------------------------------------------------------------------------------------

    def commit(
        self, base: RemoteMark, edits: Sequence[Edit], observed: TreeView, about_to: Callable[[RemoteMark], None]
    ) -> RemoteMark:
        """Make the edits one new root."""
        session, planned_for = self._session, _State.unpack(base.folder)
        planned = _node_edits(edits, observed)
        announced: list[RemoteMark] = []
        tells_all = planned_for.tells_all

        def change(tree: Tree) -> None:
            nonlocal tells_all
            if self._state(tree, planned_for).refs != planned_for.refs:
                raise RemoteMovedError
            now_ms = session.device.now_ms()
            node_edits = [edit.at(tree.revision, now_ms * 1_000_000) for edit in planned]
            tells_all = apply_edits(tree, self._path, node_edits, now_ms) or planned_for.tells_all

        def announce(pin: Pin, root: Ref) -> None:
            self._seen = self._tree(root, pin.revision)
            now = self._state(self._seen, planned_for)._replace(tells_all=tells_all)
            announced.append(RemoteMark(pin.revision, pin.digest, now.pack()))
            about_to(announced[-1])

        needs = [id_ for edit in planned if edit.content is not None for id_ in edit.content.ids]
        try:
            with Uploader(session.client, session.keys.volume, lambda _facts: None) as uploader:
                revision = commit(session, change, uploader, needs, announce)
        except MissingBlobsError as error:
            session.index.forget({BlobId(id_) for id_ in error.missing})
            raise
        if revision is None:
            assert session.newest is not None
            return RemoteMark(session.newest.revision, session.newest.digest, base.folder)
        return announced[-1]

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _state(self, tree: Tree, known: _State | None) -> _State:
        """Find the folder in a tree, which must be the node that is `known`.

        Raises SafetyStopError when it is not, MissingItemError and UsageError when there is no folder and nothing is
        known.
        """
        entry = tree.entry(self._path)
        path = shown(self._path)
        if entry is None or entry.kind != FOLDER:
            if known is not None:
                raise _gone(path)
            if entry is not None:
                raise UsageError(f"{path} is a file or a link, not a folder", "choose another place")
            raise MissingItemError(f"there is no folder {path}", f"to make it: mega mkdir -p {path}")
        node_id = _UNBORN if tree.root is None else entry.node_id
        if known is not None and known.node_id not in (node_id, _UNBORN):
            raise _gone(path)
        return _State(node_id, entry.refs)

    def _past_state(self, head: Head) -> _State | None:
        """Find the folder as an older head held it."""
        entry = None if head.body.root is None else self._tree(head.body.root, head.revision).entry(self._path)
        return None if entry is None or entry.kind != FOLDER else _State(entry.node_id, entry.refs)

    def _tree(self, root: Ref, revision: int) -> Tree:
        return Tree(self._session.pages, root, revision, lambda name: new_folder(self._session.device, name))

    def _differences(self, old: Ref | None, new: Ref | None) -> list[Difference]:
        return diff_folders(self._session.pages, old, new, goes_down=is_held)


# --- what was seen ----------------------------------------------------------------------------------------------------


def _sight(mark: RemoteMark, differences: Iterable[Difference], *, is_whole: bool) -> Sight:
    """Turn entries into nodes. Raises IntegrityError where a node changed its kind, or two nodes share an id."""
    changes: dict[NodeId, Node | None] = {}
    unheld = []
    for before, after in differences:
        was, now = _held(before), _held(after)
        if was is not None and now is not None and was.id == now.id and was.kind != now.kind:
            raise IntegrityError
        if was is not None and (now is None or now.id != was.id):
            changes.setdefault(was.id, None)
        elif before is not None and after is None:  # it could not be held, and is gone for good
            changes.setdefault(_id(before), None)
        if now is not None and now != was:
            if changes.get(now.id) is not None:
                raise IntegrityError
            changes[now.id] = now
        if after is not None and now is None:
            unheld.append((_id(after), after.path))
    return Sight(mark, [Change(id_, node) for id_, node in changes.items()], is_whole, unheld)


def _id(placed: Placed) -> NodeId:
    return sync_id(placed.entry.node_id, placed.entry.kind)


def _held(placed: Placed | None) -> Node | None:
    return node_of(placed) if placed is not None and is_held(placed) else None


def _digests(differences: Iterable[Difference]) -> set[bytes]:
    """Give the digests of the files that are there."""
    return {after.entry.digest for _, after in differences if after is not None and after.entry.digest}


def _lost_digests(differences: Iterable[Difference]) -> set[bytes]:
    """Give the digests of the files that were there and are no more, or are others now."""
    return {
        before.entry.digest
        for before, after in differences
        if before is not None and before.entry.digest and (after is None or after.entry.digest != before.entry.digest)
    }


# --- what is to be changed --------------------------------------------------------------------------------------------


class _Planned(NamedTuple):
    """An edit with its paths, before the revision is known that it will be part of."""

    edit: Edit
    node_id: bytes
    before: RemotePath | None
    after: RemotePath | None
    content: Content | None

    def at(self, revision: int, now_ns: int) -> NodeEdit:
        """Make the edit of the tree."""
        return NodeEdit(self.node_id, self.before, self.after, self._maker(revision, now_ns))

    def _maker(self, revision: int, now_ns: int) -> Make:
        before, after = self.edit.before, self.edit.after

        def make(existing: Entry | None) -> Entry:
            assert after is not None
            if existing is not None and before is not None and _seen_again(existing, before) != before:
                raise misfit()
            return entry_of(after, existing, self.content, revision, now_ns)

        return make


def _seen_again(entry: Entry, node: Node) -> Node:
    """Make the node of an entry that stands where `node` did."""
    return node_of(Placed(entry, node.parent, ()))


def _node_edits(edits: Sequence[Edit], observed: TreeView) -> list[_Planned]:
    """Find where everything stands, and will stand. Raises SafetyStopError for what stands nowhere."""
    target = Overlay(observed, {_node(edit).id: edit.after for edit in edits})
    planned = []
    for edit in edits:
        node, content = _node(edit), edit.content
        before = None if edit.before is None else path_of(observed, node.id)
        after = None if edit.after is None else path_of(target, node.id)
        is_known = observed.get(node.id) == edit.before and (before is None) == (edit.before is None)
        if not is_known or (after is None) != (edit.after is None):
            raise misfit()
        if content is not None and not isinstance(content, Content):
            msg = "a commit was given content of another folder"
            raise BugError(msg)
        planned.append(_Planned(edit, sync_id(node.id, node.kind), before, after, content))
    return planned


def _node(edit: Edit) -> Node:
    node = edit.after or edit.before
    assert node is not None, "an edit of nothing"
    return node


def _gone(path: str) -> SafetyStopError:
    return SafetyStopError(
        f"the folder {path} is gone from the volume, or another one has its name: nothing was changed",
        "to get it back: mega trash; to sync with what is there now: mega syncs rm ID, then the same mega sync again",
    )
