"""A file larger than memory should be: it streams to the disk, and the renderers hold little of it."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Place
from tests.kit.forge import fixed
from tests.kit.unwatched_page import UnwatchedPage

SIZE_MIB = 300 if os.environ.get("MEGA_BROWSER_FULL") else 100
MOST_ABOVE_IDLE_MIB = 150 if os.environ.get("MEGA_BROWSER_FULL") else 80
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc"
)


def renderers_mib(browser_pid: int) -> float:
    """Add up the resident memory of a browser's renderers, in MiB."""
    found = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            text = status.read_text(encoding="utf-8")
        except OSError:
            continue  # it has just ended
        if b"--type=renderer" in command and browser_pid in _ancestors(int(status.parent.name)):
            found += int(re.search(r"VmRSS:\s+(\d+)", text)[1])  # type: ignore[index]  # a living process has the line
    return found / 1024


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
        except OSError:
            return found
        found.add(pid)
    return found


@contextmanager
def most_during(browser_pid: int) -> Iterator[list[float]]:
    """Look every 100 ms from another thread; the list's one number is the most that was seen."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], renderers_mib(browser_pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def test_a_large_file_streams_to_the_disk(browser: Browser, place: Place, tmp_path: Path) -> None:
    """Whole and right, and never much of it in memory."""
    piece = fixed("a large file", 1 << 20)
    hasher = hashlib.sha256()
    with (tmp_path / "huge.bin").open("wb") as file:
        for number in range(SIZE_MIB):
            part = number.to_bytes(8, "big") + piece[8:] if number % 2 else os.urandom(1 << 20)
            hasher.update(part)
            file.write(part)
    place.sharer.put(tmp_path / "huge.bin")
    page = UnwatchedPage(browser, place.sharer.link("/huge.bin").text(), tmp_path / "saved")
    page.wait_for("document.querySelector('.download button') !== null")
    idle = renderers_mib(page.browser_pid)
    with most_during(page.browser_pid) as most:
        page.wait_for("document.querySelector('.download button').click() === undefined")
        page.wait_for("document.querySelector('.download p').textContent.startsWith('Saved')", tries=600)
    saved_file = page.saved("huge.bin")
    page.close()

    with saved_file.open("rb") as saved:
        assert hashlib.file_digest(saved, "sha256").digest() == hasher.digest()
    print(f"{SIZE_MIB} MiB: idle {idle:.0f} MiB, at most {most[0]:.0f} MiB")  # noqa: T201 -- for docs/testing.md
    assert idle > 20
    assert most[0] - idle < MOST_ABOVE_IDLE_MIB
