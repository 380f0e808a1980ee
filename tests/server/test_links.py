"""Links: their owners' routes, and what visitors meet; each route with each error it declares."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from dataclasses import dataclass, field

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from mega_server.protocol import headers, limits, routes
from mega_server.protocol.messages import LinkInfo, LinkList, LinkLog, LinkOpened, LinkRequest, LinkUpdate
from mega_server.services.links import disable_link
from mega_server.services.sweep import sweep
from mega_server.services.users import set_disabled
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs, read
from tests.kit.server import backend_of
from tests.server.conftest import FakeClock

RECORD = b"r" * limits.LINK_RECORD_BYTES


def _word(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class FakeLink:
    """A link of `owner`, and what opens it."""

    owner: FakeAccount
    link: bytes = field(default_factory=lambda: os.urandom(16))
    auth: bytes = field(default_factory=lambda: os.urandom(32))

    def request(self, **changes: object) -> LinkRequest:
        """Write a valid link, with changes."""
        valid = LinkRequest(
            link=self.link,
            auth_hash=hashlib.sha256(self.auth).digest(),
            volume=self.owner.volume,
            seq=7,
            expires_ms=0,
            most_opened=0,
            record=RECORD,
        )
        return msgspec.structs.replace(valid, **changes)

    def post(self, **changes: object) -> TestResponse:
        """Make it."""
        return self.owner.post(routes.LINKS, msgspec.json.encode(self.request(**changes)))

    def put(self, who: FakeAccount | None = None, **changes: object) -> TestResponse:
        """Change it."""
        valid = LinkUpdate(seq=8, expires_ms=0, most_opened=0, record=b"n" * limits.LINK_RECORD_BYTES)
        body = msgspec.json.encode(msgspec.structs.replace(valid, **changes))
        who = who or self.owner
        return who.web.put(routes.path(routes.LINK, link=self.link.hex()), data=body, headers=who.bearer)

    def revoke(self, who: FakeAccount | None = None) -> TestResponse:
        """End it."""
        who = who or self.owner
        return who.web.delete(routes.path(routes.LINK, link=self.link.hex()), headers=who.bearer)

    def open(self, web: FlaskClient, token: bytes, auth: bytes | None = None) -> TestResponse:
        """Open it as a visitor."""
        proof = f"{headers.LINK_SCHEME} {_word(self.auth if auth is None else auth)} {_word(token)}"
        path = routes.path(routes.LINK_SESSION, link=self.link.hex())
        return web.post(path, headers={"Authorization": proof})

    def blobs(self, web: FlaskClient, token: bytes, ids: list[bytes]) -> TestResponse:
        """Fetch blobs as a visitor."""
        path = routes.path(routes.LINK_BLOBS, link=self.link.hex())
        return web.post(path, data=b"".join(ids), headers={"Authorization": f"Bearer {_word(token)}"})

    def info(self) -> LinkInfo:
        """Read it as its owner."""
        return next(link for link in read(self.owner.get(routes.LINKS), LinkList).links if link.link == self.link)


@pytest.fixture
def link(alice: FakeAccount) -> FakeLink:
    """Give a link that works."""
    made = FakeLink(alice)
    assert made.post().status_code == 201
    return made


def test_a_link_gives_its_record_and_blobs(link: FakeLink, web: FlaskClient) -> None:
    """A visitor with the proof gets the record, and then any blob of the volume by id."""
    blobs, token = random_blobs(2), os.urandom(32)
    link.owner.post(routes.PACKS, pack_of(blobs))

    opened = read(link.open(web, token), LinkOpened)
    frames = link.blobs(web, token, ids_of(blobs)).data

    assert opened == LinkOpened(record=RECORD, expires_in_s=6 * 3600)
    assert frames == b"".join(len(blob).to_bytes(4, "big") + blob for blob in blobs) + bytes(4)


def test_making_the_same_link_again_is_a_success(link: FakeLink) -> None:
    """A lost answer costs nothing."""
    assert link.post().status_code == 200


def test_another_link_of_the_same_id_is_refused(link: FakeLink, mallory: FakeAccount) -> None:
    """Nobody replaces a link by posting it again, its owner or another account."""
    stolen = FakeLink(mallory, link=link.link)

    assert error_of(link.post(seq=9)).code == "bad_request"
    assert error_of(stolen.post()).code == "bad_request"
    assert link.info().seq == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"record": b"short"},
        {"link": b"short"},
        {"auth_hash": b""},
        {"seq": -1},
        {"most_opened": 2**63},
        {"volume": b""},
    ],
)
def test_a_malformed_link_is_refused(alice: FakeAccount, changes: dict[str, object]) -> None:
    """Lengths and ranges are checked."""
    assert error_of(FakeLink(alice).post(**changes)).code == "bad_request"


def test_a_link_into_anothers_volume_is_not_found(mallory: FakeAccount, alice: FakeAccount) -> None:
    """A link reads only the volume of who made it."""
    assert error_of(FakeLink(mallory).post(volume=alice.volume)).code == "not_found"


def test_an_account_has_so_many_links(alice: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever floods the table is stopped; revoking makes room, stopping does not."""
    monkeypatch.setattr("mega_server.services.links.LINKS_PER_ACCOUNT", 1)
    first, second = FakeLink(alice), FakeLink(alice)
    first.post()

    assert error_of(second.post()).code == "too_large"
    first.put(is_enabled=False)
    assert error_of(second.post()).code == "too_large"
    first.revoke()
    assert second.post().status_code == 201


