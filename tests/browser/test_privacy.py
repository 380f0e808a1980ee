"""What a visit tells: the fragment and what is derived from it leave neither the page nor a trace in the address."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest

from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.links import with_password
from mega_cli.model import Secret
from tests.browser.conftest import NOTE, Go, Place
from tests.kit.canary import Canaries
from tests.kit.chromium import save
from tests.kit.hostile_server import HostileServer
from tests.kit.sharer import MadeLink

PASSWORD = "violet anchor ninety bricks canary"


def canaries_of(place: Place, link: MadeLink, password: str = "") -> Canaries:
    """Name what no request and no log may hold; the proof is meant for the server, and not here."""
    found = Canaries()
    fragment = link.text().split("#")[1]
    found.add("the fragment", base64.urlsafe_b64decode(fragment + "=="))
    for what, value in link.secrets.items():
        found.add(what, value)
    found.add("the pin", link.url.pin)
    secret = link.url.secret
    if password:
        found.add("the password", password.encode())
        secret = with_password(secret, link.url.link_id, Secret(password.encode()))
        found.add("the secret with the password", secret.reveal())
    found.add("LK", kdf(secret.reveal(), b"mega1/link/key", link.url.link_id))
    for path in (place.source / "holiday").rglob("*"):
        if len(path.name) > 8:
            found.add(f"the name {path.name}", path.name.encode())
    found.add_content("a note", NOTE[:60].encode())
    return found


@pytest.mark.attack("T65")
@pytest.mark.parametrize("password", ["", PASSWORD], ids=["no password", "password"])
def test_no_request_carries_the_key_or_what_comes_from_it(
    go: Go, place: Place, proxy: HostileServer, password: str
) -> None:
    """Neither address, header nor body of any request of page, worker and service worker; nor the access log."""
    link = place.sharer.link("/holiday", password=password)
    canaries = canaries_of(place, link, password)
    visit = go()
    page = visit.open(link.text(proxy.url))
    if password:
        page.get_by_label("Password").fill(password)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="notes.txt").click()
    page.wait_for_selector("pre")
    save(page, "Download as zip")

    received = [call.raw for call in proxy.calls]
    assert canaries.leaks([*visit.sent, *received, place.server.log.encode()]) == []
    assert len(received) > 20
    assert {"/s/app/worker.js", "/s/app/sw.js", "/s/app/page.js"} <= {call.path for call in proxy.calls}


@pytest.mark.attack("T65")
def test_the_scan_sees_what_is_sent(go: Go, place: Place, proxy: HostileServer) -> None:
    """The proof is derived too, and meant to be sent: a scan for it finds it, so the scan above is not blind."""
    link = place.sharer.link("/notes.txt")
    go().open(link.text(proxy.url))
    proof = Canaries({"the proof": link.auth})

    assert proof.leaks(call.raw for call in proxy.calls) == ["the proof"]


@pytest.mark.attack("T65")
def test_the_key_leaves_address_and_history(go: Go, place: Place) -> None:
    """Not in the bar, not in the list that Back shows, not in what a script of the page could read."""
    visit = go()
    page = visit.open(place.sharer.link("/holiday").text())
    session = visit.context.new_cdp_session(page)
    entries = session.send("Page.getNavigationHistory")["entries"]

    assert "#" not in page.url
    assert [entry["url"] for entry in entries if "#" in entry["url"]] == []
    assert page.evaluate("location.hash + JSON.stringify(history.state)") == '{"at":0}'
    assert page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    assert page.evaluate("async () => (await caches.keys()).length + (await indexedDB.databases()).length") == 0
    assert visit.context.cookies() == []


@pytest.mark.attack("T65")
def test_no_request_has_a_referrer_or_a_query(go: Go, place: Place, proxy: HostileServer) -> None:
    """Nothing after the path, and no word on where it came from."""
    page = go().open(place.sharer.link("/notes.txt").text(proxy.url))
    save(page, "Download")
    fields = {name.lower() for call in proxy.calls for name, _ in call.headers}

    assert not fields & {"referer", "cookie"}
    assert [call.path for call in proxy.calls if "?" in call.path or "#" in call.path] == []


@pytest.mark.attack("T65")
def test_the_access_log_has_the_links_id_and_nothing_more(go: Go, place: Place) -> None:
    """One line a request; the id is there, the proof and the token are not."""
    link = place.sharer.link("/notes.txt")
    go().open(link.text())
    lines = [line for line in place.server.log.splitlines() if link.url.link_id.hex() in line]

    assert lines
    assert Canaries({"the proof": link.auth} | link.secrets).leaks(line.encode() for line in lines) == []


@pytest.mark.attack("T68")
def test_a_bot_that_looks_counts_nothing(place: Place) -> None:
    """GET and HEAD of the page, and of its files, are no openings; an unfurler without JavaScript sees no name."""
    link = place.sharer.link("/notes.txt", most_opened=1)
    page = link.text().split("#")[0]
    answers = [httpx.request(method, page) for method in ("GET", "HEAD", "GET")]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert b"notes.txt" not in answers[0].content
    assert place.sharer.info(link).opened == 0


@pytest.mark.attack("T66")
def test_the_server_has_no_password_to_check(place: Place) -> None:
    """What it keeps is a hash of a proof; without the password the fragment alone opens nothing of it."""
    from mega_cli.crypto.links import link_keys  # noqa: PLC0415 -- only here

    link = place.sharer.link("/notes.txt", password=PASSWORD)
    without = link_keys(link.url.secret, link.url.link_id)

    assert without.auth != link.auth
    assert without.record != link.record_key
    assert hashlib.sha256(without.auth).digest() != hashlib.sha256(link.auth).digest()
