"""A newer release of the page while an older one is open."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.conftest import Go, Place
from tests.kit.chromium import save
from tests.kit.hostile_server import HostileServer, Lie, instead

SCRIPT = (Path(__file__).parents[2] / "mega_server/web/app/sw.js").read_bytes()


def newer() -> Lie:
    """Serve another worker than the one that the browser has."""
    return instead(SCRIPT + b"\n// a newer release\n", Content_Type="text/javascript", Service_Worker_Allowed="/s/")


def waiting(page: Page) -> bool:
    """Wait until the browser has installed the newer worker; tell whether it waits, or works already."""
    return bool(
        page.evaluate(
            """async () => {
                const registration = await navigator.serviceWorker.getRegistration("/s/");
                await registration.update();
                const coming = registration.installing;
                if (coming) await new Promise((done) => coming.addEventListener("statechange", done, { once: true }));
                return registration.waiting !== null;
            }"""
        )
    )


def test_a_newer_worker_waits_while_another_page_is_open(go: Go, place: Place, proxy: HostileServer) -> None:
    """Taking over would cut what the older one streams; the pages go on saving with it."""
    visit = go()
    first = visit.open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("GET", "/sw.js$", newer())
    second = visit.context.new_page()
    second.goto(place.sharer.link("/report.pdf").text(proxy.url))
    second.get_by_role("button", name="Download").wait_for()

    assert waiting(second)
    assert save(first, "Download")[1] == (place.source / "large.bin").read_bytes()


def test_a_newer_worker_takes_over_when_a_page_is_alone(go: Go, place: Place, proxy: HostileServer) -> None:
    """The next visit asks it to, and is served by it."""
    visit = go()
    page = visit.open(place.sharer.link("/large.bin").text(proxy.url))
    proxy.lie("GET", "/sw.js$", newer())
    assert waiting(page)
    visit.open(place.sharer.link("/report.pdf").text(proxy.url))
    page.wait_for_function("() => navigator.serviceWorker.getRegistration('/s/').then((found) => !found.waiting)")

    assert save(page, "Download")[1] == (place.source / "report.pdf").read_bytes()
