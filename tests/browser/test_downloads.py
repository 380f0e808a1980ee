"""Downloads that meet trouble: cut connections are mended, damage leaves no file, tabs do not disturb one another."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Go, Place
from tests.browser.test_refusals import of
from tests.kit.chromium import picture, save
from tests.kit.forge import flipped
from tests.kit.hostile_server import Answer, Call, Forward, HostileServer, blobs_of, frames, on_frames, refusal


def begin(page: Page, label: str, folder: Path) -> None:
    """Click a download whose file goes straight to a folder, under its real name, as a person's does."""
    session = page.context.new_cdp_session(page)
    session.send("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    page.get_by_role("button", name=label, exact=True).click()


def damage_later(blobs: list[bytes]) -> list[bytes]:
    """Leave what comes first alone, and change one byte of the last blob of a longer answer."""
    return blobs if len(blobs) < 2 else [*blobs[:-1], flipped(blobs[-1], 200)]


@pytest.mark.attack("T39")
@pytest.mark.parametrize(("path", "label"), [("/large.bin", "Download"), ("/holiday", "Download as zip")])
def test_damage_half_way_leaves_no_file(
    go: Go, place: Place, proxy: HostileServer, tmp_path: Path, path: str, label: str
) -> None:
    """Chromium ends the download as failed, nothing stands under the final name, and the page says why."""
    page = go(may_fail=True).open(place.sharer.link(path).text(proxy.url))
    lie = on_frames(damage_later if path == "/large.bin" else lambda blobs: [flipped(blob, 99) for blob in blobs])
    proxy.lie("POST", "/blobs$", lie)
    begin(page, label, tmp_path)
    page.locator("main").get_by_text(of("tampered")).wait_for()
    page.locator(".download.failed").wait_for()

    assert [file.name for file in tmp_path.iterdir() if not file.name.endswith(".crdownload")] == []


@pytest.mark.attack("T39")
def test_chromium_calls_a_damaged_download_failed(go: Go, place: Place, proxy: HostileServer) -> None:
    """The browser's own list of downloads shows no finished file."""
    page = go(may_fail=True).open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("POST", "/blobs$", on_frames(damage_later))
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()

    assert got.value.failure() is not None


@pytest.mark.attack("T31")
@pytest.mark.parametrize(
    "change",
    [lambda blobs: blobs[::-1], lambda blobs: [blobs[0]] * len(blobs), lambda blobs: [*blobs, blobs[0]]],
    ids=["another order", "one twice", "one too many"],
)
def test_chunks_that_were_moved_about_are_refused(
    go: Go, place: Place, proxy: HostileServer, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    """Each stands where its ref is, and no other."""
    page = go(may_fail=True).open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("POST", "/blobs$", on_frames(lambda blobs: blobs if len(blobs) < 2 else change(blobs)))
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()

    assert got.value.failure() is not None
    page.locator("main").get_by_text(of("tampered")).wait_for()


def cut_long_answer(call: Call, forward: Forward) -> Answer:
    """Break the connection behind the first blob of an answer, and a little of the next."""
    whole = forward()
    if len(call.body) == 32:
        return whole
    first = int.from_bytes(whole.body[:4], "big") + 4
    stall = threading.Event()  # Chromium drops what it has not handed over when a connection breaks
    threading.Timer(0.5, stall.set).start()
    return replace(whole, body=whole.body[: first + 1_000], is_cut=True, stall=stall)


def test_a_connection_that_is_cut_is_mended(go: Go, place: Place, proxy: HostileServer) -> None:
    """What had come is kept: only what is missing is asked for again, and the file is whole."""
    page = go(may_fail=True).open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.forget()
    proxy.lie("POST", "/blobs$", cut_long_answer, times=3)

    assert save(page, "Download")[1] == (place.source / "large.bin").read_bytes()
    asked = [len(call.body) // 32 for call in proxy.calls if call.path.endswith("/blobs")]
    longest = max(asked)
    rest = asked[asked.index(longest) :]
    assert rest == sorted(rest, reverse=True)
    assert len(rest) >= 3
    assert rest[-1] < longest


def test_a_server_that_cannot_answer_now_is_asked_again(go: Go, place: Place, proxy: HostileServer) -> None:
    """Three refusals that may pass, which the page says, and then it goes on."""
    page = go(may_fail=True).open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("POST", "/blobs$", refusal("unavailable", 503), times=3)
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
        page.get_by_text("connection lost, trying again").wait_for()
        picture(page, "download-cut")

    assert got.value.path().read_bytes() == (place.source / "large.bin").read_bytes()


def test_an_answer_in_parts_is_asked_on(go: Go, place: Place, proxy: HostileServer) -> None:
    """A server that sends less than was asked is asked for the rest."""

    def first_only(_call: Call, forward: Forward) -> Answer:
        honest = forward()
        blobs = blobs_of(honest.body)
        unsent = b"\xff\xff\xff\xfe" * (len(blobs) - 1)
        return replace(honest, body=frames(blobs[:1])[:-4] + unsent + bytes(4))

    page = go().open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("POST", "/blobs$", first_only)

    assert save(page, "Download")[1] == (place.source / "large.bin").read_bytes()


def test_a_download_that_the_visitor_stops(go: Go, place: Place, proxy: HostileServer) -> None:
    """Is no error, and can be begun again."""
    page = go(may_fail=True).open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("POST", "/blobs$", refusal("unavailable", 503), times=2)
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
    got.value.cancel()
    page.locator("main").get_by_text("Stopped.").wait_for()
    proxy.be_honest()

    assert save(page, "Download")[1] == (place.source / "large.bin").read_bytes()


def test_tabs_of_several_links_save_at_once(go: Go, place: Place) -> None:
    """One service worker serves them all, each with its own bytes."""
    visit = go()
    paths = ["/large.bin", "/report.pdf", "/holiday/more/deep/large.bin"]
    pages = [visit.page, visit.context.new_page(), visit.context.new_page()]
    for page, path in zip(pages, paths, strict=True):
        page.goto(place.sharer.link(path).text())
        page.get_by_role("button", name="Download").wait_for()

    for page, path in [*zip(pages, paths, strict=True)][::-1]:
        content = save(page, "Download")[1]
        assert hashlib.sha256(content).digest() == hashlib.sha256((place.source / path[1:]).read_bytes()).digest()


def test_a_strangers_address_is_answered_by_nobody(go: Go, place: Place) -> None:
    """A ticket that no page made is gone, and shows nothing of the page's origin."""
    visit = go(may_fail=True)
    page = visit.open(place.sharer.link("/report.pdf").text())
    status = page.evaluate(f"fetch('/s/app/stream/{'A' * 22}/x').then((answer) => answer.status)")

    assert status == 410
