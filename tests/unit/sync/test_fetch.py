"""Fetching with threads: files are made durable side by side, and one that fails is the only one."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.real_files import RealNewFile
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.engine import Engine
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import SimFolder
from tests.kit.sync_pair import RepeatedChance, SleepyClock, SyncPair

_FILES: Final = 150
"""More than wait to be made durable at once."""


@contextmanager
def threaded(folder: Path, pair: SyncPair) -> Iterator[Engine]:
    """Give an engine that syncs a real folder with the volume of a pair, and uses threads."""
    (folder / ".mega").mkdir()
    with RealDisk(str(folder)) as disk, SyncState(":memory:") as state, ThreadPoolExecutor(1) as pool:
        yield Engine(
            disk=disk,
            remote=SimFolder(pair.volume, "real"),
            state=state,
            clock=SleepyClock(),
            chance=RepeatedChance("real"),
            settings=Settings(),
            pool=pool,
        )


@pytest.fixture
def pair() -> SyncPair:
    """Make a device that has put files into a volume."""
    pair = SyncPair()
    for number in range(_FILES):
        pair.save(f"file {number}", b"content %d" % number)
    pair.run()
    return pair


def test_files_come_whole_when_threads_make_them_durable(tmp_path: Path, pair: SyncPair) -> None:
    """Each file has its own content, and nothing is left in `.mega/tmp`."""
    with threaded(tmp_path, pair) as engine:
        report = engine.cycle()

    found = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert found == {f"file {number}": b"content %d" % number for number in range(_FILES)}
    assert (report.downloaded, list((tmp_path / ".mega" / "tmp").iterdir())) == (_FILES, [])


def test_a_file_that_cannot_be_made_durable_fails_alone(
    tmp_path: Path, pair: SyncPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others come; it is not published, and not left in `.mega/tmp`."""
    sync, calls = RealNewFile.sync, count()

    def fail_once(file: RealNewFile) -> None:
        if next(calls) == _FILES // 2:
            raise OSError(errno.EIO, "the disk is broken")
        sync(file)

    monkeypatch.setattr(RealNewFile, "sync", fail_once)
    with threaded(tmp_path, pair) as engine:
        report = engine.cycle()

    assert (report.downloaded, len(report.failures)) == (_FILES - 1, 1)
    assert sum(path.is_file() for path in tmp_path.iterdir()) == _FILES - 1
    assert list((tmp_path / ".mega" / "tmp").iterdir()) == []
