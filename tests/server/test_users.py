"""What an administrator does to accounts, as their owners and newcomers see it: disabling, quota, invites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from mega_server.config import Signup
from mega_server.protocol import routes
from mega_server.protocol.messages import AccountInfo
from mega_server.refusal import RefusedError
from mega_server.services.backend import Backend
from mega_server.services.invites import make_invite, reserve_name
from mega_server.services.users import remove_user, set_disabled, set_quota, users
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs, read
from tests.kit.server import backend_of, make_app
from tests.server.conftest import FakeClock


@pytest.fixture
def disabled(app: Flask, alice: FakeAccount) -> FakeAccount:
    """Give an account that the administrator has disabled while it was logged in."""
    set_disabled(backend_of(app), "alice", is_disabled=True)
    return alice


def invited(tmp_path: Path, policy: Signup = Signup.INVITE, clock: FakeClock | None = None) -> tuple[Flask, str]:
    """Give a server and an invite for 5 MB."""
    app = make_app(tmp_path, signup=policy, clock=clock or FakeClock())
    return app, make_invite(backend_of(app), quota_bytes=5_000_000)


def every_request(account: FakeAccount) -> list[TestResponse]:
    """Send one of each that a session may send."""
    body = pack_of(random_blobs(1))
    sent = [account.get(route) for route in (routes.ME, routes.SESSIONS, routes.HEAD)]
    sent.append(account.get(routes.RECORDS, "?from=1&to=1"))
    sent.append(account.get(routes.BLOB, blob="00" * 32))
    sent += [account.post(route, bytes(32)) for route in (routes.MISSING, routes.HOLD, routes.BLOBS)]
    sent += [account.post(routes.PACKS, body), account.post(routes.COMMITS, account.next_record())]
    sent.append(account.web.delete(routes.path(routes.SESSION, session_id="current"), headers=account.bearer))
    return [*sent, account.change_slots(account.slots_request()), account.delete()]


def test_a_disabled_account_is_refused_everything(disabled: FakeAccount) -> None:
    """Every request of its session answers 403 in one sentence."""
    answers = every_request(disabled)

    assert {answer.status_code for answer in answers} == {403}
    assert {(error_of(answer).code, error_of(answer).message) for answer in answers} == {
        ("forbidden", "this server's administrator has disabled this account; what it stores is kept")
    }


@pytest.mark.parametrize("key", ["password", "recovery"])
def test_a_disabled_account_logs_in_nowhere(disabled: FakeAccount, key: str) -> None:
    """Its own key learns why."""
    signer = disabled.login_key if key == "password" else disabled.recovery_key

    assert error_of(disabled.login(key=key, signer=signer)).code == "forbidden"


def test_a_stranger_does_not_learn_that_an_account_is_disabled(disabled: FakeAccount) -> None:
    """A wrong signature is refused as ever."""
    wrong = disabled.login(signer=SigningKey.generate())
    unknown = FakeAccount(disabled.web, name="nobody").login()

    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data)


def test_an_enabled_account_goes_on(app: Flask, disabled: FakeAccount) -> None:
    """With its session and what it stored."""
    set_disabled(backend_of(app), "alice", is_disabled=False)

    assert disabled.get(routes.HEAD).data == disabled.head


def test_disabling_one_leaves_others(disabled: FakeAccount, mallory: FakeAccount) -> None:
    """Another account notices nothing."""
    assert disabled.name != mallory.name
    assert mallory.get(routes.ME).status_code == 200


def test_a_quota_counts_at_once(app: Flask, alice: FakeAccount) -> None:
    """The next pack is measured by it."""
    set_quota(backend_of(app), "alice", 1)

    assert read(alice.get(routes.ME), AccountInfo).quota_bytes == 1
    assert error_of(alice.post(routes.PACKS, pack_of(random_blobs(1, 2_000_000)))).code == "quota_exceeded"


def test_the_list(app: Flask, alice: FakeAccount, mallory: FakeAccount, clock: FakeClock) -> None:
    """Each account with its numbers, by name."""
    pack = pack_of(random_blobs(2))
    alice.post(routes.PACKS, pack)
    alice.login()
    set_disabled(backend_of(app), mallory.name, is_disabled=True)
    found = users(backend_of(app))

    assert [(user.account, user.used_bytes, user.sessions, user.is_disabled) for user in found] == [
        ("alice", len(pack), 2, False),
        ("mallory", 0, 1, True),
    ]
    assert {(user.created_ms, user.last_used_ms) for user in found} == {(clock.now_ms, clock.now_ms)}


def test_an_account_without_sessions_was_never_used(app: Flask, alice: FakeAccount, clock: FakeClock) -> None:
    """A session that has ended for lack of use is none."""
    clock.advance(180 * 86_400)
    (user,) = users(backend_of(app))

    assert (user.account, user.sessions, user.last_used_ms) == (alice.name, 0, None)


def test_an_administrator_removes_an_account(app: Flask, alice: FakeAccount, mallory: FakeAccount) -> None:
    """Only the one that was named."""
    blobs = random_blobs(1)
    mallory.post(routes.PACKS, pack_of(blobs))
    alice.post(routes.PACKS, pack_of(blobs))
    remove_user(backend_of(app), "alice")

    assert error_of(alice.get(routes.ME)).code == "unauthorized"
    assert mallory.get(routes.BLOB, blob=ids_of(blobs)[0].hex()).data == blobs[0]


@pytest.mark.parametrize(
    "act",
    [
        lambda place: set_disabled(place, "nobody", is_disabled=True),
        lambda place: set_quota(place, "nobody", 1),
        lambda place: remove_user(place, "nobody"),
    ],
    ids=["disable", "quota", "rm"],
)
def test_an_unknown_account(app: Flask, act: Callable[[Backend], None]) -> None:
    """What is not there is said to be not there."""
    with pytest.raises(RefusedError, match="there is no account named 'nobody'"):
        act(backend_of(app))


@pytest.mark.parametrize("policy", [Signup.OPEN, Signup.INVITE])
def test_an_invite_makes_one_account(tmp_path: Path, policy: Signup) -> None:
    """Of any name, with the invite's quota."""
    app, code = invited(tmp_path, policy)
    alice = FakeAccount(app.test_client())

    assert alice.signup(invite=code).status_code == 201
    alice.token = alice.login().get_json()["token"]
    assert read(alice.get(routes.ME), AccountInfo).quota_bytes == 5_000_000