def test_an_opening_is_counted_once(link: FakeLink, web: FlaskClient) -> None:
    """The same token again is the same opening, another token another one."""
    token = os.urandom(32)
    for _ in range(3):
        link.open(web, token)
    link.open(web, os.urandom(32))

    assert link.info().opened == 2


def test_a_wrong_proof_says_nothing_and_counts_nothing(link: FakeLink, web: FlaskClient) -> None:
    """Neither a wrong proof nor none uses up an opening."""
    link.put(most_opened=1)
    path = routes.path(routes.LINK_SESSION, link=link.link.hex())

    assert error_of(link.open(web, os.urandom(32), auth=bytes(32))).code == "unauthorized"
    assert error_of(web.post(path)).code == "unauthorized"
    assert error_of(web.post(path, headers={"Authorization": f"{headers.LINK_SCHEME} !! !!"})).code == "unauthorized"
    assert link.info().opened == 0


def test_the_page_and_head_never_count(link: FakeLink, web: FlaskClient) -> None:
    """A bot that looks at the address takes nothing away."""
    page = routes.path(routes.LINK_PAGE, link=_word(link.link))

    assert (web.get(page).status_code, web.head(page).status_code) == (200, 200)
    assert web.head(routes.path(routes.LINK_SESSION, link=link.link.hex())).status_code == 405
    assert link.info().opened == 0


@pytest.mark.attack("T68")
def test_of_twenty_at_once_exactly_one_gets_the_last(app: Flask, link: FakeLink) -> None:
    """A limit of one opening holds against a race."""
    link.put(most_opened=1)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(link.open(app.test_client(), os.urandom(32)).status_code))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [410] * 19


def test_who_is_in_goes_on_when_the_limit_is_reached(link: FakeLink, web: FlaskClient) -> None:
    """The limit counts openings: a visitor who is cut off comes back in with the same token."""
    token = os.urandom(32)
    link.put(most_opened=1)
    link.open(web, token)

    assert link.open(web, token).status_code == 200
    assert error_of(link.open(web, os.urandom(32))).code == "link_exhausted"


def test_a_visit_ends_after_six_hours(link: FakeLink, web: FlaskClient, clock: FakeClock) -> None:
    """A token serves six hours after its last renewal."""
    token = os.urandom(32)
    link.open(web, token)
    clock.advance(limits.LINK_SESSION_S - 1)
    assert link.blobs(web, token, []).status_code == 200
    clock.advance(2)

    assert error_of(link.blobs(web, token, [])).code == "unauthorized"


