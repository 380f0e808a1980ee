"""Every sentence that the page has for an error, reached as a visitor reaches it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.formats.link import LinkRecord
from mega_cli.model import Secret
from tests.browser.conftest import Go, Place
from tests.kit.chromium import picture, refusal_text, save
from tests.kit.forge import flipped
from tests.kit.hostile_server import HostileServer, instead, on_frames, on_json, refusal
from tests.kit.sharer import MadeLink

FILE = "/report.pdf"
SENTENCES: dict[str, str] = dict(
    re.findall(
        r'^ +"?([\w-]+)"?: "(.*)",$',
        (Path(__file__).parents[2] / "mega_server/web/app/refusal.js").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)


def of(kind: str) -> str:
    """Give a sentence."""
    return SENTENCES[kind]


def test_a_revoked_link_says_so(go: Go, place: Place) -> None:
    """At once, whoever comes."""
    link = place.sharer.link(FILE)
    place.sharer.revoke(link)
    page = go(may_fail=True).open(link.text())
    picture(page, "refused")

    assert refusal_text(page) == of("revoked")


def test_an_expired_link_says_so(go: Go, place: Place) -> None:
    """By the server's clock."""
    link = place.sharer.link(FILE, expires_ms=1_000)

    assert refusal_text(go(may_fail=True).open(link.text())) == of("expired")


def test_an_expired_record_is_refused_by_the_page_too(go: Go, place: Place) -> None:
    """A server that forgot the expiry does not decide alone: the record repeats it."""
    link = place.sharer.link(FILE)
    named = replace(link.named, expires_ms=int(time.time() * 1000) - 1_000)
    place.sharer.update(link, record=link.sealed(named))

    assert refusal_text(go().open(link.text())) == of("expired")


def test_a_used_up_link_says_so(go: Go, place: Place) -> None:
    """The second visitor of a link for one."""
    link = place.sharer.link(FILE, most_opened=1)
    go().open(link.text())

    assert refusal_text(go(may_fail=True).open(link.text())) == of("limit")


def test_a_link_that_the_server_does_not_know(go: Go, place: Place) -> None:
    """An id that was never made."""
    link = place.sharer.link(FILE)
    stranger = replace(link.url, link_id=os.urandom(16)).text()

    assert refusal_text(go(may_fail=True).open(stranger)) == of("unknown")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda url: url.split("#")[0], "lost-key"),
        (lambda url: url.split("#")[0] + "#", "lost-key"),
        (lambda url: url[:-3], "cut"),
        (lambda url: url.split("#")[0] + "#Ag" + url.split("#")[1][2:], "newer"),
        (lambda url: url.replace("/s/", "/s/A"), "no-link"),
    ],
    ids=["no fragment", "empty fragment", "cut", "newer", "id"],
)
def test_a_link_that_was_spoilt_on_its_way(go: Go, place: Place, spoil: Callable[[str], str], kind: str) -> None:
    """What mail, chat and people do to links: one sentence each, and the server is not asked."""
    link = place.sharer.link(FILE)
    visit = go()

    assert refusal_text(visit.open(spoil(link.text()))) == of(kind)
    assert not any(b"/session" in sent for sent in visit.sent)


def test_a_link_wrapped_by_mail_opens(go: Go, place: Place) -> None:
    """White space inside is forgiven."""
    text = place.sharer.link(FILE).text()
    page = go().open(text[:-9] + "%20" + text[-9:])

    assert page.inner_text("h1") == "report.pdf"


def test_a_changed_key_without_a_password_is_a_changed_link(go: Go, place: Place) -> None:
    """There is no password to blame."""
    link = place.sharer.link(FILE)
    other = replace(link.url, secret=Secret(os.urandom(32))).text()

    assert refusal_text(go(may_fail=True).open(other)) == of("cut")


def test_reloading_says_that_the_key_is_gone(go: Go, place: Place) -> None:
    """The price of taking the key out of the address is said."""
    visit = go()
    page = visit.open(place.sharer.link(FILE).text())
    page.reload()
    visit.settle()

    assert refusal_text(page) == of("lost-key")


