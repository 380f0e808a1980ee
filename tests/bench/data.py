"""The data that is stored, and the comparison of what comes back.

Content is random, so that nobody gains by compressing. It is fresh for each run; only sizes and names are always the
same. Nothing reads a file whole: see `process.py` on memory.
"""

from __future__ import annotations

import os
import random
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.process import StepFailedError

MIB: Final = 1 << 20
_PER_FOLDER = 100
_SMALLEST_BYTES = 500
_LARGEST_BYTES = 19_100
"""With sizes spread evenly between these, 10,000 files are 98 MB."""
_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Data:
    """Where the sources are. `inserted` is the big file with one more byte at its front, under the same name."""

    big: Path
    inserted: Path
    small: Path
    big_bytes: int
    small_bytes: int
    small_files: int


def make_data(folder: Path, size_mib: int, files: int) -> Data:
    """Write the big file, its changed copy and the folder of small files."""
    big, inserted, small = folder / "v1" / "big.bin", folder / "v2" / "big.bin", folder / "v1" / "small"
    big.parent.mkdir(parents=True)
    inserted.parent.mkdir()
    with big.open("wb") as first, inserted.open("wb") as second:
        second.write(b"x")
        for _ in range(size_mib):
            block = os.urandom(MIB)
            first.write(block)
            second.write(block)
    small_bytes = _make_small(small, files)
    return Data(big, inserted, small, size_mib * MIB, small_bytes, files)


def make_tiny(folder: Path, count: int) -> Path:
    """Write one folder of `count` files that hold their own number."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"entry {number:06}").write_bytes(b"%d" % number)
    return folder


def stored_since(folder: Path, since_ns: int) -> int:
    """Sum the sizes of the files below a folder that were written or renamed since then."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            facts = (Path(parent) / name).lstat()
            total += facts.st_size if facts.st_ctime_ns >= since_ns else 0
    return total


def check_same(source: Path, copy: Path) -> None:
    """Compare two files, or two folders with everything below. Raises StepFailedError."""
    if not copy.exists():
        raise StepFailedError(f"{source.name} did not come back")
    if not source.is_dir():
        _check_same_file(source, copy)
        return
    names = _names(source)
    if names != _names(copy):
        raise StepFailedError(f"other names came back below {source.name}")
    for name in names:
        if not (source / name).is_dir():
            _check_same_file(source / name, copy / name)


def _make_small(small: Path, files: int) -> int:
    step = (_LARGEST_BYTES - _SMALLEST_BYTES) / max(1, files - 1)
    sizes = [round(_SMALLEST_BYTES + step * number) for number in range(files)]
    random.Random(_SEED).shuffle(sizes)
    for number, size in enumerate(sizes):
        folder = small / f"d{number // _PER_FOLDER:03}"
        if number % _PER_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"f{number % _PER_FOLDER:02}").write_bytes(os.urandom(size))
    return sum(sizes)


def _names(folder: Path) -> list[str]:
    return sorted(
        os.path.relpath(Path(parent) / name, folder)
        for parent, folders, files in os.walk(folder)
        for name in (*folders, *files)
    )


def _check_same_file(source: Path, copy: Path) -> None:
    if not stat.S_ISREG(copy.lstat().st_mode):
        raise StepFailedError(f"{source.name} came back as something else than a file")
    ours, theirs = bytearray(MIB), bytearray(MIB)
    with source.open("rb", buffering=0) as first, copy.open("rb", buffering=0) as second:
        while True:
            count = first.readinto(ours)
            if second.readinto(theirs) != count or ours[:count] != theirs[:count]:
                raise StepFailedError(f"{source.name} came back with other content")
            if not count:
                return
