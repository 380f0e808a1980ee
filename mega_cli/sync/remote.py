"""RemoteFolder: the volume's folder that a pair syncs with, as the engine sees it. It never touches the local disk.

Members: `VolumeFolder` (`volume_folder.py`), over a verified volume, and `SimFolder` (`sim_folder.py`), in memory,
which drops, delays, lies and forgets as it is told. Both pass `tests/contract/test_remote_folder.py`.

Promises of every member:
- What `observe` gives was verified: signature, chain from the pin, every page. A head that does not descend from the
  newest one seen raises RollbackError, and nothing of it is told.
- A folder that is gone, or is another node than at the mark, raises SafetyStopError: it never looks empty.
- A commit is atomic, and happens only on the folder that `base` names; `RemoteMovedError` otherwise.
- An error of `commit` says nothing: the commit may have happened. `has_committed` tells.
- Errors are MegaErrors; TemporaryError passes, IntegrityError never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from mega_cli.errors import MegaError, TemporaryError
from mega_cli.localfs.disk import OpenFile
from mega_cli.reconcile.nodes import Node, NodeId, TreeView

RemotePath = tuple[str, ...]
"""Names from the synced folder down."""


class RemoteMark(NamedTuple):
    """Which state of the folder was seen: opaque but for its revision; kept in the state between runs."""

    revision: int
    digest: bytes
    """Of the root record."""
    folder: bytes
    """Which folder, and what it pointed at: the member's own business."""

    def __repr__(self) -> str:
        """Show no ref."""
        return f"RemoteMark(revision={self.revision})"


class Change(NamedTuple):
    """One node that is another than at the mark: the node now, or None for one that left the folder."""

    id: NodeId
    node: Node | None


class Sight(NamedTuple):
    """What was observed. `changes` lists folders before what lies in them.

    `is_whole`: it could not be compared with the mark (there was none, or its pages are gone), so `changes` is every
    node there is, and what is not among them is gone. `unheld` are nodes that are there and that sync cannot hold,
    kinds of a later version or names that are no text: they are left alone, with everything below. Of those too, only
    what is different from the mark is told: a change to None says that one of them is gone, or was a node and is unheld
    from now on.
    """

    mark: RemoteMark
    changes: Sequence[Change]
    is_whole: bool
    unheld: Sequence[tuple[NodeId, RemotePath]] = ()


class RemoteMovedError(TemporaryError):
    """The folder is another than the plan was made for: observe and plan again."""

    name = "remote_moved"

    def __init__(self) -> None:
        """Say what a user reads only when it happened again and again."""
        super().__init__("other devices changed the same folder again and again", "run the same command again")


class Upload(NamedTuple):
    """A file to be stored. `open` gives it afresh each time; the reader is closed by who reads."""

    node: Node
    """Whose `digest` and `size` the content must have."""
    open: Callable[[], OpenFile]


class Content(Protocol):
    """Stored content, as `commit` wants it: the remote's own business but for these."""

    @property
    def size(self) -> int:
        """Give its bytes."""

    @property
    def digest(self) -> bytes:
        """Give its BLAKE3."""


class Uploaded(NamedTuple):
    """How an upload ended. `content` is None when the file could not be read, or was not what it should be."""

    node: Node
    content: Content | None
    error: MegaError | None = None


class Sink(Protocol):
    """Where a fetched file goes, piece by piece."""

    def write(self, data: bytes | memoryview) -> None:
        """Take the next piece. Raises OSError."""


class Download(NamedTuple):
    """A file to be fetched: the node as observed, where it stands in the folder, and who takes it.

    `open` is called just before the first piece. An earlier try may have left the sink `held_bytes` of the file, from
    its beginning: `held` gives them back, and only the rest is written. They are believed when the whole verifies.
    """

    node: Node
    path: RemotePath
    open: Callable[[], Sink]
    held_bytes: int = 0
    held: Callable[[], Iterable[bytes | memoryview]] = tuple


class StalePartError(TemporaryError):
    """What an earlier try left of a file is no part of it: the file must be fetched from its beginning."""

    name = "stale_part"

    def __init__(self) -> None:
        """Say what hardly anybody reads: the next cycle fetches it anew."""
        super().__init__("what was left of an earlier download does not fit", "run the same command again")


class Downloaded(NamedTuple):
    """How a download ended: verified whole, or an error; then the sink holds what came until then."""

    node: Node
    error: MegaError | OSError | None = None


class Edit(NamedTuple):
    """One change of the folder: `before` as observed (None: new), `after` (None: removed), and new content, if any."""

    before: Node | None
    after: Node | None
    content: Content | None = None


class RemoteFolder(Protocol):
    """The folder. Used from one control thread; the mark returned last is the one to keep."""

    def observe(self, since: RemoteMark | None) -> Sight:
        """Look at the verified head, and tell what is different from `since`."""

    def has_committed(self, mark: RemoteMark) -> bool:
        """Tell whether the commit that `about_to` announced as `mark` is part of the verified history."""

    def upload(self, files: Iterable[Upload]) -> Iterator[Uploaded]:
        """Store content; one answer a file, in any order. Raises TemporaryError, LimitError: the rest is not stored."""

    def fetch(self, files: Iterable[Download]) -> Iterator[Downloaded]:
        """Fetch content; one answer a file, in order. Raises TemporaryError: the rest is not fetched."""

    def commit(
        self, base: RemoteMark, edits: Sequence[Edit], observed: TreeView, about_to: Callable[[RemoteMark], None]
    ) -> RemoteMark:
        """Make the edits one new root: all of them or none. What is removed goes to the volume's trash.

        `observed` is the folder as it is at `base`: it tells where nodes lie, and is asked for nothing but the nodes of
        `edits` and the folders above them. `about_to` is told the mark just before each try to swap the head; whatever
        it keeps must be durable when it returns. What other devices changed elsewhere in the volume stays. A folder
        that still holds something when it should go, such as nodes that are not held, stays, and the next `observe`
        tells everything anew. Raises RemoteMovedError, TemporaryError, LimitError, MissingBlobsError (content must be
        uploaded again), SafetyStopError for edits that do not fit what is at `base`.
        """

    def past_digests(self) -> frozenset[bytes]:
        """Give the digests of files that older roots held in this folder and the present one does not.

        As far as the server still has those roots; empty when it has none.
        """
