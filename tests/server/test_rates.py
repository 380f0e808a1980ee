"""Rate limits: what is counted, for whom, what a refusal says, and that all workers share them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mega_server.app import create_app
from mega_server.auth import EXTENSION
from mega_server.config import Config, Signup, Storage
from mega_server.protocol import routes
from mega_server.protocol.messages import ChallengeRequest, LoginRequest
from mega_server.refusal import RefusedError
from mega_server.services import rates
from mega_server.services.rates import Action, Rate, admit
from tests.house.source import ROOT
from tests.kit.account import FakeAccount, error_of, pack_of, random_blobs
from tests.kit.server import backend_of, make_app
from tests.server.conftest import FakeClock

HOME, OFFICE, SUBSCRIBER = "192.0.2.7", "198.51.100.9", "2001:db8:1:2::"


WRITTEN = {"address": dict(rates._BY_ADDRESS), "account": dict(rates._BY_ACCOUNT)}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four pass from an address and six for an account, then one a second."""
    for action in Action:
        monkeypatch.setitem(rates._BY_ADDRESS, action, Rate(4, 60))
        monkeypatch.setitem(rates._BY_ACCOUNT, action, Rate(6, 60))


def kdf(web: FlaskClient, account: str = "alice", address: str = HOME) -> TestResponse:
    """Ask for parameters."""
    return web.get(routes.path(routes.KDF, account=account), environ_overrides={"REMOTE_ADDR": address})


def challenge(web: FlaskClient, account: str = "alice", address: str = HOME) -> TestResponse:
    """Ask for a nonce."""
    body = msgspec.json.encode(ChallengeRequest(account=account))
    return web.post(routes.LOGIN_CHALLENGE, data=body, environ_overrides={"REMOTE_ADDR": address})


def login(web: FlaskClient, account: str = "alice", address: str = HOME) -> TestResponse:
    """Try to log in, without any proof."""
    body = msgspec.json.encode(LoginRequest(account=account, key="password", device_name=""))
    return web.post(routes.LOGIN, data=body, environ_overrides={"REMOTE_ADDR": address})


def signup(web: FlaskClient, account: str = "alice", address: str = HOME) -> TestResponse:
    """Try to sign up, with a record that is none."""
    body = msgspec.json.encode(FakeAccount(web, name=account).signup_request(root_record=b""))
    return web.post(routes.ACCOUNTS, data=body, environ_overrides={"REMOTE_ADDR": address})


def admitted(ask: Callable[[], TestResponse]) -> int:
    """Ask until the answer is 429, and say how many passed."""
    count = 0
    while ask().status_code != 429:
        count += 1
        assert count < 20, "nothing limits this"
    return count


@pytest.mark.parametrize("ask", [kdf, challenge, login, signup])
def test_an_address_is_limited(web: FlaskClient, ask: Callable[..., TestResponse]) -> None:
    """Whatever accounts it names, so many pass and no more; another address is not held up."""
    names = (f"name{number}" for number in range(20))

    assert admitted(lambda: ask(web, next(names))) == 4
    assert ask(web, "name", OFFICE).status_code != 429


@pytest.mark.parametrize("ask", [kdf, challenge, login, signup])
def test_an_account_is_limited(web: FlaskClient, ask: Callable[..., TestResponse]) -> None:
    """From however many addresses, so many pass and no more; another account is not held up."""
    addresses = (f"192.0.2.{number}" for number in range(20))

    assert admitted(lambda: ask(web, "alice", next(addresses))) == 6
    assert ask(web, "bob", OFFICE).status_code != 429


def test_actions_are_counted_apart(web: FlaskClient) -> None:
    """Who has asked for many parameters may still log in."""
    admitted(lambda: kdf(web))

    assert login(web).status_code == 400


