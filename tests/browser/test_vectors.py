"""The known-answer vectors, run by the page's own code in the browser: the same answers, the same refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Place
from tests.kit.chromium import visiting
from tests.kit.hostile_server import instead
from tests.kit.vectors import Vector, load

RUNNER = (Path(__file__).parent / "vectors.js").read_bytes()
HTML = b'<!doctype html><meta charset="utf-8"><script type="module" src="/s/app/vectors.js"></script>'
POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' data:"
RUN_ALL = """async ([layout, vectors]) => {
    const all = [];
    for (const vector of vectors) all.push(await run(layout, vector));
    return all;
}"""
LAYOUTS = ("kdf", "padme", "link-keys", "link-url", "link-record", "blob", "object", "list", "page")
NOT_FOR_A_PAGE = {
    "wrapped by mail": "a browser has no address with brackets; white space inside is test_refusals.py's",
    "a query": "the page never looks at one",
    "another scheme": "a browser opens it elsewhere",
    "nothing": "no page is asked for",
}
"""Vectors of `link-url` that end before a page is reached."""


@pytest.fixture(scope="module")
def runner(browser: Browser, place: Place) -> Iterator[Page]:
    """Load the page's scripts with a runner beside them, from the server and under its policy."""
    place.proxy.be_honest()
    place.proxy.lie("GET", "/s/vectors$", instead(HTML, Content_Type="text/html", Content_Security_Policy=POLICY))
    place.proxy.lie("GET", "/s/app/vectors.js$", instead(RUNNER, Content_Type="text/javascript"))
    with visiting(browser) as visit:
        visit.page.goto(place.proxy.url + "/s/vectors")
        visit.page.wait_for_function("() => document.title === 'ready'")
        place.proxy.be_honest()
        yield visit.page


def expected(layout: str, vector: Vector) -> list[Any]:
    """Give what must come of a vector; 64 bits are compared as text, which JavaScript's numbers would round."""
    if vector["expect"] != "ok":
        return [vector["expect"]]
    result = vector["result"]
    if layout == "link-record":
        refs = bytes.fromhex(result["refs"])
        parts = [refs[at : at + 64].hex() for at in range(0, len(refs), 80)]
        result = result | {"seq": str(result["seq"]), "refs": "".join(parts)}
    return ["ok", result]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_page_gives_the_known_answers(runner: Page, layout: str) -> None:
    """Every vector of a layout, failures included."""
    vectors = [vector for vector in load(layout) if vector["comment"] not in NOT_FOR_A_PAGE]
    found = runner.evaluate(RUN_ALL, [layout, vectors])

    assert len(found) == len(vectors) > 1
    for vector, (outcome, result) in zip(vectors, found, strict=True):
        wanted = expected(layout, vector)
        assert [outcome, result][: len(wanted)] == wanted, f"{layout}: {vector['comment']}: {result}"


def test_vectors_that_no_page_meets_are_still_there() -> None:
    """A renamed comment would leave a vector out unseen."""
    assert {vector["comment"] for vector in load("link-url")} >= NOT_FOR_A_PAGE.keys()
