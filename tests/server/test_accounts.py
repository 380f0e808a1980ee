"""Signup, key derivation, login, sessions: each route with each error it declares."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from mega_server.config import Signup
from mega_server.database import schema
from mega_server.protocol import headers, routes
from mega_server.protocol.limits import MIB
from mega_server.protocol.messages import (
    AccountInfo,
    ChallengeRequest,
    KdfParameters,
    LoginReply,
    LoginRequest,
    ServerInfo,
    SessionList,
    SignupReply,
)
from mega_server.protocol.proof import Proof
from mega_server.services.invites import reserve_name
from tests.kit.account import FakeAccount, error_of, read, root_record
from tests.kit.server import backend_of, make_app
from tests.server.conftest import FakeClock


def test_server_info(web: FlaskClient, clock: FakeClock) -> None:
    """The server says what it speaks, takes, and what time it has."""
    info = read(web.get(routes.SERVER), ServerInfo)
    assert (info.version, info.clock_ms, info.signup, info.storage) == (1, clock.now_ms, "open", "memory")


def test_health(web: FlaskClient) -> None:
    """A working server is healthy."""
    assert web.get(routes.HEALTH).data == b"ok\n"


def test_unknown_major_version(web: FlaskClient) -> None:
    """A client of another major version is refused with a clear message."""
    detail = error_of(web.get(routes.SERVER, headers={headers.VERSION: "2"}))
    assert detail.code == "unsupported_version"


def test_every_answer_names_the_version(web: FlaskClient) -> None:
    """Answers carry the version, errors too."""
    assert web.get("/v1/nothing").headers[headers.VERSION] == "1"


def test_unknown_route(web: FlaskClient) -> None:
    """A path that is none is a 404 in JSON."""
    assert error_of(web.get("/v1/nothing")).code == "not_found"


def test_wrong_method(web: FlaskClient) -> None:
    """A method that is none is a 405 in JSON."""
    assert error_of(web.delete(routes.SERVER)).code == "method_not_allowed"


def test_signup(web: FlaskClient) -> None:
    """A valid signup makes the account."""
    assert read(FakeAccount(web).signup(), SignupReply, 201).account == "alice"


def test_signup_again_is_a_success(web: FlaskClient) -> None:
    """The same request after a lost reply succeeds."""
    alice = FakeAccount(web)
    alice.signup()
    assert alice.signup().status_code == 201


def test_signup_of_a_taken_name(alice: FakeAccount) -> None:
    """Another person's signup under the same name is refused."""
    other = FakeAccount(alice.web)
    assert error_of(other.signup()).code == "account_exists"


def test_signup_of_a_taken_volume_leaves_nothing(alice: FakeAccount) -> None:
    """A signup that fails half way has made no account."""
    other = FakeAccount(alice.web, name="bob", volume=alice.volume)
    assert error_of(other.signup()).code == "bad_request"
    other.volume, other.head = os.urandom(16), b""
    assert other.signup().status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "Alice"},
        {"account": "me"},
        {"account": "a" * 64},
        {"login_key": b"short"},
        {"recovery_slot": bytes(127)},
        {"idcert": b""},
        {"idcert": bytes(1025)},
        {"root_record": bytes(746)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=bytes(32), passes=2, memory_bytes=256 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=bytes(32), passes=3, memory_bytes=MIB)},
        {"kdf": KdfParameters(algorithm="none", server_salt=bytes(32), passes=3, memory_bytes=256 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=b"", passes=3, memory_bytes=256 * MIB)},
    ],
    ids="-".join,
)
def test_malformed_signup(web: FlaskClient, changes: dict[str, object]) -> None:
    """A field out of bounds is refused."""
    assert error_of(FakeAccount(web).signup(**changes)).code == "bad_request"


def test_signup_begins_with_revision_1(web: FlaskClient) -> None:
    """A first record of revision 2 is refused, however well signed."""
    alice = FakeAccount(web)
    record = root_record(alice.writer, alice.volume, 2, bytes(32))
    assert error_of(alice.signup(root_record=record)).code == "bad_request"


def test_signup_that_is_no_json(web: FlaskClient) -> None:
    """A body that is no message is refused."""
    assert error_of(web.post(routes.ACCOUNTS, data=b"{")).code == "bad_request"


@pytest.mark.parametrize("body", [b'{"x":' + b"[" * 100_000, b'{"account":"\xff"}'], ids=["deep", "no UTF-8"])
def test_json_that_no_parser_takes(web: FlaskClient, body: bytes) -> None:
    """What nests without end or is not UTF-8 is a bad request, not a bug of the server."""
    assert error_of(web.post(routes.LOGIN_CHALLENGE, data=body)).code == "bad_request"


def test_json_beyond_its_bound(web: FlaskClient) -> None:
    """A JSON body of more than 1 MiB is refused before it is parsed."""
    assert error_of(web.post(routes.ACCOUNTS, data=b" " * (MIB + 1))).code == "too_large"


