"""Trees that were made to have no end, or no bound: listings, searches and fetches stop in words, in little memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from mega_cli.formats.object import SealedObject
from mega_cli.volume import walk
from mega_cli.volume.session import VolumeSession
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.volume_forge import commit_files, commit_page, file_entry, folder_entry, seal_any_page

LEVELS = 40
WALKS = (("ls", "-r", "/"), ("tree", "/"), ("find", "/", "--name", "x"), ("du", "-s", "/"))
MEMORY = 24 << 20


def doubling(session: VolumeSession) -> tuple[SealedObject, list[SealedObject]]:
    """Seal forty pages, each of two folders that are both the page below: 2^40 folders. Give the top, and the rest."""
    page = seal_any_page(session, forge.page_of([file_entry("end", [], b"")]))
    below = [page]
    for _ in range(LEVELS):
        page = seal_any_page(session, forge.page_of([folder_entry("a", page.ref), folder_entry("b", page.ref)]))
        below.append(page)
    return below.pop(), below


@pytest.fixture
def endless(device: Device) -> Device:
    """Let the doubling tree be the files of the volume."""
    with device.volume() as session:
        top, below = doubling(session)
        commit_page(session, top, below)
    return device


@pytest.mark.attack("T41")
def test_a_tree_without_end_is_listed_folder_by_folder(endless: Device) -> None:
    """Looking into it costs what is looked at."""
    assert endless.mega("ls", "/").out == b"a/\nb/\n"
    assert endless.mega("ls", "/" + "/".join("ab" * 10)).out == b"a/\nb/\n"
    assert endless.mega("tree", "-L", "2", "/").code == 0


@pytest.mark.attack("T41")
@pytest.mark.parametrize("words", [*WALKS, ("du", "--json", "/")], ids=" ".join)
def test_a_tree_without_end_ends_a_walk(endless: Device, words: tuple[str, ...]) -> None:
    """At a limit, after little was printed, with a sentence."""
    ran = endless.mega(*words)

    assert ran.code == 8
    assert "this tree was made to have no end" in ran.err
    assert len(ran.out) < 1 << 20


@pytest.mark.attack("T41")
def test_a_tree_without_end_ends_a_get(endless: Device, tmp_path: Path) -> None:
    """After some folders; the disk is not filled."""
    ran = endless.mega("get", "/", str(tmp_path / "out"))

    assert ran.code == 8
    assert "this tree was made to have no end" in ran.err
    assert sum(1 for _ in (tmp_path / "out").rglob("*")) < 1_000


def wide_pages(session: VolumeSession, count: int) -> tuple[list[SealedObject], bytes]:
    """Seal a folder of many full pages under two index levels; give the objects and the root page."""
    pages, firsts = [], []
    for number in range(count):
        names = [f"{number:04}-{at:04}-{'x' * 180}" for at in range(150)]
        pages.append(seal_any_page(session, forge.page_of([forge.entry(name) for name in names])))
        firsts.append(names[0])
    index = forge.page_of([[first, page.ref.pack()] for first, page in zip(firsts, pages, strict=True)], level=1)
    return pages, index


@pytest.mark.attack("T74")
@pytest.mark.parametrize("words", [*WALKS, ("ls", "--json", "/")], ids=" ".join)
def test_a_folder_beyond_any_number_ends_a_walk(
    device: Device, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """At ten million entries; here at a thousand, of nine thousand."""
    assert walk.MOST_ENTRIES == 10_000_000
    monkeypatch.setattr(walk, "MOST_ENTRIES", 1_000)
    with device.volume() as session:
        pages, index = wide_pages(session, 60)
        commit_files(session, index, pages)
    ran = device.mega(*words)

    assert ran.code == 8
    assert "more than 1,000 entries" in ran.err


@pytest.mark.attack("T74")
def test_memory_does_not_grow_with_a_listing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty thousand long names pass through; no more is held than pages in memory, here eight of them."""
    monkeypatch.setattr("mega_cli.volume.pagestore.MEMORY_PAGES", 8)
    with device.volume() as session:
        inner = []
        entries = []
        for number in range(20):
            pages, index = wide_pages(session, 20)
            folder = seal_any_page(session, index)
            inner += [*pages, folder]
            entries.append(folder_entry(f"{number:02}", folder.ref))
        commit_files(session, forge.page_of(entries), inner)
    tracemalloc.start()
    ran = device.mega("du", "-s", "--json", "/")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert json.loads(ran.out)["folders"][0]["files"] == 60_000
    assert peak < MEMORY


@pytest.mark.attack("T74")
@pytest.mark.parametrize("size", [256, 65_000])
def test_a_name_of_any_length_is_refused(device: Device, size: int) -> None:
    """A page with a name of more than 255 bytes is corrupt; one that is longer than a page cannot be one (C17)."""
    with device.volume() as session:
        commit_files(session, forge.page_of([forge.entry("x" * size)]))

    assert device.mega("ls", "/").code == 14
