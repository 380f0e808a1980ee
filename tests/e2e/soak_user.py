"""A person at a device, for the soak: edits, moves, deletes, swaps at random, and knows what became of every content.

Every content is a token that is written once. A token counts as removed only when this person's own hands took its
bytes from the disk: whatever is taken away is moved out of the folder first and read there, so that nothing is taken
for removed that a run of sync had just put in its place. Nothing here looks at what sync knows.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from random import Random
from typing import Final, NamedTuple

from mega_cli.localfs.atomic_rename import exchange, rename_new

OWN: Final = b".mega"
_NAMES: Final = (
    *(b"a b c d e f.txt g.tar.gz .hidden".split()),
    b"trailing ",
    b"new\nline",
    b"back\\slash",
    "\N{ROCKET}\N{FAMILY}".encode(),
    "\u00e4 composed".encode(),
    b"n" * 255,
    "\u20ac".encode() * 85,
)
_ODD: Final = ("a\u0308 decomposed".encode(), b"bytes \xff\xfe", "a\u0308 composed".encode())
"""Names that a run may refuse; the soak's person renames them when it says so."""
_RULES: Final = ("*.txt\n", "d/\n", "b\n!b/\n", "# nothing\n", "/a\n")
_MOST_NS: Final = 4_000_000_000 * 10**9
_LARGE_BYTES: Final = 300_000


class Written(NamedTuple):
    """One content: who wrote it, and where."""

    device: str
    path: bytes


