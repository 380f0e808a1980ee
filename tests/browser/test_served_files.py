"""The page's files: what is served is what was committed, under the one policy; libraries are the pinned ones."""

from __future__ import annotations

import re
import shutil
import subprocess
from hashlib import sha256

import httpx
import pytest

from tests.browser.conftest import Go, Place
from tests.house.source import ROOT
from tests.kit import web_manifest
from tests.kit.make_web import PACKAGES, VENDOR

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' data:; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""As `design` has it: nothing `unsafe-`, no host but this one."""
LINES_MOST = 400


def test_the_manifest_is_what_is_there() -> None:
    """Every file of the page by its hash; `make web` writes it."""
    assert web_manifest.read() == web_manifest.hashes(), "run: make web"


def test_sha256sum_reads_the_manifest() -> None:
    """Anybody compares by one command."""
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    done = subprocess.run(["sha256sum", "--check", "--quiet", "MANIFEST"], cwd=web_manifest.WEB, check=False)

    assert done.returncode == 0


@pytest.mark.attack("T69")
def test_what_a_visit_gets_is_what_was_committed(go: Go, place: Place) -> None:
    """Byte for byte what the MANIFEST says: the page, and every file that it loads."""
    link = place.sharer.link("/holiday").text()
    visit = go()
    visit.open(link)
    visit.page.get_by_role("button", name="notes.txt").click()
    visit.page.wait_for_selector("pre")
    loaded = {match[1].decode() for sent in visit.sent if (match := re.match(rb"GET \S+?(/s/app/\S+) ?\r?", sent))}
    committed = web_manifest.read()

    page = httpx.get(link.split("#")[0])
    assert sha256(page.content).hexdigest() == committed["index.html"]
    names = {path.removeprefix("/s/") for path in loaded if "/stream/" not in path}
    assert names >= {"app/page.js", "app/style.css", "app/worker.js", "app/vendor/libsodium-sumo.mjs"}
    for name in names:
        served = httpx.get(f"{place.server.url}/s/{name}").content
        assert sha256(served).hexdigest() == committed[name]


@pytest.mark.attack("T69")
def test_every_file_carries_the_policy(place: Place) -> None:
    """Exactly as specified, on the page and on every script, for workers have a policy of their own."""
    paths = ["/s/any", *(f"/s/{name}" for name in web_manifest.read() if name.startswith("app/"))]
    for path in paths:
        answer = httpx.get(place.server.url + path)
        if answer.status_code == 404:
            assert path.endswith(".LICENSE")
            continue
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.attack("T69")
def test_no_file_of_ours_writes_html_or_runs_text() -> None:
    """Nor names another host."""
    ours = [path for path in web_manifest.WEB.rglob("*") if path.suffix in {".js", ".html", ".css"}]
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|https?://(?!www\.w3\.org)"
    )

    assert [path.name for path in ours if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_the_files_of_ours_can_be_read_in_one_sitting() -> None:
    """At most 400 lines, and each begins by saying what it is."""
    scripts = [path for path in (web_manifest.WEB / "app").glob("*.*") if path.suffix in {".js", ".css"}]

    assert len(scripts) > 15
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(("// ", "/* ")), path.name
        assert len(text.splitlines()) <= LINES_MOST, path.name


def test_the_libraries_are_pinned_and_have_their_licences() -> None:
    """By version and SHA-512; no other file lies among them."""
    assert {name for package in PACKAGES for name in package.files.values()} == {path.name for path in VENDOR.iterdir()}
    assert all(re.fullmatch(r"[\w-]+@\d+\.\d+\.\d+", package.name) for package in PACKAGES)
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{86}==", package.integrity) for package in PACKAGES)
    assert "web:" in (ROOT / "Makefile").read_text(encoding="utf-8")