def test_a_refusal_says_when_the_next_passes(web: FlaskClient, clock: FakeClock) -> None:
    """The time is exact: a moment earlier is refused, then one passes and no second one."""
    admitted(lambda: kdf(web))
    clock.advance(0.25)
    refused = kdf(web)
    detail = error_of(refused)

    assert (refused.status_code, detail.code, detail.retry_after_s) == (429, "rate_limited", 0.75)
    assert refused.headers["Retry-After"] == "1"
    clock.advance(0.749)
    assert kdf(web).status_code == 429
    clock.advance(0.001)
    assert [kdf(web).status_code, kdf(web).status_code] == [200, 429]


def test_a_bucket_fills_again(web: FlaskClient, clock: FakeClock) -> None:
    """After a while the whole burst is there, and no more than that."""
    admitted(lambda: kdf(web))
    clock.advance(3_600)

    assert admitted(lambda: kdf(web)) == 4


def test_a_refused_request_costs_nothing(web: FlaskClient, clock: FakeClock) -> None:
    """Who goes on knocking is let in no later than who waits."""
    admitted(lambda: kdf(web))
    for _ in range(20):
        kdf(web)
    clock.advance(1)

    assert kdf(web).status_code == 200


def test_a_clock_set_back_locks_nobody_out(web: FlaskClient, clock: FakeClock) -> None:
    """Times that lie a day ahead are no reason to wait a day."""
    admitted(lambda: kdf(web))
    clock.advance(-86_400)

    assert kdf(web).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_limited_by_account_only(web: FlaskClient, address: str) -> None:
    """Behind a proxy that is not declared everyone comes from there."""
    names = (f"name{number}" for number in range(20))

    assert [kdf(web, next(names), address).status_code for _ in range(10)] == [200] * 10
    assert admitted(lambda: kdf(web, "alice", address)) == 6


@pytest.mark.parametrize(
    ("addresses", "passing"),
    [([f"{SUBSCRIBER}{number}" for number in range(1, 9)], 4), ([f"2001:db8:1:{number}::1" for number in range(9)], 9)],
)
def test_a_subscriber_of_ipv6_is_one(web: FlaskClient, addresses: list[str], passing: int) -> None:
    """All addresses of one /64 count together, those of others do not."""
    statuses = [kdf(web, f"name{number}", address).status_code for number, address in enumerate(addresses)]

    assert statuses.count(200) == passing


def test_a_mapped_address_is_the_one_it_maps(web: FlaskClient) -> None:
    """A dual-stack socket writes an IPv4 address in another way."""
    admitted(lambda: kdf(web, "alice", HOME))

    assert kdf(web, "bob", f"::ffff:{HOME}").status_code == 429


def test_workers_share_the_limits(tmp_path: Path, clock: FakeClock) -> None:
    """Two applications over one folder, as two workers have, count together."""
    workers = [make_app(tmp_path, clock=clock), make_app(tmp_path, clock=clock)]
    statuses = [kdf(workers[number % 2].test_client()).status_code for number in range(6)]
    for worker in workers:
        backend_of(worker).close()

    assert statuses == [200] * 4 + [429] * 2


def test_packs_and_commits_are_not_limited(alice: FakeAccount) -> None:
    """What a client does all day is not counted."""
    for _ in range(10):
        assert alice.post(routes.PACKS, pack_of(random_blobs(1))).status_code == 201
        record = alice.next_record()
        assert alice.post(routes.COMMITS, record).status_code == 201
        alice.head = record


def test_rows_hold_no_address_and_no_name_and_do_not_pile_up(app: Flask, clock: FakeClock) -> None:
    """The table is small: what is past is forgotten with the next request."""
    web = app.test_client()
    for number in range(5):
        kdf(web, f"name{number}", f"192.0.2.{number}")
    clock.advance(10)
    kdf(web)
    with backend_of(app).database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT key FROM rate_limits").scalars().all()

    assert [len(key) for key in rows] == [32, 32]


def test_a_refused_request_writes_nothing(app: Flask) -> None:
    """A flood takes no write lock: with a writer that never ends, refusals are still answered."""
    web = app.test_client()
    admitted(lambda: kdf(web))
    with backend_of(app).database.writing():
        assert kdf(web).status_code == 429