def test_a_token_serves_one_link(link: FakeLink, alice: FakeAccount, web: FlaskClient) -> None:
    """What opened one link reads nothing by another."""
    other, token = FakeLink(alice), os.urandom(32)
    other.post()
    link.open(web, token)

    assert error_of(other.blobs(web, token, [])).code == "unauthorized"
    assert error_of(other.open(web, token)).code == "unauthorized"
    assert other.info().opened == 0


def test_an_expired_link_is_gone_for_who_has_the_proof(link: FakeLink, web: FlaskClient, clock: FakeClock) -> None:
    """Expiry ends running visits too; without the proof nobody learns of it."""
    token = os.urandom(32)
    link.put(expires_ms=clock.now_ms + 1_000)
    link.open(web, token)
    clock.advance(1)

    assert error_of(link.open(web, token)).code == "link_expired"
    assert error_of(link.blobs(web, token, [])).code == "link_expired"
    assert error_of(link.open(web, token, auth=bytes(32))).code == "unauthorized"


def test_a_revoked_link_is_gone_at_once(link: FakeLink, web: FlaskClient) -> None:
    """410 for who is in and who comes; for ever, and without its record."""
    token = os.urandom(32)
    link.open(web, token)
    assert (link.revoke().status_code, link.revoke().status_code) == (204, 204)

    assert error_of(link.open(web, token)).code == "link_revoked"
    assert error_of(link.blobs(web, token, [])).code == "link_revoked"
    assert error_of(link.put()).code == "link_revoked"
    assert link.info().is_revoked


def test_a_link_can_be_stopped_and_go_on(link: FakeLink, web: FlaskClient) -> None:
    """Its owner stops it, keeping the record, and lets it go on with a newer one."""
    assert link.put(record=b"", is_enabled=False).status_code == 204
    assert error_of(link.open(web, os.urandom(32))).code == "link_revoked"
    assert link.put(seq=9).status_code == 204

    assert read(link.open(web, os.urandom(32)), LinkOpened).record == b"n" * limits.LINK_RECORD_BYTES


def test_an_older_state_never_replaces_a_newer_one(link: FakeLink) -> None:
    """`seq` only rises; the same again is a success."""
    assert (link.put().status_code, link.put().status_code) == (204, 204)

    assert error_of(link.put(record=b"x" * limits.LINK_RECORD_BYTES)).code == "bad_request"
    assert error_of(link.put(seq=7)).code == "bad_request"


def test_anothers_link_and_no_link_are_the_same(link: FakeLink, mallory: FakeAccount) -> None:
    """Its owner alone may change, end or look into it."""
    none = FakeLink(mallory)
    log = mallory.get(routes.LINK_LOG, link=link.link.hex())

    assert link.put(mallory).data == none.put().data
    assert link.revoke(mallory).data == none.revoke().data
    assert log.data == mallory.get(routes.LINK_LOG, link=none.link.hex()).data
    assert (log.status_code, read(mallory.get(routes.LINKS), LinkList).links) == (404, [])


def test_what_cannot_be_a_link_is_not_found(alice: FakeAccount, web: FlaskClient) -> None:
    """Ids in an address are 32 hexadecimal digits in lower case."""
    for text in ("00", "zz" * 16, "AB" * 16):
        assert error_of(web.post(routes.path(routes.LINK_SESSION, link=text))).code == "not_found"
        assert error_of(alice.get(routes.LINK_LOG, link=text)).code == "not_found"


def test_the_log_tells_when_and_how_much(link: FakeLink, web: FlaskClient, clock: FakeClock) -> None:
    """Openings with their bytes, newest first."""
    one, two = os.urandom(32), os.urandom(32)
    link.open(web, one)
    link.blobs(web, one, [])
    clock.advance(60)
    link.open(web, two)

    log = read(link.owner.get(routes.LINK_LOG, link=link.link.hex()), LinkLog)

    assert [(o.opened_ms - clock.now_ms, o.fetched_bytes) for o in log.openings] == [(0, 0), (-60_000, 4)]
    assert link.info().fetched_bytes == 4


