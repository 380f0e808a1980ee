"""A link with a password."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Go, Place
from tests.browser.test_refusals import of
from tests.kit.chromium import picture, save

PASSWORD = "s\u00e9same, open"


def test_a_password_opens_the_link(go: Go, place: Place) -> None:
    """However its letters are composed; the keyboard is in the field, and Enter is enough."""
    page = go().open(place.sharer.link("/report.pdf", password=PASSWORD).text())
    picture(page, "password")
    assert page.evaluate("document.activeElement.id") == "password"
    page.keyboard.type("se\u0301same, open")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Download").wait_for()

    assert save(page, "Download")[1] == (place.source / "report.pdf").read_bytes()


@pytest.mark.attack("T66")
def test_a_wrong_password_opens_nothing_and_may_be_tried_again(go: Go, place: Place) -> None:
    """The server refuses the proof, counts no opening, and the next try is free."""
    link = place.sharer.link("/report.pdf", password=PASSWORD)
    visit = go(may_fail=True)
    page = visit.open(link.text())
    page.get_by_label("Password").fill("sesame")
    page.keyboard.press("Enter")
    page.get_by_text(of("password")).wait_for()
    picture(page, "password-wrong")
    assert place.sharer.info(link).opened == 0
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="report.pdf").wait_for()
