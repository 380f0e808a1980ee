"""A link to a folder, opened by a person."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NOTE, Go, Place
from tests.kit.chromium import picture, save


@pytest.fixture
def holiday(go: Go, place: Place) -> Page:
    """Open the folder `holiday`."""
    return go().open(place.sharer.link("/holiday").text())


def rows(page: Page) -> list[str]:
    """Read the names in the list, in order."""
    return page.locator("tbody button").all_inner_texts()


def entry(page: Page, name: str) -> None:
    """Choose an entry."""
    page.get_by_role("button", name=name, exact=True).click()


def test_a_folder_lists_folders_first_and_numbers_in_order(holiday: Page) -> None:
    """As people sort."""
    picture(holiday, "folder")

    assert rows(holiday) == ["more", "empty.dat", "notes.txt", "part 1.bin", "part 2.bin", "part 10.bin", "picture.png"]


def test_it_is_sorted_by_size_either_way(holiday: Page) -> None:
    """A second click turns the order, and a screen reader is told."""
    head = holiday.get_by_role("columnheader", name="Size")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    smallest = rows(holiday)
    head.get_by_role("button").click()

    assert head.get_attribute("aria-sort") == "descending"
    assert rows(holiday) == smallest[::-1]
    assert rows(holiday)[:2] == ["picture.png", "part 10.bin"]


def test_it_is_searched(holiday: Page) -> None:
    """By any part of a name, whatever its case; nothing found is said."""
    holiday.get_by_label("Search this folder").fill("PART")
    assert rows(holiday) == ["part 1.bin", "part 2.bin", "part 10.bin"]
    assert "3 of 7 items" in holiday.inner_text("main")
    holiday.get_by_label("Search this folder").fill("nothing like it")

    assert "Nothing here." in holiday.inner_text("table")


def test_it_is_browsed_down_and_up(holiday: Page) -> None:
    """By the list, by the names above, and by the browser's Back and Forward."""
    title = holiday.locator("h1")
    entry(holiday, "more")
    entry(holiday, "deep")
    holiday.get_by_role("button", name="large.bin").wait_for()
    picture(holiday, "folder-deep")
    holiday.go_back()
    holiday.wait_for_function("() => document.querySelector('h1').textContent === 'more'")
    holiday.go_forward()
    holiday.wait_for_function("() => document.querySelector('h1').textContent === 'deep'")
    holiday.get_by_role("navigation", name="Folders above").get_by_role("button", name="holiday").click()
    holiday.get_by_role("button", name="picture.png").wait_for()

    assert title.inner_text() == "holiday"


def test_the_address_and_the_history_hold_no_name(holiday: Page) -> None:
    """Going down leaves only numbers behind."""
    entry(holiday, "more")
    holiday.get_by_role("button", name="deep").wait_for()

    assert holiday.evaluate("history.state") == {"at": 1}
    assert "more" not in holiday.url


def test_one_file_is_shown_and_saved(holiday: Page, place: Place) -> None:
    """Above the list, with its own download; Escape is not needed to get back to the row."""
    entry(holiday, "notes.txt")
    holiday.wait_for_selector("pre")
    picture(holiday, "folder-text")
    assert holiday.text_content("pre") == NOTE

    assert save(holiday, "Download") == ("notes.txt", (place.source / "holiday" / "notes.txt").read_bytes())
    holiday.get_by_role("button", name="Close").click()
    assert holiday.evaluate("document.activeElement.textContent") == "notes.txt"


def test_the_whole_folder_is_a_zip(holiday: Page, place: Place, tmp_path: Path) -> None:
    """Python and unzip read it: every file, folder and link, with its content, time and mode."""
    name, content = save(holiday, "Download as zip")
    archive = zipfile.ZipFile(io.BytesIO(content))
    source = place.source / "holiday"
    files = {path.relative_to(source).as_posix(): path for path in source.rglob("*")}
    expected = {name + "/" if path.is_dir() else name for name, path in files.items()}

    assert name == "holiday.zip"
    assert archive.testzip() is None
    assert set(archive.namelist()) == expected
    for info in archive.infolist():
        path = files[info.filename.rstrip("/")]
        if path.is_symlink():
            assert stat.S_ISLNK(info.external_attr >> 16)
            assert archive.read(info) == str(path.readlink()).encode()
        elif path.is_file():
            assert archive.read(info) == path.read_bytes()
    if shutil.which("unzip"):
        (tmp_path / "holiday.zip").write_bytes(content)
        assert (
            subprocess.run(["unzip", "-t", tmp_path / "holiday.zip"], capture_output=True, check=False).returncode == 0
        )


def test_a_zip_goes_on_in_sight_while_one_browses(holiday: Page) -> None:
    """What was begun in one folder keeps its line when another is shown."""
    save(holiday, "Download as zip")
    with holiday.expect_download():
        holiday.get_by_role("button", name="Download as zip").click()
        entry(holiday, "more")
        holiday.get_by_role("button", name="deep").wait_for()

    assert holiday.locator("h1").inner_text() == "more"


def test_a_phone_lists_it_without_scrolling_sideways(go: Go, place: Place) -> None:
    """Also with names of 240 letters."""
    visit = go(viewport={"width": 390, "height": 844}, has_touch=True)
    page = visit.open(place.sharer.link("/holiday").text())
    picture(page, "folder-phone")
    page = visit.open(place.sharer.link("/evil").text())
    picture(page, "folder-phone-evil")

    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_it_is_dark_for_who_wants_it_dark(go: Go, place: Place) -> None:
    """The ground follows the reader's choice."""
    page = go(color_scheme="dark").open(place.sharer.link("/holiday").text())
    picture(page, "folder-dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 18)"