@pytest.mark.parametrize("forgets", ["the next opening", "the sweep"])
def test_the_log_forgets_after_thirty_days(
    app: Flask, link: FakeLink, web: FlaskClient, clock: FakeClock, forgets: str
) -> None:
    """What is older is not told, and is gone with the next opening or the daily sweep."""
    link.open(web, os.urandom(32))
    clock.advance(31 * 24 * 3600)
    log = link.owner.get(routes.LINK_LOG, link=link.link.hex())
    assert read(log, LinkLog).openings == []
    is_swept = forgets == "the sweep"
    if is_swept:
        sweep(backend_of(app), is_dry_run=False)
    else:
        link.open(web, os.urandom(32))

    with backend_of(app).database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM link_sessions").scalar() == (0 if is_swept else 1)


def test_opening_reads_no_row_of_other_visits(app: Flask, link: FakeLink, web: FlaskClient) -> None:
    """However often a link was opened, the write lock is held as shortly as the first time: an index finds the old."""
    statements: list[str] = []
    with backend_of(app).database.writing() as connection:
        event.listen(connection.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    link.open(web, os.urandom(32))
    (forget,) = (statement for statement in statements if statement.startswith("DELETE FROM link_sessions"))

    with backend_of(app).database.reading() as connection:
        (plan,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {forget}", (link.link, 0, 0)).all()
    assert plan[3] == "SEARCH link_sessions USING INDEX link_sessions_by_link (link=? AND opened<?)"


def test_an_administrator_stops_a_link_without_any_key(app: Flask, link: FakeLink, web: FlaskClient) -> None:
    """A disabled link is gone for visitors and marked for its owner, until it is allowed again."""
    disable_link(backend_of(app), link.link, is_disabled=True)
    assert error_of(link.open(web, os.urandom(32))).code == "link_revoked"
    assert link.info().is_disabled
    disable_link(backend_of(app), link.link, is_disabled=False)

    assert link.open(web, os.urandom(32)).status_code == 200


def test_the_links_of_a_disabled_account_are_gone(app: Flask, link: FakeLink, web: FlaskClient) -> None:
    """Who may not use the server shares nothing by it."""
    set_disabled(backend_of(app), link.owner.name, is_disabled=True)

    assert error_of(link.open(web, os.urandom(32))).code == "link_revoked"


@pytest.mark.parametrize("method", ["get", "post"])
def test_links_need_a_session(web: FlaskClient, method: str) -> None:
    """Nobody makes or lists links without an account."""
    assert error_of(web.open(routes.LINKS, method=method.upper(), data=b"{}")).code == "unauthorized"


def test_openings_are_limited(link: FakeLink, app: Flask) -> None:
    """Guessing a password by opening is slowed down for everyone together."""
    web = app.test_client()
    codes = {link.open(web, os.urandom(32), auth=bytes(32)).status_code for _ in range(602)}

    assert codes == {401, 429}


def test_files_of_the_page_carry_its_policy(web: FlaskClient) -> None:
    """Nothing foreign runs in the page, nothing is told to others, and only the page's own files are served."""
    for path in (routes.path(routes.LINK_PAGE, link="x"), "/s/app/page.js", "/s/app/vendor/fzstd.mjs"):
        answer = web.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self' 'wasm")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert web.get("/s/app/sw.js").headers["Service-Worker-Allowed"] == "/s/"
    assert (
        web.get("/s/app/page.js", headers={"If-None-Match": web.get("/s/app/page.js").headers["ETag"]}).status_code
        == 304
    )
    for path in ("/s/app/../index.html", "/s/app/vendor/fzstd.LICENSE", "/s/app/none.js", "/s/app/"):
        assert web.get(path).status_code == 404
