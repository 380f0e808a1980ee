"""Names and files that mean harm: names are text, and nothing that was shared runs as the page."""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import EVIL, Go, Place
from tests.kit.chromium import picture, save

SHOWN = {
    "invoice\u202efdp.exe": "invoice\\u{202e}fdp.exe",
    "line\nbreak\x1b[31m.txt": "line\\u{a}break\\u{1b}[31m.txt",
}


@pytest.fixture
def evil(go: Go, place: Place) -> Page:
    """Open the folder of such names."""
    return go().open(place.sharer.link("/evil").text())


@pytest.mark.attack("T70")
def test_names_are_text(evil: Page) -> None:
    """Markup, addresses, directions and control characters are seen and do nothing."""
    picture(evil, "evil")

    assert set(evil.locator("tbody button").all_inner_texts()) == {SHOWN.get(name, name) for name in EVIL}
    assert evil.locator("main img, main a, main script").count() == 0


@pytest.mark.attack("T70")
@pytest.mark.parametrize("name", list(EVIL))
def test_a_file_with_such_a_name_is_shown_and_saved(go: Go, place: Place, name: str) -> None:
    """As a heading, a title and a file: nothing runs, nothing leaves, and no invisible sign reaches the disk."""
    visit = go()
    page = visit.open(place.sharer.link(f"/evil/{name}").text())
    page.locator(".stage pre").or_(page.locator("main")).first.wait_for()

    assert page.inner_text("h1") == SHOWN.get(name, name)
    assert page.title().endswith("- mega")
    saved, content = save(page, "Download")
    assert content == EVIL[name]
    assert not set("\u202e\n\x1b/") & set(saved)
    assert page.title() != "owned"


@pytest.mark.attack("T70")
@pytest.mark.parametrize("name", ["page.html", "drawing.svg"])
def test_what_could_run_is_shown_as_text_only(go: Go, place: Place, name: str) -> None:
    """Its source, and no picture of it."""
    page = go().open(place.sharer.link(f"/evil/{name}").text())
    page.wait_for_selector("pre")

    assert page.text_content("pre") == EVIL[name].decode()
    assert page.locator(".stage img, iframe, object, embed").count() == 0


@pytest.mark.attack("T70")
def test_the_bytes_of_a_file_leave_as_an_attachment_of_no_origin(go: Go, place: Place) -> None:
    """Even opened by its address, HTML has no type that renders and would run in a sandbox with no policy of ours."""
    visit = go()
    page = visit.open(place.sharer.link("/evil/page.html").text())
    answers: list[dict[str, str]] = []
    visit.context.on("response", lambda answer: answers.append(answer.headers) if "/stream/" in answer.url else None)
    save(page, "Download")
    (answer,) = answers

    assert answer["content-type"] == "application/octet-stream"
    assert answer["content-disposition"].startswith("attachment")
    assert answer["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer["x-content-type-options"] == "nosniff"


@pytest.mark.attack("T70")
def test_a_zip_unpacks_into_its_folder_only(evil: Page) -> None:
    """No name in it is absolute, climbs, or holds what a terminal obeys."""
    archive = zipfile.ZipFile(io.BytesIO(save(evil, "Download as zip")[1]))

    assert archive.testzip() is None
    assert len(archive.namelist()) == len(EVIL)
    assert not {sign for name in archive.namelist() for sign in name} & set("\u202e\n\x1b/\\:")
