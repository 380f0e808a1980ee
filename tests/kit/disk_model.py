"""A recording disk: what a process did below a folder, step by step, and what a power cut after any step may leave.

The model is POSIX's, with nothing given: bytes are safe after an fsync of their file, names after an fsync of their
folder, and a folder's own name after an fsync of the folder above. Until then a disk may drop them, keep them, or keep
any of them. SQLite is not looked into: each of its commits is a copy of the whole database, safe at once under
`synchronous=FULL`, with the next such commit otherwise.
"""

from __future__ import annotations

import os
import random
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tests.kit.taps import Call

Leaves = Literal["dropped", "kept", "torn"]
"""What a power cut does to what is not safe: drops all of it, keeps all, or keeps some and cuts a write in two."""
LEAVES: Final[tuple[Leaves, ...]] = ("dropped", "kept", "torn")
ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class Names:
    """Entries of one folder that changed in one step; None: the name is gone."""

    folder: int
    entries: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes of a file; `data` None: the file was cut to `offset`."""

    node: int
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Synced:
    """An fsync of a file or folder."""

    node: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The database as it is from here on."""

    content: bytes
    is_durable: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody was told something."""

    what: str


Step = Names | Written | Synced | Committed | Answered


class RecordingDisk:
    """A watcher of taps that keeps a log. The folder must be empty when recording begins."""

    def __init__(self, root: Path) -> None:
        """Record what happens below `root`."""
        self._root = str(root)
        self._lock = threading.Lock()
        self._nodes: dict[str, int] = {self._root: ROOT}
        self._by_descriptor: dict[int, int] = {}
        self._next = ROOT + 1
        self._is_relaxed: dict[int, bool] = {}
        self.links: dict[int, str] = {}
        self.folders: set[int] = {ROOT}
        self.log: list[Step] = []

    def before(self, call: Call) -> None:
        """Wait for the effect."""

    def after(self, call: Call, result: Any) -> None:
        """Note a step."""
        with self._lock:
            if call.place == "database":
                self._statement(call)
            elif call.place == "disk" and (note := getattr(self, f"_{call.name}", None)):
                note(call, result)

    def answer(self, what: str) -> None:
        """Note that somebody was told."""
        with self._lock:
            self.log.append(Answered(what))

    def node(self, path: Path) -> int:
        """Give the number of what has this path now."""
        return self._nodes[str(path)]

    def _statement(self, call: Call) -> None:
        connection = call.connection
        assert connection is not None
        words = call.arguments[0].replace("=", " = ").split() if call.arguments else []
        if words[:2] == ["PRAGMA", "synchronous"]:
            self._is_relaxed[id(connection)] = words[-1] != "FULL"
        if call.name == "COMMIT":
            content = connection.serialize()
            last = next((step.content for step in reversed(self.log) if isinstance(step, Committed)), b"")
            if content != last:  # a reader's commit changes nothing
                self.log.append(Committed(content, not self._is_relaxed.get(id(connection), False)))

    def _open(self, call: Call, result: int) -> None:
        path, flags = call.paths[0], call.arguments[1]
        if path not in self._nodes:
            assert flags & os.O_CREAT, f"{path} was there before"
            self._enter(path, self._new())
        elif flags & os.O_TRUNC:
            self.log.append(Written(self._nodes[path], 0, None))
        self._by_descriptor[result] = self._nodes[path]

    def _write(self, call: Call, result: int) -> None:
        fd, data = call.arguments
        end = os.lseek(fd, 0, os.SEEK_CUR)
        self.log.append(Written(self._by_descriptor[fd], end - result, bytes(data[:result])))

    def _ftruncate(self, call: Call, _result: None) -> None:
        self.log.append(Written(self._by_descriptor[call.arguments[0]], call.arguments[1], None))

    def _fsync(self, call: Call, _result: None) -> None:
        self.log.append(Synced(self._nodes[call.paths[0]]))

    def _mkdir(self, call: Call, _result: None) -> None:
        node = self._new()
        self.folders.add(node)
        self._enter(call.paths[0], node)

    def _symlink(self, call: Call, _result: None) -> None:
        node = self._new()
        self.links[node] = os.fsdecode(call.arguments[0])
        self._enter(call.paths[0], node)

    def _link(self, call: Call, _result: None) -> None:
        self._enter(call.paths[1], self._nodes[call.paths[0]])

    def _rename(self, call: Call, _result: None) -> None:
        source, target = call.paths
        assert os.path.split(source)[0] == os.path.split(target)[0], "a rename between folders is not modelled"
        node = self._nodes.pop(source)
        self._nodes[target] = node
        folder, name = os.path.split(target)
        self.log.append(Names(self._nodes[folder], {os.path.split(source)[1]: None, name: node}))

    _replace = _rename

    def _unlink(self, call: Call, _result: None) -> None:
        folder, name = os.path.split(call.paths[0])
        del self._nodes[call.paths[0]]
        self.log.append(Names(self._nodes[folder], {name: None}))

    _remove = _rmdir = _unlink

    def _new(self) -> int:
        self._next += 1
        return self._next

    def _enter(self, path: str, node: int) -> None:
        self._nodes[path] = node
        folder, name = os.path.split(path)
        self.log.append(Names(self._nodes[folder], {name: node}))


@dataclass(frozen=True)
class Remains:
    """What a power cut left."""

    files: dict[str, bytes | None]
    """Content by relative path; None: a folder."""
    links: dict[str, str]
    database: bytes

    def write(self, folder: Path, database: str) -> None:
        """Lay it out on a disk; the database only where its folder is left."""
        folder.mkdir()
        for path, content in self.files.items():  # folders come before what is in them
            if content is None:
                (folder / path).mkdir()
            else:
                (folder / path).write_bytes(content)
        for path, target in self.links.items():
            (folder / path).symlink_to(target)
        if self.database and (folder / database).parent.is_dir():
            (folder / database).write_bytes(self.database)


def cut(disk: RecordingDisk, steps: int, leaves: Leaves, seed: int) -> Remains:
    """Give what a power cut after so many steps leaves. The same arguments leave the same."""
    chance = random.Random(f"{steps} {leaves} {seed}")
    log = disk.log[:steps]
    last_sync = {step.node: at for at, step in enumerate(log) if isinstance(step, Synced)}

    def survives(node: int, at: int) -> bool:
        is_safe = at < last_sync.get(node, -1)
        return is_safe or leaves == "kept" or (leaves == "torn" and chance.random() < 0.5)

    contents: dict[int, bytearray] = {}
    names: dict[int, dict[str, int]] = {}
    for at, step in enumerate(log):
        if isinstance(step, Names) and survives(step.folder, at):
            folder = names.setdefault(step.folder, {})
            for name, node in step.entries.items():
                if node is None:
                    folder.pop(name, None)
                else:
                    folder[name] = node
        elif isinstance(step, Written) and survives(step.node, at):
            is_whole = at < last_sync.get(step.node, -1) or leaves != "torn"
            _apply(contents.setdefault(step.node, bytearray()), step, step.data if is_whole else _torn(step, chance))
    files: dict[str, bytes | None] = {}
    links: dict[str, str] = {}
    _walk(disk, names, contents, (ROOT, ""), (files, links))
    return Remains(files, links, _database(log, leaves, chance))


def _apply(content: bytearray, step: Written, data: bytes | None) -> None:
    if data is None:
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))  # a hole: an earlier write was dropped
    content[step.offset : step.offset + len(data)] = data


def _torn(step: Written, chance: random.Random) -> bytes | None:
    """Keep the beginning of a write, and perhaps its length with zeros."""
    if step.data is None:
        return None
    kept = chance.randrange(len(step.data) + 1)
    return step.data[:kept] + bytes(chance.choice((0, len(step.data) - kept)))


def _walk(
    disk: RecordingDisk,
    names: dict[int, dict[str, int]],
    contents: dict[int, bytearray],
    place: tuple[int, str],
    into: tuple[dict[str, bytes | None], dict[str, str]],
) -> None:
    files, links = into
    node, path = place
    for name, child in names.get(node, {}).items():
        below = f"{path}{name}"
        if child in disk.folders:
            files[below] = None
            _walk(disk, names, contents, (child, below + "/"), into)
        elif child in disk.links:
            links[below] = disk.links[child]
        else:
            files[below] = bytes(contents.get(child, b""))


def _database(log: list[Step], leaves: Leaves, chance: random.Random) -> bytes:
    """Take the last commit that is safe, or a later one."""
    found = [step for step in log if isinstance(step, Committed)]
    last_safe = max((at for at, step in enumerate(found) if step.is_durable), default=-1)
    if leaves == "kept":
        last_safe = len(found) - 1
    elif leaves == "torn" and found:
        last_safe = chance.randrange(max(0, last_safe), len(found))
    return found[last_safe].content if last_safe >= 0 else b""
