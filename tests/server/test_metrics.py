"""`GET /metrics`: what is counted, what is not told, and to whom."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from mega_server.app import create_app
from mega_server.config import Config, Signup
from mega_server.metrics import Counter, SharedCounts
from mega_server.protocol import routes
from mega_server.services.backend import initialise
from tests.kit.account import FakeAccount, ids_of, pack_of, random_blobs
from tests.kit.server import LiveServer, backend_of

KEY = frozenset[tuple[str, str]]


def samples(text: str) -> dict[tuple[str, KEY], float]:
    """Read the text as Prometheus does."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(web: FlaskClient, name: str, **labels: str) -> float:
    """Read one sample; what was never counted is 0."""
    return samples(web.get(routes.METRICS).text).get((name, frozenset(labels.items())), 0.0)


def test_requests_are_counted_by_template(web: FlaskClient, alice: FakeAccount) -> None:
    """A route counts under its template, with method and status."""
    alice.get(routes.HEAD)
    alice.get(routes.HEAD)
    web.get(routes.path(routes.HEAD, volume="00" * 16))

    asked = {"route": routes.HEAD, "method": "GET"}
    assert value(web, "mega_requests_total", **asked, status="200") == 2
    assert value(web, "mega_requests_total", **asked, status="401") == 1
    assert value(web, "mega_request_duration_seconds_count", **asked) == 3
    assert value(web, "mega_request_duration_seconds_bucket", **asked, le="+Inf") == 3


def test_every_status_that_a_route_answers_is_named(web: FlaskClient, alice: FakeAccount) -> None:
    """An answer without a body, and a file that a browser has already, are no "other"."""
    page = "/s/app/page.js"
    web.get(page, headers={"If-None-Match": web.get(page).headers["ETag"]})
    alice.web.delete(routes.path(routes.SESSION, session_id="current"), headers=alice.bearer)

    assert value(web, "mega_requests_total", route=routes.PAGE_FILE, method="GET", status="304") == 1
    assert value(web, "mega_requests_total", route=routes.SESSION, method="DELETE", status="204") == 1


def test_unknown_routes_are_one_row(web: FlaskClient) -> None:
    """Whatever strangers ask for makes no new row."""
    for path in ("/wp-login.php", "/a", "/b"):
        web.get(path)

    assert value(web, "mega_requests_total", route="other", method="other", status="404") == 3


def test_packs_and_bytes(web: FlaskClient, alice: FakeAccount) -> None:
    """A stored pack counts, and its bytes."""
    pack = pack_of(random_blobs(2))
    before = value(web, "mega_received_bytes_total")
    alice.post(routes.PACKS, pack)

    assert value(web, "mega_packs_stored_total") == 1
    assert value(web, "mega_received_bytes_total") - before == len(pack)


def test_commits_and_conflicts(web: FlaskClient, alice: FakeAccount) -> None:
    """A swapped head counts, and one that was too late."""
    first, second = alice.next_record(), alice.next_record()
    assert alice.post(routes.COMMITS, first).status_code == 201
    assert alice.post(routes.COMMITS, second).status_code == 409

    assert value(web, "mega_commits_total") == value(web, "mega_head_conflicts_total") == 1


def test_streamed_answers_count_when_they_end(web: FlaskClient, alice: FakeAccount) -> None:
    """What was asked of `blobs` is under way until its last byte; then its bytes are counted."""
    blobs = random_blobs(3)
    alice.post(routes.PACKS, pack_of(blobs))
    path = routes.path(routes.BLOBS, volume=alice.volume.hex())
    answer = web.post(path, data=b"".join(ids_of(blobs)), headers=alice.bearer, buffered=False)
    assert value(web, "mega_requests_in_flight") == 2, "this question and the stream"
    before = value(web, "mega_sent_bytes_total")
    body = answer.data
    answer.close()

    assert value(web, "mega_requests_in_flight") == 1
    assert value(web, "mega_sent_bytes_total") - before > len(body)