@pytest.mark.parametrize("policy", [Signup.INVITE, Signup.CLOSED])
def test_signup_without_a_code(tmp_path: Path, policy: Signup) -> None:
    """A server that is not open takes no stranger."""
    web = make_app(tmp_path, signup=policy).test_client()
    assert error_of(FakeAccount(web).signup()).code == "signup_refused"


@pytest.mark.parametrize("policy", list(Signup))
def test_signup_with_the_code(tmp_path: Path, policy: Signup) -> None:
    """The code of a reserved name opens any server, for that name."""
    app = make_app(tmp_path, signup=policy)
    code = reserve_name(backend_of(app), "alice")
    assert FakeAccount(app.test_client()).signup(invite=code).status_code == 201


def test_a_reserved_name_needs_its_code(tmp_path: Path) -> None:
    """On an open server too, a reserved name waits for its code."""
    app = make_app(tmp_path)
    reserve_name(backend_of(app), "alice")
    assert error_of(FakeAccount(app.test_client()).signup(invite="guess")).code == "signup_refused"


def test_a_code_is_for_one_name(tmp_path: Path) -> None:
    """A code of one name makes no account of another."""
    app = make_app(tmp_path, signup=Signup.INVITE)
    code = reserve_name(backend_of(app), "alice")
    assert error_of(FakeAccount(app.test_client(), name="bob").signup(invite=code)).code == "signup_refused"


def test_a_code_expires(tmp_path: Path, clock: FakeClock) -> None:
    """After seven days a code is worth nothing."""
    app = make_app(tmp_path, signup=Signup.INVITE, clock=clock)
    code = reserve_name(backend_of(app), "alice")
    clock.advance(7 * 86_400)
    assert error_of(FakeAccount(app.test_client()).signup(invite=code)).code == "signup_refused"


def test_kdf_of_an_account(alice: FakeAccount) -> None:
    """The parameters are those of signup."""
    path = routes.path(routes.KDF, account="alice")
    assert read(alice.web.get(path), KdfParameters) == alice.signup_request().kdf


def test_kdf_of_an_unknown_account(alice: FakeAccount) -> None:
    """An unknown account has a stable salt of its own, and parameters as everyone has."""
    first = read(alice.web.get(routes.path(routes.KDF, account="nobody")), KdfParameters)
    again = read(alice.web.get(routes.path(routes.KDF, account="nobody")), KdfParameters)
    other = read(alice.web.get(routes.path(routes.KDF, account="nobody2")), KdfParameters)
    assert first == again
    assert first.server_salt != other.server_salt
    assert msgspec.structs.replace(first, server_salt=b"") == msgspec.structs.replace(
        alice.signup_request().kdf, server_salt=b""
    )


def test_login_gives_the_password_slot(alice: FakeAccount) -> None:
    """The password's key opens the password slot."""
    assert read(alice.login(), LoginReply).slot == b"p" * 128


def test_login_with_the_recovery_key(alice: FakeAccount) -> None:
    """The recovery key opens the recovery slot."""
    reply = read(alice.login(key="recovery", signer=alice.recovery_key), LoginReply)
    assert reply.slot == b"r" * 128


def test_login_refusals_are_alike(alice: FakeAccount) -> None:
    """A wrong key and an unknown account are one answer."""
    wrong = alice.login(signer=SigningKey.generate())
    unknown = FakeAccount(alice.web, name="nobody").login()
    assert error_of(wrong).code == "login_refused"
    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data)


def test_a_nonce_serves_once(alice: FakeAccount) -> None:
    """A second proof over the same nonce is refused."""
    nonce = alice.nonce()
    assert alice.login(nonce=nonce).status_code == 200
    assert error_of(alice.login(nonce=nonce)).code == "login_refused"


def test_a_failed_login_uses_the_nonce_up(alice: FakeAccount) -> None:
    """A nonce that met a wrong signature serves no right one."""
    nonce = alice.nonce()
    alice.login(nonce=nonce, signer=SigningKey.generate())
    assert error_of(alice.login(nonce=nonce)).code == "login_refused"


def test_a_nonce_lives_a_minute(alice: FakeAccount, clock: FakeClock) -> None:
    """After 60 s of the server's clock a nonce is worth nothing."""
    nonce = alice.nonce()
    clock.advance(60)
    assert error_of(alice.login(nonce=nonce)).code == "login_refused"


def test_a_nonce_belongs_to_its_account(alice: FakeAccount, mallory: FakeAccount) -> None:
    """A nonce made for one account serves no other."""
    assert error_of(alice.login(nonce=mallory.nonce())).code == "login_refused"


def test_a_proof_names_the_origin(alice: FakeAccount) -> None:
    """A proof signed for another origin is refused: a relaying server gains nothing."""
    alice.origin = "https://evil.example"
    assert error_of(alice.login()).code == "login_refused"


def test_a_configured_origin_wins(tmp_path: Path) -> None:
    """Behind a proxy, the configured origin is the one that is signed."""
    web = make_app(tmp_path, origin="https://cloud.example").test_client()
    alice = FakeAccount(web, origin="https://cloud.example")
    alice.signup()
    assert alice.login().status_code == 200


