"""Sound and films: they play while they arrive, can be sought, and follow one another."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Go, Place
from tests.kit.chromium import picture
from tests.kit.film import make_film, make_sound, shade_of
from tests.kit.forge import flipped
from tests.kit.hostile_server import HostileServer, on_frames

SECONDS = 700 if os.environ.get("MEGA_BROWSER_FULL") else 200
MOST_FETCHED = 0.05 if os.environ.get("MEGA_BROWSER_FULL") else 0.5
"""Of the file. A seek takes three chunks of at most 4 MiB, cut anew in each run: the short film has 28 MB."""
SHADE = """() => {
    const film = document.querySelector("video"), canvas = document.createElement("canvas");
    canvas.width = film.videoWidth;
    canvas.height = film.videoHeight;
    const drawn = canvas.getContext("2d");
    drawn.drawImage(film, 0, 0);
    return [film.currentTime, drawn.getImageData(160, 40, 1, 1).data[1]];
}"""
IS_SHOWN = "() => { const film = document.querySelector('video'); return !film.seeking && film.readyState >= 2; }"


@dataclass
class Media:
    """What was put for these tests."""

    film_bytes: int


@pytest.fixture(scope="session")
def media(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Media:
    """Store a film, a folder of music and a folder of films."""
    folder: Path = tmp_path_factory.mktemp("media")
    make_film(folder / "film.webm", SECONDS)
    (folder / "music").mkdir()
    for number, hertz in enumerate((220, 330, 440), 1):
        make_sound(folder / "music" / f"{number} tone.wav", 0.4, hertz)
    (folder / "music" / "cover.txt").write_text("three tones", encoding="utf-8")
    place.sharer.put(folder / "film.webm", folder / "music")
    return Media((folder / "film.webm").stat().st_size)


def test_a_film_is_sought_by_fetching_little(go: Go, place: Place, media: Media) -> None:
    """The right frame is shown, and most of the film never left the server."""
    link = place.sharer.link("/film.webm")
    page = go().open(link.text())
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 1")
    page.wait_for_load_state("networkidle")  # a seek while Chromium reads the beginning makes it read on, now and then
    wanted_s = SECONDS * 3 // 4 + 0.5
    page.evaluate("(second) => { document.querySelector('video').currentTime = second; }", wanted_s)
    page.wait_for_function(IS_SHOWN)
    at_s, shade = page.evaluate(SHADE)
    picture(page, "film")
    page.goto("about:blank")  # what was asked for has been counted when the page is gone

    assert abs(at_s - wanted_s) < 0.01
    assert abs(shade - shade_of(int(wanted_s))) <= 3
    fetched = place.sharer.info(link).fetched_bytes
    print(f"film of {media.film_bytes} bytes, {fetched} fetched: {fetched / media.film_bytes:.1%}")  # noqa: T201 -- for docs/testing.md
    assert fetched < MOST_FETCHED * media.film_bytes


def playing(page: Page) -> str:
    """Read which row is marked."""
    return page.locator("button[aria-current]").inner_text()


def test_music_plays_one_after_another(go: Go, place: Place, media: Media) -> None:
    """From the first to the last, without another click, each marked in the list while it plays."""
    assert media.film_bytes
    page = go().open(place.sharer.link("/music").text())
    page.evaluate(
        """() => {
            globalThis.heard = [];
            new MutationObserver(() => {
                const row = document.querySelector("button[aria-current]");
                if (row && heard.at(-1) !== row.textContent) heard.push(row.textContent);
            }).observe(document.body, { attributes: true, subtree: true, attributeFilter: ["aria-current"] });
        }"""
    )
    page.get_by_role("button", name="Play all").click()
    picture(page, "music")
    page.wait_for_function("() => heard.length === 3 && document.querySelector('audio').ended")

    assert page.evaluate("heard") == ["1 tone.wav", "2 tone.wav", "3 tone.wav"]
    assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(0.4, abs=0.01)


def test_a_track_is_chosen_and_left(go: Go, place: Place, media: Media) -> None:
    """Playing begins at the one that was clicked; Previous and Next go about; Close ends it."""
    assert media.film_bytes
    page = go(viewport={"width": 390, "height": 844}).open(place.sharer.link("/music").text())
    page.get_by_role("button", name="2 tone.wav", exact=True).click()
    page.locator("audio").evaluate("(sound) => sound.pause()")
    assert re.search("2 of 3|3 of 3", page.inner_text(".stage"))
    while page.get_by_role("button", name="Next").is_enabled():
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Previous").click()
    page.locator("audio").evaluate("(sound) => sound.pause()")
    picture(page, "music-phone")
    page.get_by_role("button", name="Close").click()

    assert page.locator("audio").count() == 0
    assert page.locator("button[aria-current]").count() == 0
    assert page.evaluate("document.activeElement.textContent").endswith("tone.wav")


def test_a_damaged_film_says_so(go: Go, place: Place, media: Media, proxy: HostileServer) -> None:
    """Nothing that does not verify is played."""
    assert media.film_bytes
    proxy.lie("POST", "/blobs$", on_frames(lambda blobs: [flipped(blob, 99) for blob in blobs]))
    page = go(may_fail=True).open(place.sharer.link("/film.webm").text(proxy.url))
    page.locator(".stage [role=alert]").wait_for()

    assert "cannot be played here" in page.inner_text(".stage")
    assert page.evaluate("document.querySelector('video').readyState") == 0