# --- a server that lies -----------------------------------------------------------------------------------------------


def change_of_record(link: MadeLink, record: bytes) -> Callable[[dict[str, object]], dict[str, object]]:
    """Show another record than the stored one."""
    import base64  # noqa: PLC0415 -- only here

    assert record != link.record
    return lambda answer: answer | {"record": base64.b64encode(record).decode()}


@pytest.mark.attack("T68")
@pytest.mark.parametrize("at", [0, 40, 1103])
def test_a_record_with_a_changed_byte_is_refused(go: Go, place: Place, proxy: HostileServer, at: int) -> None:
    """Magic, commitment, tag; `test_vectors.py` has the others."""
    link = place.sharer.link(FILE)
    proxy.lie("POST", "/session$", on_json(change_of_record(link, flipped(link.record, at))))

    assert refusal_text(go().open(link.text(proxy.url))) == of("tampered")


@pytest.mark.attack("T68")
def test_another_links_record_is_refused(go: Go, place: Place, proxy: HostileServer) -> None:
    """Of the same account, of the same file, even sealed by the same key for another id."""
    link, other = place.sharer.link(FILE), place.sharer.link(FILE)
    proxy.lie("POST", "/session$", on_json(change_of_record(link, other.record)), times=1)
    assert refusal_text(go().open(link.text(proxy.url))) == of("tampered")
    proxy.be_honest()
    moved = link.sealed(link.named, link_id=other.url.link_id)
    proxy.lie("POST", "/session$", on_json(change_of_record(link, moved)))

    assert refusal_text(go().open(link.text(proxy.url))) == of("tampered")


@pytest.mark.attack("T67")
def test_a_record_signed_by_another_key_is_untrusted(go: Go, place: Place, proxy: HostileServer) -> None:
    """Who knows a posted URL can seal a record; without the maker's key the page says whom not to trust."""
    link = place.sharer.link(FILE)
    forged = link.sealed(replace(link.named, entry=place.sharer.entry("/notes.txt")), seed=os.urandom(32))
    proxy.lie("POST", "/session$", on_json(change_of_record(link, forged)))
    page = go().open(link.text(proxy.url))
    picture(page, "untrusted")

    assert refusal_text(page) == of("untrusted")


@pytest.mark.attack("T68")
def test_an_older_record_is_shown_for_the_page_has_no_memory(go: Go, place: Place, proxy: HostileServer) -> None:
    """What its maker once signed opens: a page keeps nothing between visits, which is why `mega get` pins."""
    link = place.sharer.link(FILE)
    newer = LinkRecord(link.named.seq + 1, 0, place.sharer.entry("/notes.txt"))
    place.sharer.update(link, record=link.sealed(newer), seq=newer.seq)
    assert go().open(link.text(proxy.url)).inner_text("h1") == "notes.txt"
    proxy.lie("POST", "/session$", on_json(change_of_record(replace(link, record=b""), link.record)))

    assert go().open(link.text(proxy.url)).inner_text("h1") == "report.pdf"


@pytest.mark.parametrize("answer", [b"", b'{"record": 7}', b'{"record": "!"}'])
def test_an_answer_that_is_none_is_refused(go: Go, place: Place, proxy: HostileServer, answer: bytes) -> None:
    """Whatever it is instead of a record, the sentence is the same and nothing else is said."""
    proxy.lie("POST", "/session$", instead(answer))

    assert refusal_text(go().open(place.sharer.link(FILE).text(proxy.url))) == of("tampered")


def test_a_changed_page_of_a_folder_is_refused(go: Go, place: Place, proxy: HostileServer) -> None:
    """Nothing of the folder is listed."""
    proxy.lie("POST", "/blobs$", on_frames(lambda blobs: [flipped(blob, 200) for blob in blobs]))
    page = go().open(place.sharer.link("/holiday").text(proxy.url))

    assert refusal_text(page) == of("tampered")
    assert "notes.txt" not in page.inner_text("main")


