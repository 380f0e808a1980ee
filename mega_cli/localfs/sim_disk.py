"""SimDisk: a disk in memory for simulations, with the promises of `Disk`, the moods of real file systems, and crashes.

    disk = SimDisk(clock.now_ns, tick_ns=20_000_000, folds_case=True)
    user = SimUser(disk)                            # sim_user.py: what people and their programs do to the same tree
    user.write((b"a", b"f"), b"words"); user.tree()
    disk.on_call = count                            # called as count("rename", place) before every call; may raise
    disk.refuse(errno.EIO, (b"a",), is_below=True)  # injected errors, until disk.relent()
    disk.kill()                                     # mega is gone: its open files with it, nothing else
    disk.cut_power(random.Random(7))                # only what was synced is sure to be there afterwards
    disk.unmount(leaves_folder=True); disk.mount()

A crash inside the engine: let `on_call` raise at the chosen call and at every later one (cleaning up must not reach
the disk either), then `kill` or `cut_power`, set `on_call` anew, and go on with the same disk. Calls of open files are
named `file.write`, `file.describe`, `file.sync`, `file.found`, `file.readinto`; closing is no call, and never fails.

It must never do what no file system does; what it may forget is described in `sim_power.py`. Two file systems of one
computer are two SimDisks: nothing here can lead out of one.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, final

from mega_cli.localfs.disk import Found, Listed, Place
from mega_cli.localfs.folders import MODE_MASK
from mega_cli.localfs.sim_files import SimFile, SimNewFile, SimOpen
from mega_cli.localfs.sim_inodes import ROOT_INO, SimTree, refusal
from mega_cli.localfs.sim_power import Inode

_NEW_MODE: Final = 0o600


class Refusal(NamedTuple):
    """An injected error. `calls` None: every call. `times` None: until `relent`."""

    number: int
    place: Place
    calls: frozenset[str] | None
    is_below: bool
    """It concerns what lies below the place as well."""

    def concerns(self, call: str, place: Place) -> bool:
        """Tell whether this call is to fail."""
        if self.calls is not None and call not in self.calls:
            return False
        return place == self.place or (self.is_below and place[: len(self.place)] == self.place)


def _ignore(_call: str, _place: Place) -> None:
    """Let a call happen."""


@final
class SimDisk:
    """A disk in memory. `on_call` is called before every call, without a lock held, and may do what it likes."""

    def __init__(
        self,
        now_ns: Callable[[], int],
        *,
        tick_ns: int = 1,
        folds_case: bool = False,
        stores_nfd: bool = False,
        tells_birth: bool = False,
        has_exchange: bool = True,
        capacity_bytes: int | None = None,
        is_forgetful: bool = True,
    ) -> None:
        """Begin with an empty folder.

        `tick_ns` is how fine its times are. `folds_case`: names that differ in case, or in Unicode's form, are one
        name, which keeps its first spelling. `stores_nfd`: names are kept decomposed, and must be UTF-8.
        `capacity_bytes` bounds the bytes of all files. `is_forgetful` False: everything is durable at once, faster.
        """
        self.on_call: Callable[[str, Place], None] = _ignore
        self.has_exchange = has_exchange
        self.tree = SimTree(
            now_ns,
            tick_ns=tick_ns,
            folds_case=folds_case,
            stores_nfd=stores_nfd,
            tells_birth=tells_birth,
            capacity_bytes=capacity_bytes,
            is_forgetful=is_forgetful,
        )
        self._refusals: list[Refusal] = []
        self._mounted = self.tree.root
        self._is_gone = False
        self._open: dict[SimOpen, None] = {}

    # --- the promises -------------------------------------------------------------------------------------------------

    def list_folder(self, place: Place) -> list[Listed]:
        """List a folder, in no order; what vanishes meanwhile is left out."""
        self._begin("list_folder", place)
        tree = self.tree
        with tree.lock:
            entries = tree.folder(place).entries.values()
            if self._refusals:
                return [self._listed(place, name, node) for name, node in entries]
            return [Listed(name, node.found or tree.found(node)) for name, node in entries]

    def look(self, place: Place) -> Found | None:
        """Look at one name; None when nothing has it, or something that is no folder stands on the way."""
        try:
            self._begin("look", place)
            with self.tree.lock:
                return self.tree.found(self.tree.at(place))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open_file(self, place: Place) -> SimFile:
        """Open a regular file to read; never waits for a pipe. Raises `ELOOP` for a link, `EINVAL` for the rest."""
        self._begin("open_file", place)
        with self.tree.lock:
            return SimFile(self.tree, self._regular(place), place, self._begin, self._open)

    def read_link(self, place: Place) -> bytes:
        """Read where a link points."""
        self._begin("read_link", place)
        with self.tree.lock:
            node = self.tree.at(place)
            if node.kind != "l":
                raise refusal(errno.EINVAL)
            return node.target

    def make_folder(self, place: Place, mode: int) -> None:
        """Make an empty folder."""
        self._begin("make_folder", place)
        with self.tree.lock:
            self.tree.make(place, "d", mode & MODE_MASK)

    def make_file(self, place: Place) -> SimNewFile:
        """Make an empty file, mode 0600."""
        self._begin("make_file", place)
        with self.tree.lock:
            return self._new(self.tree.make(place, "f", _NEW_MODE), place)

    def continue_file(self, place: Place) -> SimNewFile:
        """Open a file of ours to append to it. Raises `EMLINK` when it has another name: it may be published."""
        self._begin("continue_file", place)
        with self.tree.lock:
            node = self._regular(place)
            if node.links > 1:
                raise refusal(errno.EMLINK)
            return self._new(node, place)

    def make_link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link."""
        self._begin("make_link", place)
        with self.tree.lock:
            self.tree.make(place, "l", 0o777, target)

    def rename(self, source: Place, target: Place) -> None:
        """Move a file, link or folder to a name that must be free, in one step."""
        self._begin("rename", source, target)
        with self.tree.lock:
            self.tree.move(source, target, replaces=False)

    def exchange(self, one: Place, other: Place) -> None:
        """Let two names change places in one step. Raises `ENOTSUP`."""
        self._begin("exchange", one, other)
        for name in (*one, *other):
            self.tree.key(name)
        if not self.has_exchange:
            raise refusal(errno.ENOTSUP)
        if one[: len(other)] == other or other[: len(one)] == one:
            raise refusal(errno.EINVAL)
        with self.tree.lock:
            self.tree.exchange(one, other)

    def remove_file(self, place: Place) -> None:
        """Remove a file or link for good: only what is ours, in `.mega`."""
        self._begin("remove_file", place)
        with self.tree.lock:
            self.tree.remove(place, is_folder=False)

    def remove_folder(self, place: Place) -> None:
        """Remove an empty folder. Raises `ENOTEMPTY`."""
        self._begin("remove_folder", place)
        with self.tree.lock:
            self.tree.remove(place, is_folder=True)

    def describe(self, place: Place, mode: int, mtime_ns: int | None) -> None:
        """Set the permission bits, and the time unless it is None, durably, of a file or folder; not through a link."""
        self._begin("describe", place)
        with self.tree.lock:
            node = self.tree.at(place)
            if node.kind not in {"f", "d"}:
                raise refusal(errno.ELOOP if node.kind == "l" else errno.EINVAL)
            kept = node.mode & ~MODE_MASK if node.kind == "d" else 0  # setgid and sticky of folders are the user's
            self.tree.describe(node, kept | mode & MODE_MASK, mtime_ns)
            self.tree.sync_file(node)

    def sync_folder(self, place: Place) -> None:
        """Make the names in a folder durable."""
        self._begin("sync_folder", place)
        with self.tree.lock:
            self.tree.sync_folder(self.tree.folder(place))

    def free_bytes(self) -> int:
        """Say how much room is left for this user."""
        self._begin("free_bytes", ())
        return self.tree.free_bytes()

    # --- what happens to disks ----------------------------------------------------------------------------------------

    def refuse(
        self, number: int, place: Place = (), *, calls: frozenset[str] | None = None, is_below: bool = False
    ) -> None:
        """Let calls at a place fail with this errno until `relent`. A listing shows a refused `look` in its line."""
        self._refusals.append(Refusal(number, place, calls, is_below))

    def relent(self) -> None:
        """End every injected error."""
        self._refusals.clear()

    def unmount(self, *, leaves_folder: bool) -> None:
        """Take the file system away: what is left is an empty folder of another one, or nothing."""
        self._is_gone = not leaves_folder
        self.tree.root = Inode("d", ROOT_INO, 0o755, self.tree.stamp())
        self.tree.dev += 1

    def mount(self) -> None:
        """Bring the file system back; its device number is another one, as after a real mount."""
        self._is_gone = False
        self.tree.root = self._mounted
        self.tree.renumber(self.tree.dev + 1)

    def kill(self) -> None:
        """End the process that uses this disk: its open files are closed, and what it still holds is of no use."""
        for file in list(self._open):
            file.close()

    def cut_power(self, chance: Random) -> None:
        """Lose what was not synced, or some of it: `sim_power.py` says what. The same chance loses the same."""
        self.kill()
        self.mount()
        self.tree.cut_power(chance)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _begin(self, call: str, *places: Place) -> None:
        """Tell the hook of a call, and fail it if it shall. Raises OSError, and whatever the hook raises."""
        self.on_call(call, places[0])
        for refused in self._refusals:
            if any(refused.concerns(call, place) for place in places):
                raise refusal(refused.number)
        if self._is_gone:
            raise refusal(errno.ENOENT)

    def _listed(self, place: Place, name: bytes, node: Inode) -> Listed:
        """Make a line of a listing while some looks are refused."""
        for refused in self._refusals:
            if refused.concerns("look", (*place, name)):
                return Listed(name, None, refused.number)
        return Listed(name, self.tree.found(node))

    def _new(self, node: Inode, place: Place) -> SimNewFile:
        """Open a file to write at its end."""
        return SimNewFile(self.tree, node, place, self._begin, self._open)

    def _regular(self, place: Place) -> Inode:
        """Find a regular file. Raises OSError: `ELOOP` for a link, `EINVAL` for what is no file."""
        node = self.tree.at(place)
        if node.kind != "f":
            raise refusal(errno.ELOOP if node.kind == "l" else errno.EINVAL)
        return node
