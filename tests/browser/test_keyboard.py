"""The page for who has no mouse, or does not see it."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import NOTE, Go, Place


def focused(page: Page) -> str:
    """Read what the keyboard is on."""
    return str(page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent"))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name is reached."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_a_folder_is_used_by_keyboard_alone(go: Go, place: Place) -> None:
    """Search, sort, go down, show, close, save: the keyboard is always where something has just come."""
    page = go().open(place.sharer.link("/holiday").text())
    tab_to(page, "Search this folder")
    page.keyboard.type("mor")
    tab_to(page, "more")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.activeElement.textContent === 'more' && document.activeElement.tagName === 'H1'"
    )
    page.keyboard.press("Tab")
    assert focused(page) == "holiday"
    tab_to(page, "Überblick.md")
    page.keyboard.press("Enter")
    page.wait_for_selector("pre")
    assert focused(page) == "Überblick.md"
    tab_to(page, "Close")
    page.keyboard.press("Enter")
    assert focused(page) == "Überblick.md"
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    page.evaluate("document.querySelector('h1').focus()")
    tab_to(page, "Download as zip")
    with page.expect_download() as got:
        page.keyboard.press("Enter")

    assert got.value.failure() is None


def test_landmarks_and_names_of_a_file(go: Go, place: Place) -> None:
    """What a screen reader is told of a file."""
    page = go().open(place.sharer.link("/notes.txt").text())
    page.wait_for_selector("pre")
    told = page.locator("body").aria_snapshot()

    for line in (
        "- banner:",
        "- main:",
        '- region "File":',
        '- heading "notes.txt" [level=1]',
        '- button "Download"',
        '- region "Preview":',
        "- contentinfo:",
    ):
        assert line in told, told
    assert NOTE.split("\n", maxsplit=1)[0] in told


def test_landmarks_and_names_of_a_folder(go: Go, place: Place) -> None:
    """What a screen reader is told of a folder."""
    page = go().open(place.sharer.link("/holiday").text())
    told = page.locator("main").aria_snapshot()

    for line in (
        '- heading "holiday" [level=1]',
        '- button "Download as zip"',
        '- searchbox "Search this folder"',
        "- table:",
        '- columnheader "Name',
        '- button "notes.txt"',
    ):
        assert line in told, told


def test_what_happens_is_said(go: Go, place: Place) -> None:
    """A status that only a screen reader meets: where one is, and that a file is saved."""
    page = go().open(place.sharer.link("/holiday").text())
    page.get_by_role("button", name="more", exact=True).click()
    page.wait_for_function("() => document.getElementById('status').textContent === 'more, 3 items'")
    with page.expect_download():
        page.get_by_role("button", name="Download as zip").click()

    page.wait_for_function("() => document.getElementById('status').textContent.startsWith('Saved')")


def test_nothing_moves_for_who_wants_it_still(go: Go, place: Place) -> None:
    """No transition or animation with reduced motion."""
    page = go(reduced_motion="reduce").open(place.sharer.link("/holiday").text())

    assert page.evaluate(
        """[...document.querySelectorAll("*")].every((element) => {
            const style = getComputedStyle(element);
            return style.animationName === "none" && parseFloat(style.transitionDuration) === 0;
        })"""
    )