def test_a_changed_text_is_not_shown(go: Go, place: Place, proxy: HostileServer) -> None:
    """The preview is the sentence."""
    proxy.lie("POST", "/blobs$", on_frames(lambda blobs: [flipped(blob, 200) for blob in blobs]))
    page = go().open(place.sharer.link("/notes.txt").text(proxy.url))
    page.locator(".stage .refused").wait_for()

    assert page.inner_text(".stage") == of("tampered")


def test_a_record_of_a_version_to_come(go: Go, place: Place, proxy: HostileServer) -> None:
    """Says what to use instead."""
    link = place.sharer.link(FILE)
    proxy.lie("POST", "/session$", on_json(change_of_record(link, b"MGS\x02" + link.record[4:])))

    assert refusal_text(go().open(link.text(proxy.url))) == of("newer")


# --- what may pass ----------------------------------------------------------------------------------------------------


def test_too_many_tries_say_so_and_can_be_made_again(go: Go, place: Place, proxy: HostileServer) -> None:
    """A button asks again, without the link being pasted anew."""
    proxy.lie("POST", "/session$", refusal("rate_limited", 429, retry_after_s=1.0), times=1)
    page = go(may_fail=True).open(place.sharer.link(FILE).text(proxy.url))
    assert refusal_text(page) == of("busy")
    picture(page, "refused-busy")
    page.get_by_role("button", name="Try again").click()

    page.get_by_role("heading", name="report.pdf").wait_for()


def test_a_server_that_is_away_says_so_and_may_come_back(go: Go, place: Place, proxy: HostileServer) -> None:
    """After a few seconds of trying; one opening is counted, however often it was sent."""
    link = place.sharer.link(FILE, most_opened=1)
    proxy.lie("POST", "/session$", refusal("unavailable", 503), times=4)
    page = go(may_fail=True).open(link.text(proxy.url))
    assert refusal_text(page) == of("unreachable")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="report.pdf").wait_for()

    assert place.sharer.info(link).opened == 1


def test_a_lost_answer_costs_no_opening(go: Go, place: Place, proxy: HostileServer) -> None:
    """The opening is sent again with the same token."""
    link = place.sharer.link(FILE, most_opened=1)

    def lose(_call: object, forward: Callable[[], object]) -> object:
        forward()
        return refusal("unavailable", 503)(None, None)  # type: ignore[arg-type]  # it looks at neither

    proxy.lie("POST", "/session$", lose, times=1)  # type: ignore[arg-type]  # as above
    page = go(may_fail=True).open(link.text(proxy.url))

    assert page.inner_text("h1") == "report.pdf"


def test_a_link_revoked_while_open_ends_the_next_download(go: Go, place: Place) -> None:
    """The sentence stands where the progress was, and the file is not there."""
    link = place.sharer.link("/large.bin")
    page = go(may_fail=True).open(link.text())
    place.sharer.revoke(link)
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()

    assert got.value.failure() is not None
    page.locator("main").get_by_text(of("revoked")).wait_for()
    picture(page, "download-failed")


def test_a_visit_that_the_server_forgot_goes_on(go: Go, place: Place, proxy: HostileServer) -> None:
    """After six hours the session is opened again, as the same opening."""
    link = place.sharer.link("/large.bin", most_opened=1)
    page = go(may_fail=True).open(link.text(proxy.url))
    proxy.lie("POST", "/blobs$", refusal("unauthorized", 401), times=1)

    assert save(page, "Download")[1] == (place.source / "large.bin").read_bytes()


def test_every_sentence_is_reached() -> None:
    """Here, in `test_password.py` or in `test_fallback.py`."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    reached = {kind for kind in SENTENCES for text in texts if f'of("{kind}")' in text or f', "{kind}")' in text}

    assert SENTENCES.keys() - reached == set()
    assert len(SENTENCES) > 10
