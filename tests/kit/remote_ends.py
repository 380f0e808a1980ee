"""Remote folders under test, real and simulated, behind one set of levers; and a client that follows one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from mega_cli.crypto.content import content_digest
from mega_cli.errors import MegaError
from mega_cli.localfs.disk import Found
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.paths.remote import RemotePath as VolumePath
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, path_of
from mega_cli.sync.remote import Download, Edit, RemoteFolder, RemoteMark, Sight, Upload
from mega_cli.sync.sim_folder import SimFolder
from mega_cli.sync.sim_volume import SimVolume
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.volume.changes import make_folder, move, remove
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.trash import list_trash
from tests.kit.forge import fixed
from tests.kit.memory_server import MemoryServer, open_device

PAIR = VolumePath.parse("/work/pair")


class Levers(Protocol):
    """What a test does to a remote, whichever it is."""

    def folder(self, device: int) -> RemoteFolder:
        """Open the folder on a device; again after a crash."""

    def change_elsewhere(self) -> None:
        """Let another device commit something outside the folder."""

    def remove_folder(self) -> None:
        """Let another device remove the folder."""

    def replace_folder(self) -> None:
        """Let another device put an empty folder of the same name in its place."""

    def roll_back(self) -> None:
        """Let the server show the head before the newest."""

    def lose(self, digest: bytes) -> None:
        """Let the server lose what a file holds."""

    def sweep(self) -> None:
        """Let the server forget what the newest root does not need."""

    def trashed(self) -> list[NodeId]:
        """List what lies at the top of the trash."""


class SimLevers:
    """A simulated volume."""

    def __init__(self) -> None:
        self.volume = SimVolume()

    def folder(self, device: int) -> SimFolder:
        """Open the folder on a device."""
        return SimFolder(self.volume, str(device))

    def change_elsewhere(self) -> None:
        """Commit outside the folder."""
        self.volume.change_elsewhere()

    def remove_folder(self) -> None:
        """Remove the folder."""
        self.volume.remove_folder()

    def replace_folder(self) -> None:
        """Put an empty folder in its place."""
        self.volume.replace_folder()

    def roll_back(self) -> None:
        """Show the head before."""
        self.volume.roll_back(1)

    def lose(self, digest: bytes) -> None:
        """Lose what a file holds."""
        del self.volume.blobs[digest]

    def sweep(self) -> None:
        """Forget what the newest root does not need."""
        chain = list(self.volume.heads["main"].chain())
        self.volume.swept |= {record.folder for record in chain} - {chain[0].folder}

    def trashed(self) -> list[NodeId]:
        """List the top of the trash."""
        return [node.id for node in self.volume.trash]


class VolumeLevers:
    """A real volume on a server in memory."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.server = MemoryServer()
        self._stack = stack
        self._folder = folder
        self._count = 0
        self.other = self.session(99)
        make_folder(self.other, PAIR, with_parents=True)

    def session(self, device: int) -> VolumeSession:
        """Open the volume on a device."""
        return self._stack.enter_context(open_device(self.server, self._folder / f"device{device}", device))

    def folder(self, device: int) -> VolumeFolder:
        """Open the folder on a device."""
        return VolumeFolder(self.session(device), PAIR)

    def change_elsewhere(self) -> None:
        """Commit outside the folder."""
        self._count += 1
        make_folder(self.other, VolumePath.parse(f"/elsewhere {self._count}"))

    def remove_folder(self) -> None:
        """Remove the folder."""
        remove(self.other, [PAIR], is_recursive=True)

    def replace_folder(self) -> None:
        """Put an empty folder in its place."""
        move(self.other, [PAIR], VolumePath.parse("/moved away"))
        make_folder(self.other, PAIR)

    def roll_back(self) -> None:
        """Show the head before."""
        del self.server.chain[-1]

    def lose(self, digest: bytes) -> None:
        """Lose what a file holds."""
        for entry in self.server.all_entries():
            for ref in entry.ref_list() if entry.digest == digest else ():
                self.server.blobs.pop(ref.id, None)

    def sweep(self) -> None:
        """Forget what the newest root does not need."""
        for gone in self.server.blobs.keys() - self.server.reachable():
            del self.server.blobs[gone]
        self._folder = self._folder / "again"  # devices opened from now on find no page in their caches
        self._folder.mkdir()

    def trashed(self) -> list[NodeId]:
        """List the top of the trash."""
        return [found.entry.node_id for found in list_trash(self.other)]


