"""Where a browser gives the page less: plain http to another machine, and browsers that are too old."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import OTHER_HOST, Place
from tests.browser.test_refusals import of
from tests.kit.chromium import Visit, picture, refusal_text, save, visiting

HOST = f"http://{OTHER_HOST}"


@pytest.fixture
def visit(browser: Browser, place: Place) -> Iterator[Visit]:
    """Open a visit without a secure context, and check that it is one."""
    with visiting(browser) as found:
        found.page.goto(place.server.url.replace("http://127.0.0.1", HOST) + "/s/any")
        assert not found.page.evaluate("isSecureContext")
        assert found.page.evaluate("[typeof crypto.subtle, typeof navigator.serviceWorker]") == ["undefined"] * 2
        yield found


def over_http(place: Place, path: str, password: str = "") -> str:
    """Share a path, by the name of the other machine."""
    return place.sharer.link(path, password=password).text(place.server.url.replace("http://127.0.0.1", HOST))


def test_a_small_file_is_saved_from_memory(visit: Visit, place: Place) -> None:
    """Verified by libsodium's own SHA-256, which is slower and as good."""
    page = visit.open(over_http(place, "/large.bin"))

    assert save(page, "Download") == ("large.bin", (place.source / "large.bin").read_bytes())


def test_texts_and_passwords_work_as_ever(visit: Visit, place: Place) -> None:
    """Nothing but streaming needs https."""
    page = visit.open(over_http(place, "/notes.txt", password="sesame"))
    page.get_by_label("Password").fill("sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector("pre")

    assert page.inner_text("h1") == "notes.txt"


def test_a_zip_is_refused_with_the_way_that_works(visit: Visit, place: Place) -> None:
    """Before anything is fetched; single files of the folder can be had."""
    page = visit.open(over_http(place, "/holiday"))
    picture(page, "fallback-folder")
    assert page.get_by_role("button", name="Download as zip").is_disabled()
    page.locator("main").get_by_text(of("too-large")).wait_for()
    page.get_by_role("button", name="notes.txt").click()
    page.wait_for_selector("pre")

    assert save(page, "Download")[0] == "notes.txt"


def test_a_browser_without_module_workers_is_told(browser: Browser, place: Place) -> None:
    """One sentence, where the page would say "Opening…" for ever."""
    with visiting(browser) as visit:
        visit.page.add_init_script("Worker = function (url) { setTimeout(() => this.onerror(new Event('error'))); };")
        page = visit.open(place.sharer.link("/notes.txt").text())

        assert refusal_text(page) == of("old-browser")