def sent_login(web: FlaskClient, body: bytes) -> TestResponse:
    """Send this body with a proof that proves nothing."""
    proof = Proof(bytes(32), bytes(32), bytes(64)).header()
    return web.post(routes.LOGIN, data=body, headers={headers.PROOF: proof})


def test_login_without_a_proof(alice: FakeAccount) -> None:
    """A login without its header is malformed."""
    body = msgspec.json.encode(LoginRequest(account="alice", key="password", device_name=""))
    assert error_of(alice.web.post(routes.LOGIN, data=body)).code == "bad_request"


def test_login_with_an_unknown_key(alice: FakeAccount) -> None:
    """There are two login keys and no third."""
    assert error_of(alice.login(key="master")).code == "bad_request"


@pytest.mark.parametrize("device_name", ["\x1b[2J", "x" * 101, "x" * 900_000])
def test_device_names_are_short_and_printable(alice: FakeAccount, device_name: str) -> None:
    """A device name with a control character, or of more than 100 characters, is refused."""
    body = msgspec.json.encode(LoginRequest(account="alice", key="password", device_name=device_name))
    assert error_of(sent_login(alice.web, body)).code == "bad_request"


@pytest.mark.parametrize("name", ["", "me", "Alice", "a b", "x" * 64, "x" * 70_000, "x" * 900_000])
def test_what_is_no_name_gets_no_challenge_and_no_login(app: Flask, web: FlaskClient, name: str) -> None:
    """Nobody may write rows of their own size: a name that cannot be is refused before anything is stored."""
    asked = web.post(routes.LOGIN_CHALLENGE, data=msgspec.json.encode(ChallengeRequest(account=name)))
    sent = sent_login(web, msgspec.json.encode(LoginRequest(account=name, key="password", device_name="")))

    assert [error_of(answer).code for answer in (asked, sent)] == ["bad_request", "bad_request"]
    with backend_of(app).database.reading() as connection:
        assert connection.execute(schema.challenges.select()).all() == []


def test_me(alice: FakeAccount) -> None:
    """An account sees its quota, use and volumes."""
    info = read(alice.get(routes.ME), AccountInfo)
    assert (info.account, info.used_bytes, info.quota_bytes) == ("alice", 0, 1 << 30)
    assert [(volume.volume, volume.revision) for volume in info.volumes] == [(alice.volume.hex(), 1)]


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer !!!", "Bearer AAAA", "Basic AAAA"])
def test_a_bad_token(web: FlaskClient, token: str) -> None:
    """Whatever is no token of a session is one refusal."""
    assert error_of(web.get(routes.ME, headers={"Authorization": token})).code == "unauthorized"


def test_sessions_are_listed(alice: FakeAccount) -> None:
    """The list marks the session that asked."""
    alice.login()
    sessions = read(alice.get(routes.SESSIONS), SessionList).sessions
    assert [session.device_name for session in sessions] == ["laptop", "laptop"]
    assert sum(session.is_current for session in sessions) == 1


def test_a_session_ends(alice: FakeAccount) -> None:
    """After `current` is ended, the token is worth nothing."""
    path = routes.path(routes.SESSION, session_id="current")
    assert alice.web.delete(path, headers=alice.bearer).status_code == 204
    assert error_of(alice.get(routes.ME)).code == "unauthorized"


def test_foreign_sessions_are_not_found(alice: FakeAccount, mallory: FakeAccount) -> None:
    """Nobody ends another account's session, or learns that it exists."""
    session_id = read(alice.get(routes.SESSIONS), SessionList).sessions[0].session_id
    foreign = mallory.web.delete(routes.path(routes.SESSION, session_id=session_id), headers=mallory.bearer)
    unknown = mallory.web.delete(routes.path(routes.SESSION, session_id="0" * 16), headers=mallory.bearer)
    assert error_of(foreign).code == "not_found"
    assert foreign.data == unknown.data


def test_an_idle_session_ends(alice: FakeAccount, clock: FakeClock) -> None:
    """After 180 days without use a token is worth nothing."""
    clock.advance(180 * 86_400)
    assert error_of(alice.get(routes.ME)).code == "unauthorized"


def test_use_keeps_a_session(alice: FakeAccount, clock: FakeClock) -> None:
    """A session used every 100 days lives on."""
    for _ in range(3):
        clock.advance(100 * 86_400)
        assert alice.get(routes.ME).status_code == 200


def test_tokens_are_not_stored(alice: FakeAccount, tmp_path: Path) -> None:
    """The database files hold no token."""
    files = [path.read_bytes() for path in (tmp_path / "server").iterdir() if path.is_file()]
    assert not any(alice.token.encode() in data for data in files)


def test_a_login_too_many_ends_the_session_used_longest_ago(
    alice: FakeAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that never logs out does not grow without bound, and the newest sessions stay."""
    monkeypatch.setattr("mega_server.services.logins.SESSIONS_PER_ACCOUNT", 2)
    first = alice.token
    for _ in range(2):
        clock.advance(1)
        alice.token = read(alice.login(), LoginReply).token

    assert len(read(alice.get(routes.SESSIONS), SessionList).sessions) == 2
    alice.token = first
    assert error_of(alice.get(routes.SESSIONS)).code == "unauthorized"
