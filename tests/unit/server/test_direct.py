"""Writes past the page cache: the same bytes in the file, and a way back where they are not possible."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_server.storage import direct
from mega_server.storage.direct import aligned_memory, write_direct

SIZE = 2 * 1024 * 1024 + 777


@pytest.fixture
def target(tmp_path: Path) -> Iterator[int]:
    """Open a new file."""
    fd = os.open(tmp_path / "pack", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    yield fd
    os.close(fd)


def test_whole_blocks_are_written_and_counted(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted is in the file; the rest is the caller's; later writes go the usual way."""
    monkeypatch.setattr(direct, "_LEAST_BYTES", 4096)
    memory = aligned_memory(SIZE + 4096)
    memory[:SIZE] = os.urandom(SIZE)

    done = write_direct(target, memory[:SIZE])
    os.write(target, memory[done:SIZE])

    assert done in (0, SIZE // 4096 * 4096)
    os.lseek(target, 0, os.SEEK_SET)
    assert os.read(target, SIZE + 1) == bytes(memory[:SIZE])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has O_DIRECT")
def test_memory_that_is_not_aligned_is_left_to_the_caller(target: int) -> None:
    """The disk refuses it: nothing is written, and nothing is raised."""
    memory = aligned_memory(SIZE + 4096)

    done = write_direct(target, memory[1 : SIZE + 1])

    # A file system that takes any memory (tmpfs) may write it all the same.
    assert os.fstat(target).st_size == done


def test_small_data_is_left_to_the_caller(target: int) -> None:
    """A wait for the disk would cost more than the copy."""
    assert write_direct(target, aligned_memory(4096)) == 0
    assert os.fstat(target).st_size == 0
