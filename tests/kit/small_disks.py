"""Small real file systems for tests: a tmpfs of some bytes or inodes. Skipped, with the reason, where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a tmpfs with these options, such as `size=2m`, for as long as the block lasts."""
    if sys.platform != "linux":
        pytest.skip("a tmpfs is Linux's")
    folder.mkdir()
    mounted = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        ended = _run("umount", str(folder))
        assert ended.returncode == 0, ended.stderr


@contextmanager
def mounted_over(folder: Path) -> Iterator[None]:
    """Hide a folder below an empty disk for as long as the block lasts."""
    if sys.platform != "linux":
        pytest.skip("a tmpfs is Linux's")
    mounted = _run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        ended = _run("umount", str(folder))
        assert ended.returncode == 0, ended.stderr


def make_read_only(folder: Path) -> None:
    """Have the system refuse every write to a small disk."""
    done = _run("mount", "-o", "remount,ro", str(folder))
    assert done.returncode == 0, done.stderr


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))