def test_a_service_says_the_wait(app: Flask) -> None:
    """The refusal carries its own seconds."""
    for _ in range(4):
        admit(backend_of(app), Action.LOGIN, HOME, "alice")
    with pytest.raises(RefusedError) as caught:
        admit(backend_of(app), Action.LOGIN, HOME, "alice")

    assert caught.value.retry_after_s == 1.0


@pytest.mark.parametrize("action", Action)
def test_one_address_locks_nobody_out(
    app: Flask, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, action: Action
) -> None:
    """Who asks twice a second from one address and spends a bucket leaves enough of it for its owner elsewhere."""
    for kept, counted in ((rates._BY_ADDRESS, "address"), (rates._BY_ACCOUNT, "account")):
        monkeypatch.setitem(kept, action, Rate(4, WRITTEN[counted][action].per_minute))

    def passes(address: str) -> bool:
        try:
            admit(backend_of(app), action, address, "alice")
        except RefusedError:
            return False
        return True

    while passes(OFFICE):
        pass
    is_let_in = False
    for _ in range(120):
        clock.advance(0.5)
        passes(OFFICE)
        is_let_in = is_let_in or passes(HOME)
    assert is_let_in


@pytest.mark.parametrize("counted", WRITTEN)
def test_the_limits_are_those_of_the_contract(counted: str) -> None:
    """`docs/protocol.md` says the numbers."""
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {counted}.*$", text, re.MULTILINE)
    numbers = [Rate(int(burst), int(minute)) for burst, minute in re.findall(r"burst (\d+), then (\d+) a minute", row)]
    logins = {WRITTEN[counted][action] for action in (Action.KDF, Action.CHALLENGE, Action.LOGIN)}

    assert [logins, WRITTEN[counted][Action.SIGNUP], WRITTEN[counted][Action.LINK]] == [{numbers[0]}, *numbers[1:]]


@pytest.fixture
def proxied(tmp_path: Path, clock: FakeClock) -> Iterator[FlaskClient]:
    """Give a client of a server that trusts one proxy."""
    make_app(tmp_path)
    config = Config(data_dir=tmp_path / "server", signup=Signup.OPEN, storage=Storage.MEMORY, trusted_proxies=1)
    app = create_app(config, clock)
    yield app.test_client()
    app.extensions[EXTENSION].close()


def test_a_trusted_proxy_names_the_client(proxied: FlaskClient) -> None:
    """The last address that the proxy wrote counts, whatever the client wrote before it."""

    def ask(name: str, forwarded: str) -> int:
        path = routes.path(routes.KDF, account=name)
        return proxied.get(path, headers={"X-Forwarded-For": forwarded}).status_code

    spoofed = [ask(f"name{number}", f"10.0.0.{number}, {HOME}") for number in range(6)]

    assert spoofed == [200] * 4 + [429] * 2
    assert ask("other", OFFICE) == 200


def test_a_proxy_that_is_not_trusted_names_nobody(web: FlaskClient) -> None:
    """By default the header is a client's own words."""
    for number in range(5):
        answer = web.get(
            routes.path(routes.KDF, account=f"name{number}"),
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
            environ_overrides={"REMOTE_ADDR": HOME},
        )

    assert answer.status_code == 429


def test_a_trusted_proxy_says_that_it_speaks_https(proxied: FlaskClient) -> None:
    """The origin of a login is what the client typed, with the scheme that the proxy took."""
    proxied.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
    alice = FakeAccount(proxied, origin="https://localhost")
    alice.signup()

    assert alice.login().status_code == 200


def test_no_proxy_names_the_host(proxied: FlaskClient) -> None:
    """A relay that adds X-Forwarded-Host cannot have a login that was signed for itself."""
    alice = FakeAccount(proxied)
    alice.signup()
    alice.origin = "http://evil.example"
    proxied.environ_base["HTTP_X_FORWARDED_HOST"] = "evil.example"

    assert error_of(alice.login()).code == "login_refused"
