"""A real Chromium, driven by Playwright: where it is, how a visit is watched, and what its renderers hold.

No browser is ever downloaded: the system's is used. A visit fails its test when the page wrote an error, broke its
policy, or spoke to anyone but the server that served it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

ARTIFACTS: Final = Path(__file__).resolve().parents[2] / "artifacts"
"""Screenshots, for people to look at; git ignores them."""
WAIT_MS: Final = 20_000
_NETWORK: Final = "Failed to load resource"
"""What Chromium itself writes when an answer is a refusal or a connection breaks."""


def executable() -> str:
    """Find Chromium, or fail with the line that installs it."""
    found = os.environ.get("MEGA_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail("no Chromium here: run `make tools`, or name one by MEGA_CHROMIUM", pytrace=False)
    return found


@contextmanager
def started(*arguments: str) -> Iterator[Browser]:
    """Start a browser with further arguments, and end it."""
    is_root = sys.platform != "win32" and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=[*(["--no-sandbox"] if is_root else []), *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One browser context, as fresh as another person's browser, with one page; watched from its first request."""

    context: BrowserContext
    page: Page
    may_fail: bool = False
    """Whether requests may be refused or broken, which Chromium writes to the console by itself."""
    errors: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    """Everything that any of its pages and workers asked for: address, headers, body."""
    hosts: set[str] = field(default_factory=set)

    def open(self, url: str) -> Page:
        """Open a link, and wait until the page has decided what to show."""
        self.page.goto(url)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the page has decided what to show."""
        self.page.wait_for_selector('main[aria-busy="false"]')

    def text(self) -> str:
        """Read what the page shows."""
        return self.page.inner_text("main")

    def watch(self) -> None:
        """Note errors and requests from now on."""
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        self.context.on("request", self._asked)

    def refused(self) -> list[str]:
        """Give what should not have been written to the console."""
        return [error for error in self.errors if not (self.may_fail and error.startswith(_NETWORK))]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme == "blob":
            return
        self.hosts.add(urlsplit(request.url).netloc)
        body = request.post_data_buffer or b""
        fields = [f"{name}: {value}" for name, value in request.headers.items()]
        self.sent.append("\r\n".join([f"{request.method} {request.url}", *fields]).encode() + b"\r\n\r\n" + body)


@contextmanager
def visiting(browser: Browser, *, may_fail: bool = False, **options: Any) -> Iterator[Visit]:
    """Open a context with one page; fail at its end if the page wrote an error or spoke to a second host."""
    context = browser.new_context(accept_downloads=True, **options)
    context.set_default_timeout(WAIT_MS)
    try:
        visit = Visit(context, context.new_page(), may_fail)
        visit.watch()
        yield visit
        assert visit.refused() == [], visit.refused()
        assert len(visit.hosts) <= 1, f"the page spoke to {sorted(visit.hosts)}"
    finally:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for people."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def save(page: Page, label: str) -> tuple[str, bytes]:
    """Click a button that saves, and give the name and the content of what was saved."""
    with page.expect_download() as got:
        page.get_by_role("button", name=label, exact=True).click()
    download = got.value
    assert download.failure() is None
    return download.suggested_filename, download.path().read_bytes()


def refusal_text(page: Page) -> str:
    """Read why the link does not open."""
    assert page.inner_text("h1") == "This link does not open"
    return page.inner_text(".refused")