@dataclass
class Ledger:
    """Every content that was ever written, and every one that somebody took away."""

    written: dict[str, Written] = field(default_factory=dict)
    """By digest."""
    removed: dict[str, set[str]] = field(default_factory=dict)
    """How each digest was taken away, here and there."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def make(self, device: str, path: bytes, most_bytes: int) -> bytes:
        """Make a content that nobody has made before, of some such size."""
        token = f"<{device} {next(self._numbers)}>".encode()
        content = token * max(1, most_bytes // len(token))
        self.written[digest(content)] = Written(device, path)
        return content


def digest(content: bytes) -> str:
    """Name a content."""
    return sha256(content).hexdigest()


@dataclass
class Person:
    """One device's user. `attic` is a folder outside of the synced one, on the same disk."""

    name: str
    root: bytes
    attic: bytes
    outside: bytes
    """A folder elsewhere that links lead to; nobody may ever touch it."""
    ledger: Ledger
    luck: Random
    _numbers: Iterator[int] = field(default_factory=count)

    def act(self) -> str:
        """Do one thing; say which. What the disk refuses was not done."""
        deeds: list[Callable[[], object]] = [
            *(self.write, self.write, self.write, self.write_in_place, self.write_in_place, self.save),
            *(self.rename, self.rename, self.rename_over, self.make_folder, self.delete, self.delete_folder),
            *(self.swap, self.chmod, self.touch, self.change_kind, self.link, self.hard_link, self.copy, self.rules),
        ]
        deed = self.luck.choice(deeds)
        with suppress(OSError):
            deed()
        return deed.__name__

    # --- where

    def everything(self) -> list[bytes]:
        """List every path, folders before what lies in them, without sync's own folder."""
        found: list[bytes] = []
        for folder, folders, files in os.walk(self.root):
            if folder == self.root and OWN in folders:
                folders.remove(OWN)
            folders.sort()
            found += [os.path.join(folder, name) for name in sorted((*folders, *files))]  # noqa: PTH118 -- bytes
        return found

    def _pick(self, *kinds: Callable[[int], bool]) -> bytes:
        """Choose something of a kind. Raises FileNotFoundError."""
        fitting = [path for path in self.everything() if not kinds or any(is_(os.lstat(path).st_mode) for is_ in kinds)]
        if not fitting:
            raise FileNotFoundError
        return self.luck.choice(fitting)

    def _folder(self) -> bytes:
        folders = [path for path in self.everything() if stat.S_ISDIR(os.lstat(path).st_mode)]
        return self.luck.choice([self.root, self.root, *folders])

    def fresh(self, folder: bytes | None = None) -> bytes:
        """Choose a place, perhaps one that is taken."""
        name = self.luck.choice(_ODD if self.luck.random() < 0.02 else _NAMES)
        return b"/".join((folder or self._folder(), name))

    # --- deeds

    def write(self) -> None:
        """Write a new file at a free name."""
        self._place(self.fresh())

    def write_in_place(self) -> None:
        """Write over a file's bytes, through a descriptor, as an editor does that saves in place."""
        path = self._pick(stat.S_ISREG)
        if os.path.basename(path) == b".megaignore":  # noqa: PTH119 -- bytes
            return
        with open(path, "r+b", buffering=0) as file:  # noqa: PTH123 -- bytes
            before = file.read()
            content = self.ledger.make(self.name, path, self._size())
            file.seek(0)
            file.write(content)
            file.truncate()
        self._took(before, "overwritten")
        self._age(path)

    def save(self) -> None:
        """Replace a file by a new one, in one step, as most editors do."""
        self._place(self._pick(stat.S_ISREG), "replaced")

    def rename(self) -> None:
        """Move something to a free name."""
        rename_new(self._pick(), self.fresh(), None, None)

    def rename_over(self) -> None:
        """Move a file over another."""
        source, target = self._pick(stat.S_ISREG), self._pick(stat.S_ISREG)
        if source != target:
            exchange(source, target, None, None)
            self._take_away(source, "moved over")

    def make_folder(self) -> None:
        """Make a folder, sometimes a deep one."""
        path = self.fresh()
        os.mkdir(path)  # noqa: PTH102 -- bytes; not makedirs, which goes through links
        for _ in range(self.luck.choice((0, 0, 2))):
            path += b"/a"
            os.mkdir(path)  # noqa: PTH102 -- bytes

    def delete(self) -> None:
        """Delete a file or link."""
        self._take_away(self._pick(stat.S_ISREG, stat.S_ISLNK), "deleted")

    def delete_folder(self) -> None:
        """Delete a folder with all that is in it."""
        if self.luck.random() < 0.3:
            self._take_away(self._pick(stat.S_ISDIR), "deleted with its folder")

    def swap(self) -> None:
        """Let two things change places."""
        exchange(self._pick(), self._pick(), None, None)

    def chmod(self) -> None:
        """Change a mode, never so that nobody may read."""
        path = self._pick(stat.S_ISREG, stat.S_ISDIR)
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        modes = (0o755, 0o700, 0o775) if is_folder else (0o644, 0o600, 0o755, 0o400)
        os.chmod(path, self.luck.choice(modes))  # noqa: PTH101 -- bytes

    def touch(self) -> None:
        """Give a file some other time: old, before 1970, or far ahead."""
        path = self._pick(stat.S_ISREG)
        self._age(path, self.luck.choice((0, -(10**9), _MOST_NS, self.luck.randrange(10**18))))

    def change_kind(self) -> None:
        """Put a folder where a file was, or the reverse."""
        path = self._pick()
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        self._take_away(path, "became another kind")
        if is_folder:
            self._place(path)
        else:
            os.mkdir(path)  # noqa: PTH102 -- bytes
            self._place(path + b"/a")

    def link(self) -> None:
        """Make a symbolic link, often one that leads out, sometimes where a folder was."""
        targets = (self.outside, b"/", b"a", b"../b", b"nowhere", self.outside + b"/file")
        path = self.fresh()
        if self.luck.random() < 0.3 and os.path.isdir(path):  # noqa: PTH112 -- bytes; a share
            self._take_away(path, "became a link")
        os.symlink(self.luck.choice(targets), path)  # noqa: PTH211 -- bytes

    def hard_link(self) -> None:
        """Give a file a second name."""
        os.link(self._pick(stat.S_ISREG), self.fresh())

    def copy(self) -> None:
        """Copy a file, with its times."""
        shutil.copy2(self._pick(stat.S_ISREG), path := self._attic_name())
        rename_new(path, self.fresh(), None, None)

    def rules(self) -> None:
        """Write, change or delete a `.megaignore`."""
        if self.luck.random() < 0.7:
            return
        path = self._folder() + b"/.megaignore"
        if os.path.lexists(path):
            self._take_away(path, "rules")
        if self.luck.random() < 0.6:
            lines = self.luck.choice(_RULES).encode()
            self.ledger.removed[digest(lines)] = {"rules"}  # many write the same, and nobody looks for them
            self.ledger.written[digest(lines)] = Written(self.name, path)
            with open(path, "xb") as file:  # noqa: PTH123 -- bytes
                file.write(lines)

    # --- to come to rest

    def drop_rules(self) -> None:
        """Delete every `.megaignore`, and the conflict copies of them."""
        for path in self.everything():
            if b".megaignore" in path.rsplit(b"/", 1)[1]:
                with suppress(FileNotFoundError):  # it lay in a folder of that name
                    self._take_away(path, "rules")

    def mend(self, path: bytes) -> None:
        """Do about something that stands still what its hint says: give it another name, and another content."""
        whole = os.path.join(self.root, path)  # noqa: PTH118 -- bytes
        new = b"%s/mended %s %d" % (whole.rsplit(b"/", 1)[0], self.name.encode(), next(self._numbers))
        with suppress(OSError):
            rename_new(whole, new, None, None)
            if stat.S_ISREG(os.lstat(new).st_mode):
                self._place(new, "mended")

    # --- bytes

    def _place(self, path: bytes, how: str = "") -> None:
        """Write a new content outside of the folder and give it a free name; with `how`, a name that is taken."""
        staged, content = self._attic_name(), self.ledger.make(self.name, path, self._size())
        with open(staged, "xb") as file:  # noqa: PTH123 -- bytes
            file.write(content)
        self._age(staged)
        try:
            (exchange if how else rename_new)(staged, path, None, None)
        except OSError:
            del self.ledger.written[digest(content)]  # it never was in the folder
            raise
        if how:
            self._forget(staged, how)

    def _attic_name(self) -> bytes:
        return b"%s/%d" % (self.attic, next(self._numbers))

    def _size(self) -> int:
        return self.luck.choice((10, 10, 1000, 20_000, _LARGE_BYTES))

    def _age(self, path: bytes, mtime_ns: int | None = None) -> None:
        """Let a file look old, mostly: what was written just now is waited for."""
        if mtime_ns is not None or self.luck.random() < 0.8:
            moment_ns = self.luck.randrange(10**18, 17 * 10**17) if mtime_ns is None else mtime_ns
            os.utime(path, ns=(moment_ns, moment_ns), follow_symlinks=False)

    def _take_away(self, path: bytes, how: str) -> None:
        away = self._attic_name()
        rename_new(path, away, None, None)
        self._forget(away, how)

    def _forget(self, away: bytes, how: str) -> None:
        """Note what was taken away, and delete it."""
        if stat.S_ISDIR(os.lstat(away).st_mode):  # a walk would begin with what a link leads to
            for folder, _, files in os.walk(away):
                for name in files:
                    self._forget_file(folder + b"/" + name, how)
            shutil.rmtree(away)
        else:
            self._forget_file(away, how)
            os.unlink(away)  # noqa: PTH108 -- bytes

    def _forget_file(self, path: bytes, how: str) -> None:
        if stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "rb") as file:  # noqa: PTH123 -- bytes
                self._took(file.read(), how)

    def _took(self, content: bytes, how: str) -> None:
        self.ledger.removed.setdefault(digest(content), set()).add(how)