def test_gauges(web: FlaskClient) -> None:
    """The database has a size; a store without a disk has no free room to tell."""
    assert value(web, "mega_database_bytes") > 0
    assert "disk_free" not in web.get(routes.METRICS).text


def test_no_name_and_no_id(web: FlaskClient, alice: FakeAccount) -> None:
    """Neither an account's name nor any id stands in the text."""
    alice.get(routes.HEAD)
    web.get(routes.path(routes.KDF, account="alice"))
    text = web.get(routes.METRICS).text

    assert "alice" not in text
    assert alice.volume.hex() not in text


@pytest.mark.parametrize(
    ("address", "headers"),
    [("192.0.2.7", {}), ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}), ("::1", {"Via": "1.1 Caddy"})],
)
def test_strangers_learn_nothing(web: FlaskClient, address: str, headers: dict[str, str]) -> None:
    """Over a network or through a proxy there is nothing here."""
    answer = web.get(routes.METRICS, headers=headers, environ_base={"REMOTE_ADDR": address})

    assert (answer.status_code, b"mega_" in answer.data) == (404, False)


@pytest.mark.parametrize(("shown", "status"), [("Bearer s3cret", 200), ("Bearer other", 404), ("Bearer ", 404)])
def test_the_token_opens_it(tmp_path: Path, shown: str, status: int) -> None:
    """Whoever shows the file's content may read from anywhere."""
    (tmp_path / "token").write_text("s3cret\n")
    config = Config(tmp_path / "data", signup=Signup.OPEN, metrics_token_file=tmp_path / "token")
    initialise(config)
    app = create_app(config)
    headers, far = {"Authorization": shown}, {"REMOTE_ADDR": "192.0.2.7"}

    assert app.test_client().get(routes.METRICS, headers=headers, environ_base=far).status_code == status
    backend_of(app).close()


def test_an_empty_token_opens_nothing(app: Flask) -> None:
    """Without a token file no header is right."""
    far = {"REMOTE_ADDR": "192.0.2.7"}
    answer = app.test_client().get(routes.METRICS, headers={"Authorization": "Bearer "}, environ_base=far)

    assert answer.status_code == 404


def test_workers_are_summed() -> None:
    """Each worker counts in a row of its own, and each tells of all."""
    shared = SharedCounts(2)
    workers = [Counter(shared, [(routes.HEALTH, "GET")]) for _ in range(2)]
    for worker in workers:
        worker.begin()
        worker.end((routes.HEALTH, "GET"), 200, 0.002, 5, 7)

    found = samples(workers[0].text({}))
    labels = frozenset({"route": routes.HEALTH, "method": "GET", "status": "200"}.items())
    assert found["mega_requests_total", labels] == 2
    assert found["mega_received_bytes_total", frozenset()] == 10


def test_a_successor_goes_on_counting() -> None:
    """A worker that was replaced leaves its counts, and nothing in flight."""
    shared = SharedCounts(1)
    first = Counter(shared, [])
    first.begin()
    first.end(("", ""), 404, 0.1, 0, 0)
    first.begin()
    Counter(shared, [])
    last = Counter(shared, [])

    found = samples(last.text({}))
    assert found["mega_requests_total", frozenset({"route": "other", "method": "other", "status": "404"}.items())] == 1
    assert found["mega_requests_in_flight", frozenset()] == 0


def test_two_workers_over_a_socket(tmp_path: Path) -> None:
    """Whichever worker answers, all requests are in the sum."""
    with LiveServer(tmp_path / "data", "--workers", "2") as server:
        for _ in range(20):
            fetch(server, routes.SERVER)
        found = samples(fetch(server, routes.METRICS))

    labels = frozenset({"route": routes.SERVER, "method": "GET", "status": "200"}.items())
    assert found["mega_requests_total", labels] == 20
    assert found["mega_disk_free_bytes", frozenset()] > 0


def fetch(server: LiveServer, path: str) -> str:
    """Ask over a connection of its own, so that any worker may take it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()