def test_an_invite_works_once(tmp_path: Path) -> None:
    """A second account is refused, the first one's request sent again is not."""
    app, code = invited(tmp_path)
    alice = FakeAccount(app.test_client())
    alice.signup(invite=code)

    assert error_of(FakeAccount(app.test_client(), name="bob").signup(invite=code)).code == "signup_refused"
    assert alice.signup(invite=code).status_code == 201


def test_a_signup_that_fails_uses_no_invite_up(tmp_path: Path) -> None:
    """All or nothing."""
    app, code = invited(tmp_path)
    alice = FakeAccount(app.test_client())
    alice.signup(invite=code)
    code = make_invite(backend_of(app))
    bob = FakeAccount(app.test_client(), name="bob", volume=alice.volume)
    assert error_of(bob.signup(invite=code)).code == "bad_request"

    assert FakeAccount(app.test_client(), name="carol").signup(invite=code).status_code == 201


def test_an_invite_without_a_quota(tmp_path: Path) -> None:
    """The account gets the server's."""
    app = make_app(tmp_path, signup=Signup.INVITE, quota_bytes=7_000_000)
    alice = FakeAccount(app.test_client())
    alice.signup(invite=make_invite(backend_of(app)))
    alice.token = alice.login().get_json()["token"]

    assert read(alice.get(routes.ME), AccountInfo).quota_bytes == 7_000_000


def test_an_invite_expires(tmp_path: Path, clock: FakeClock) -> None:
    """After its time a code is worth nothing."""
    app, code = invited(tmp_path, clock=clock)
    clock.advance(7 * 86_400)

    assert error_of(FakeAccount(app.test_client()).signup(invite=code)).code == "signup_refused"


def test_a_closed_server_takes_no_invite(tmp_path: Path) -> None:
    """Closed means: names that were reserved, and nobody else."""
    app, code = invited(tmp_path, Signup.CLOSED)

    assert error_of(FakeAccount(app.test_client()).signup(invite=code)).code == "signup_refused"


def test_an_invite_opens_no_reserved_name(tmp_path: Path) -> None:
    """The name waits for its own code, and the invite is not used up by the attempt."""
    app, code = invited(tmp_path)
    reserve_name(backend_of(app), "alice")

    assert error_of(FakeAccount(app.test_client()).signup(invite=code)).code == "signup_refused"
    assert FakeAccount(app.test_client(), name="bob").signup(invite=code).status_code == 201


def test_an_invite_is_not_stored(tmp_path: Path) -> None:
    """The database files hold no code."""
    _, code = invited(tmp_path)
    files = [path.read_bytes() for path in (tmp_path / "server").iterdir() if path.is_file()]

    assert not any(code.encode() in data for data in files)