@dataclass
class MemoryFile:
    """An open file in memory, which may change while it is read."""

    data: bytes
    grows: bytes = b""
    """Appended once something was read."""
    stamp_after: int = 0
    """Added to the time once something was read."""
    is_closed: bool = False
    _at: int = 0

    def found(self) -> Found:
        """Look at it."""
        was_read = self._at > 0
        size = len(self.data) + (len(self.grows) if was_read else 0)
        return Found("f", StatPrint(size, 1_000 + self.stamp_after * was_read, 0, 7, 1, 0o644), 1, 0)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on."""
        everything = self.data + self.grows
        piece = everything[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Let go."""
        self.is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class MemorySink:
    """Takes a file's content, or fails."""

    pieces: list[bytes] = field(default_factory=list)
    error: OSError | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Take a piece."""
        if self.error is not None:
            raise self.error
        self.pieces.append(bytes(data))

    @property
    def data(self) -> bytes:
        """Give everything that came."""
        return b"".join(self.pieces)


def node_id(name: str) -> NodeId:
    """Make a node's id up."""
    return fixed(f"node {name}", 16)


def a_folder(name: str, parent: NodeId = ROOT) -> Node:
    """Make a folder's node."""
    return Node(node_id(name), parent, name, "d", mode=0o755)


def a_file(name: str, data: bytes = b"", parent: NodeId = ROOT, mtime_ns: int = 5) -> Node:
    """Make a file's node."""
    return Node(node_id(name), parent, name, "f", content_digest(data), len(data), 0o640, mtime_ns)


def a_link(name: str, target: str = "somewhere", parent: NodeId = ROOT) -> Node:
    """Make a link's node."""
    return Node(node_id(name), parent, name, "l", target=target)


def an_upload(node: Node, data: bytes) -> Upload:
    """Offer content."""
    return Upload(node, lambda: MemoryFile(data))


class Client:
    """One device that follows the folder as an engine does: a mark, and the tree it stands for."""

    def __init__(self, folder: RemoteFolder) -> None:
        self.folder = folder
        self.mark: RemoteMark | None = None
        self.tree = MemoryTree()
        self.announced: list[RemoteMark] = []

    def look(self) -> Sight:
        """Observe, and follow."""
        sight = self.folder.observe(self.mark)
        if sight.is_whole:
            self.tree = MemoryTree()
        for change in sight.changes:
            if change.node is None:
                self.tree.remove(change.id)
            else:
                self.tree.put(change.node)
        self.mark = sight.mark
        return sight

    def commit(self, *edits: Edit) -> RemoteMark:
        """Commit, and follow."""
        assert self.mark is not None
        self.mark = self.folder.commit(self.mark, edits, self.tree, self.announced.append)
        for edit in edits:
            if edit.before is not None:
                self.tree.remove(edit.before.id)
        for edit in edits:
            if edit.after is not None:
                self.tree.put(edit.after)
        return self.mark

    def store(self, files: Iterable[tuple[Node, bytes]]) -> list[Edit]:
        """Upload files; give the edits that let them stand as new ones."""
        uploads = [an_upload(node, data) for node, data in files]
        edits = []
        for uploaded in self.folder.upload(uploads):
            assert uploaded.content is not None, uploaded.error
            edits.append(Edit(self.tree.get(uploaded.node.id), uploaded.node, uploaded.content))
        return edits

    def put(self, *nodes: Node | tuple[Node, bytes]) -> RemoteMark:
        """Let nodes stand, content uploaded."""
        files = [node for node in nodes if not isinstance(node, Node)]
        others = [node for node in nodes if isinstance(node, Node)]
        return self.commit(*(Edit(self.tree.get(node.id), node) for node in others), *self.store(files))

    def remove(self, *nodes: Node) -> RemoteMark:
        """Remove nodes."""
        return self.commit(*(Edit(node, None) for node in nodes))

    def fetch(self, *nodes: Node, sinks: Sequence[MemorySink] = ()) -> list[tuple[bytes, MegaError | OSError | None]]:
        """Fetch files; give what came of each, and its error."""
        taken = list(sinks) or [MemorySink() for _ in nodes]
        answers = self.folder.fetch([self._download(node, sink) for node, sink in zip(nodes, taken, strict=True)])
        errors = [(answer.node, answer.error) for answer in answers]
        assert [node for node, _ in errors] == list(nodes)
        return [(sink.data, error) for sink, (_, error) in zip(taken, errors, strict=True)]

    def _download(self, node: Node, sink: MemorySink) -> Download:
        open_: Callable[[], MemorySink] = lambda: sink  # noqa: E731 -- bound to this one
        return Download(node, path_of(self.tree, node.id) or (node.name,), open_)


def looking(levers: Levers, device: int) -> Client:
    """Open the folder on a device and look."""
    client = Client(levers.folder(device))
    client.look()
    return client
