"""A commit of the client's own databases that fails leaves no transaction open: the next one is not in its way."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.model import Pin, blob_id, volume_id
from mega_cli.state.pages import PageCache
from mega_cli.state.trust import TrustStore
from tests.kit import taps
from tests.kit.forge import fixed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed by /proc")
OLD, NEW = blob_id(fixed("old")), blob_id(fixed("new"))


class FullOnce:
    """Finds the disk full at the second commit."""

    def __init__(self) -> None:
        self.commits = 0

    def before(self, call: taps.Call) -> None:
        """Raise instead of the commit."""
        self.commits += call.name == "COMMIT"
        if call.name == "COMMIT" and self.commits == 2:
            raise sqlite3.OperationalError("database or disk is full")

    def after(self, call: taps.Call, result: object) -> None:
        """Let it be."""


def test_a_cache_forgets_what_found_no_room_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first commit makes the tables, the second fails, the third is kept, and another process is not held up."""
    taps.install(FullOnce(), [str(tmp_path)], monkeypatch.setattr)
    cache = PageCache(tmp_path / "pages.db")
    cache.put([(OLD, b"blob")])
    with sqlite3.connect(tmp_path / "pages.db", timeout=0) as other:
        other.execute("BEGIN IMMEDIATE")
    other.close()
    cache.put([(NEW, b"blob")])

    assert set(cache.get([OLD, NEW])) == {NEW}
    cache.close()


def test_a_pin_that_found_no_room_can_rise_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is told what to do, and the same open store raises the pin once there is room."""
    pin = Pin(1, fixed("digest"))
    key = ("https://mega.example", "alice", volume_id(fixed("volume", 16)), 1)
    watcher = FullOnce()
    watcher.commits = 1
    taps.install(watcher, [str(tmp_path)], monkeypatch.setattr)
    trust = TrustStore(tmp_path / "trust.db")
    with pytest.raises(SafetyStopError) as stopped:
        trust.raise_pin(*key, [pin])
    trust.raise_pin(*key, [pin])

    assert "not full, and run the same command again" in stopped.value.hint
    assert trust.pin(*key) == pin
    trust.close()
