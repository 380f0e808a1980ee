"""A link to one file, opened by a person."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.conftest import CONTACT, NOTE, Go, Place
from tests.kit.chromium import picture, save


def test_a_file_is_named_and_downloaded(go: Go, place: Place) -> None:
    """Its name and size are shown, what is saved is what was shared, and the page says so."""
    visit = go()
    page = visit.open(place.sharer.link("/large.bin").text())
    picture(page, "file")

    name, content = save(page, "Download")

    assert (name, content) == ("large.bin", (place.source / "large.bin").read_bytes())
    assert "8.0 MiB" in visit.text()
    page.locator("main").get_by_text("Saved, 8.0 MiB, every byte verified.").wait_for()
    assert page.title() == "large.bin - mega"


def test_a_text_is_shown(go: Go, place: Place) -> None:
    """As text, letter by letter."""
    page = go().open(place.sharer.link("/notes.txt").text())
    page.wait_for_selector("pre")
    picture(page, "text")

    assert page.text_content("pre") == NOTE


def test_an_image_is_shown_with_its_name(go: Go, place: Place) -> None:
    """Decoded, at its size, and named for who cannot see it."""
    page = go().open(place.sharer.link("/holiday/picture.png").text())
    image = page.get_by_role("img", name="picture.png")
    image.wait_for()
    picture(page, "image")

    assert image.evaluate("image => image.naturalWidth") == 320


def test_a_pdf_is_a_download(go: Go, place: Place) -> None:
    """No viewer of the browser runs in the page's origin."""
    visit = go()
    page = visit.open(place.sharer.link("/report.pdf").text())

    assert page.locator("embed, iframe, object, .stage").count() == 0
    assert save(page, "Download")[0] == "report.pdf"


def test_an_empty_file_is_saved_too(go: Go, place: Place) -> None:
    """Nothing is fetched for it, and the download ends."""
    page = go().open(place.sharer.link("/holiday/empty.dat").text())

    assert save(page, "Download") == ("empty.dat", b"")


def test_an_expiry_is_said_as_the_servers_promise(go: Go, place: Place) -> None:
    """With the year, and by whom it is kept."""
    link = place.sharer.link("/report.pdf", expires_ms=int(time.time() * 1000) + 86_400_000)
    visit = go()
    visit.open(link.text())

    assert re.search(r"the server gives it until .*20\d\d", visit.text())


def test_the_footer_says_who_sees_what_and_where_to_report_abuse(go: Go, place: Place) -> None:
    """One line on the server, and the administrator's words with the link's name and without its key."""
    link = place.sharer.link("/report.pdf")
    page = go().open(link.text())
    page.get_by_text(CONTACT).wait_for()
    footer = page.inner_text("footer")

    assert f"To report abuse: {CONTACT}, naming the link {link.text().split('/')[-1].split('#')[0]}" in footer
    assert "never names or content" in footer


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(go: Go, place: Place, scheme: str) -> None:
    """At 390 points nothing is wider than the screen, in either colour."""
    page = go(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True).open(
        place.sharer.link("/notes.txt").text()
    )
    page.wait_for_selector("pre")
    picture(page, f"file-phone-{scheme}")

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.get_by_role("button", name="Download").bounding_box()["height"] >= 44  # type: ignore[index]  # it is seen


def test_nothing_moves_when_the_preview_or_the_progress_comes(go: Go, place: Place) -> None:
    """The button stays where the finger was going, while a file is saved and after."""
    page = go().open(place.sharer.link("/large.bin").text())
    button = page.get_by_role("button", name="Download")
    before = button.bounding_box()
    save(page, "Download")
    page.get_by_text("Saved").first.wait_for()

    assert button.bounding_box() == before
