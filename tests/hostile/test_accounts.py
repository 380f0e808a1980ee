"""What strangers and other accounts can do to an account through the server: T10, T12, T81 and T86.

The attacker here is a client that is none of ours; the server is the real one, in this process. It relies on no time
that something takes: what an answer costs is compared by its statements, its verifications and its counters.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from sqlalchemy import event
from werkzeug.test import TestResponse

from mega_server.config import Signup, Storage
from mega_server.database import schema
from mega_server.protocol import routes
from mega_server.protocol.messages import AccountInfo, DeleteRequest, KdfParameters
from mega_server.protocol.proof import Purpose
from mega_server.services import proofs, rates
from mega_server.services.rates import Action, Rate
from tests.kit.account import FakeAccount, error_of, pack_of, random_blobs, read
from tests.kit.server import backend_of, make_app

NOW_MS = 1_700_000_000_000
SLOT_ROUTES = {routes.LOGIN}
"""The only ones that may answer with a slot."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Give a server on a real folder, whose clock stands still."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM, clock=lambda: NOW_MS)
    yield app
    backend_of(app).close()


@pytest.fixture
def alice(app: Flask) -> FakeAccount:
    """Give an account with something in it."""
    alice = FakeAccount(app.test_client()).enter()
    assert alice.post(routes.PACKS, pack_of(random_blobs(3))).status_code == 201
    return alice


@pytest.fixture
def mallory(app: Flask) -> FakeAccount:
    """Give the attacker an account of her own."""
    return FakeAccount(app.test_client(), name="mallory").enter()


# --- T10: which accounts exist ----------------------------------------------------------------------------------------


@pytest.fixture
def names(app: Flask) -> dict[str, bool]:
    """Give 200 names, and whether each is an account's."""
    web = app.test_client()
    for number in range(0, 200, 2):
        salt = KdfParameters(algorithm="argon2id", server_salt=os.urandom(32), passes=3, memory_bytes=256 * 1024 * 1024)
        assert FakeAccount(web, name=f"name{number}").signup(kdf=salt).status_code == 201
    return {f"name{number}": number % 2 == 0 for number in range(200)}


def shape(value: object) -> object:
    """Blank every random value, and keep its kind and length."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return (type(value).__name__, len(value)) if isinstance(value, str) else value


def costs_of(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every statement and every operation with a key from now on."""
    noted: list[str] = []
    event.listen(
        backend_of(app).database._engine, "before_cursor_execute", lambda *args: noted.append(" ".join(args[2].split()))
    )

    def count(name: str) -> None:
        made = getattr(proofs, name)

        def counted(*args: bytes) -> object:
            noted.append(name)
            return made(*args)

        monkeypatch.setattr(proofs, name, counted)

    count("VerifyKey")
    count("SigningKey")
    return noted


def guess(web: FlaskClient, name: str) -> list[TestResponse]:
    """Do what a login does, with a key that is none."""
    stranger = FakeAccount(web, name=name)
    return [web.get(routes.path(routes.KDF, account=name)), stranger.login(), stranger.login(key="recovery")]


@pytest.mark.attack("T10")
def test_known_and_unknown_names_answer_alike(
    app: Flask, names: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shape, status and cost of each answer are one for 200 names; the salt of each is stable and its own."""
    web = app.test_client()
    noted = costs_of(app, monkeypatch)
    seen, salts = set(), set()
    for name in names:
        noted.clear()
        answers = guess(web, name)
        cost = tuple(noted)
        again = web.get(routes.path(routes.KDF, account=name))
        assert answers[0].data == again.data
        salts.add(answers[0].get_json()["server_salt"])
        seen.add((repr([(answer.status_code, shape(answer.get_json())) for answer in answers]), cost))

    assert len(seen) == 1
    assert len(salts) == 200


@pytest.mark.attack("T10")
def test_known_and_unknown_names_are_limited_alike(
    app: Flask, alice: FakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests pass for a name that nobody has, and what is said then is the same."""
    for action in Action:
        monkeypatch.setitem(rates._BY_ACCOUNT, action, Rate(5, 60))
    web = app.test_client()
    ends = []
    for name in ("unknown", "nobody", alice.name):
        passed = [web.get(routes.path(routes.KDF, account=name)) for _ in range(7)]
        ends.append([(answer.status_code, answer.data if answer.status_code == 429 else b"") for answer in passed])

    assert ends[0] == ends[1]
    # Signing up and logging in asked for other things: parameters are counted apart.
    assert ends[2] == ends[0]
    assert [status for status, _ in ends[0]] == [200] * 5 + [429] * 2


@pytest.mark.attack("T10")
@pytest.mark.parametrize("policy", [Signup.INVITE, Signup.CLOSED])
def test_who_may_not_sign_up_learns_no_names(tmp_path: Path, policy: Signup) -> None:
    """Without an invitation a taken name and a free one are refused alike."""
    app = make_app(tmp_path)
    FakeAccount(app.test_client()).signup()
    backend_of(app).close()
    web = make_app(tmp_path, signup=policy).test_client()
    answers = [FakeAccount(web, name=name).signup() for name in ("alice", "nobody")]

    assert error_of(answers[0]).code == "signup_refused"
    assert answers[0].data == answers[1].data


# --- T12: slots and recovery ------------------------------------------------------------------------------------------


def every_route(app: Flask, fill: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Name every method of every path of the server, with these parts."""
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for part in rule.arguments:
            path = path.replace(f"<{part}>", fill.get(part, "00" * 16))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path


def holds_slot(answer: TestResponse) -> bool:
    """Tell whether a slot is in the answer, raw or in base64."""
    slots = (b"p" * 100, b"r" * 100)
    return any(slot in answer.data or base64.b64encode(slot[:99]) in answer.data for slot in slots)


@pytest.mark.attack("T12")
def test_no_route_gives_a_slot_without_a_login(app: Flask, alice: FakeAccount) -> None:
    """Not one of all routes, with or without a session, but a login that was signed."""
    fill = {"account": alice.name, "volume": alice.volume.hex()}
    body = msgspec.json.encode(alice.slots_request())
    assert holds_slot(alice.login())
    for method, path in every_route(app, fill):
        for bearer in ({}, alice.bearer) if method != "DELETE" else ({},):
            answer = alice.web.open(path, method=method, data=body, headers=bearer)
            assert not holds_slot(answer), f"{method} {path}"


@pytest.mark.attack("T12")
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_slots_are_nobodys_without_a_session(alice: FakeAccount, method: str) -> None:
    """A proof without a session is a 401, and there is nothing to read in any case."""
    body = msgspec.json.encode(alice.slots_request())
    answer = alice.web.open(routes.SLOTS, method=method, data=body, headers=alice.proof(body, Purpose.SLOTS))

    assert answer.status_code == (401 if method == "PUT" else 405)


@pytest.mark.attack("T12")
def test_a_wrong_recovery_secret_gets_no_slot(alice: FakeAccount) -> None:
    """Neither a random key nor the password's own opens the recovery slot."""
    for signer in (SigningKey.generate(), alice.login_key):
        answer = alice.login(key="recovery", signer=signer)
        assert error_of(answer).code == "login_refused"
        assert not holds_slot(answer)


@pytest.mark.attack("T12")
def test_a_used_recovery_secret_is_worth_nothing(alice: FakeAccount) -> None:
    """After a recovery the old secret logs in nowhere and changes nothing; one that would keep it is refused."""
    used, fresh = alice.recovery_key, SigningKey.generate()
    keeping = alice.slots_request(key="recovery")
    same = alice.slots_request(key="recovery", recovery_key=used.verify_key.encode(), recovery_slot=os.urandom(128))
    for refused in (keeping, same):
        assert error_of(alice.change_slots(refused, signer=used)).code == "bad_request"
    recovery = alice.slots_request(
        key="recovery", recovery_key=fresh.verify_key.encode(), recovery_slot=os.urandom(128)
    )
    assert alice.change_slots(recovery, signer=used).status_code == 204

    again = alice.slots_request(key="recovery", recovery_key=os.urandom(32), recovery_slot=os.urandom(128))
    assert error_of(alice.change_slots(again, signer=used)).code == "login_refused"
    assert error_of(alice.login(key="recovery", signer=used)).code == "login_refused"
    assert alice.login(key="recovery", signer=fresh).status_code == 200


@pytest.mark.attack("T12")
def test_a_stolen_session_changes_no_slot(alice: FakeAccount) -> None:
    """A token alone, with a proof by any other key, locks nobody out."""
    answer = alice.change_slots(alice.slots_request(), signer=SigningKey.generate())

    assert error_of(answer).code == "login_refused"
    assert alice.login().status_code == 200


# --- T81: what is another's -------------------------------------------------------------------------------------------


def of(app: Flask, account: FakeAccount) -> list[object]:
    """Read all that the server holds of an account, rate limits and challenges apart: files included."""
    place = backend_of(app)
    keyed = {"account": (schema.accounts, schema.sessions, schema.volumes)}
    keyed["volume"] = (schema.records, schema.packs, schema.blobs)
    values = {"account": account.name, "volume": account.volume}
    with place.database.reading() as connection:
        rows = [
            connection.execute(table.select().where(table.c[key] == values[key])).all()
            for key, tables in keyed.items()
            for table in tables
        ]
    folder = place.config.store_dir / "v" / account.volume.hex()
    return [rows, {file.name: file.read_bytes() for file in folder.glob("*")}]


@pytest.mark.attack("T81")
def test_another_account_removes_nothing_by_any_route(app: Flask, alice: FakeAccount, mallory: FakeAccount) -> None:
    """Every method of every route, named Alice's volume, ids, session and account: her rows and files stay."""
    before = of(app, alice)
    with backend_of(app).database.reading() as connection:
        session_id = connection.exec_driver_sql("SELECT session_id FROM sessions WHERE account='alice'").scalar_one()
        ids = connection.exec_driver_sql("SELECT id FROM blobs ORDER BY id").scalars().all()
    fill = {"account": "alice", "volume": alice.volume.hex(), "blob": ids[0].hex(), "session_id": session_id}
    bodies = [b"".join(ids), pack_of(random_blobs(1)), alice.next_record() + b"".join(ids), b"{}"]
    sent = 0
    for method, path in every_route(app, fill):
        for body in bodies:
            proof = mallory.proof(body, Purpose.DELETE, os.urandom(32))
            mallory.web.open(path, method=method, data=body, headers=mallory.bearer | proof)
            sent += 1

    assert sent > 60
    assert of(app, alice) == before


@pytest.mark.attack("T81")
@pytest.mark.parametrize("signer", ["hers", "random"])
def test_another_account_deletes_only_itself(app: Flask, alice: FakeAccount, mallory: FakeAccount, signer: str) -> None:
    """A deletion or a change of slots that names Alice, with Mallory's session, does nothing to anybody."""
    before = of(app, alice), of(app, mallory)
    key = mallory.login_key if signer == "hers" else SigningKey.generate()
    delete = msgspec.json.encode(DeleteRequest(account="alice", key="password"))
    slots = msgspec.json.encode(alice.slots_request())
    for method, path, body, purpose in (
        ("DELETE", routes.ME, delete, Purpose.DELETE),
        ("PUT", routes.SLOTS, slots, Purpose.SLOTS),
    ):
        for owner in (alice, mallory):
            proof = owner.proof(body, purpose, signer=key)
            answer = mallory.web.open(path, method=method, data=body, headers=mallory.bearer | proof)
            assert error_of(answer).code == "bad_request"

    assert (of(app, alice), of(app, mallory)) == before


@pytest.mark.attack("T81")
def test_deleting_ones_own_account_leaves_the_same_blobs_of_others(
    app: Flask, alice: FakeAccount, mallory: FakeAccount
) -> None:
    """Mallory stores Alice's very packs, and takes them with her: Alice's stay."""
    for file in (backend_of(app).config.store_dir / "v" / alice.volume.hex()).iterdir():
        assert mallory.post(routes.PACKS, file.read_bytes()).status_code == 201
    before = of(app, alice)

    assert mallory.delete().status_code == 204
    assert of(app, alice) == before


@pytest.mark.attack("T81")
def test_nobody_signs_up_over_anothers_volume(app: Flask, alice: FakeAccount) -> None:
    """A volume's id is public in every record: a new account that names it gets nothing, to delete it later."""
    before = of(app, alice)
    thief = FakeAccount(app.test_client(), name="thief", volume=alice.volume)

    assert error_of(thief.signup()).code == "bad_request"
    assert of(app, alice) == before


# --- T86: what is counted ---------------------------------------------------------------------------------------------


def used_bytes(account: FakeAccount) -> int:
    """Ask what is counted."""
    return read(account.get(routes.ME), AccountInfo).used_bytes


def file_bytes(app: Flask, account: FakeAccount) -> int:
    """Measure what is stored."""
    folder = backend_of(app).config.store_dir / "v" / account.volume.hex()
    return sum(file.stat().st_size for file in folder.iterdir())


def declare(account: FakeAccount, pack: bytes, length: str) -> TestResponse:
    """Send a pack with a length of one's own, or "" for a chunked body."""
    path = routes.path(routes.PACKS, volume=account.volume.hex())
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    fields = {"CONTENT_LENGTH": length} | ({} if length else chunked)
    return account.web.post(path, data=pack, headers=account.bearer, environ_overrides=fields)


@pytest.mark.attack("T86")
@pytest.mark.parametrize("length", ["0", "1", "600", "1215", "1217", "16777216"])
def test_a_length_that_is_not_the_packs(app: Flask, mallory: FakeAccount, length: str) -> None:
    """Less is a cut pack, more is a body that was cut: nothing is stored, nothing is counted, no room stays taken."""
    pack = pack_of(random_blobs(2))

    assert len(pack) == 1216
    assert error_of(declare(mallory, pack, length)).code == "bad_request"
    with backend_of(app).database.reading() as connection:
        assert connection.execute(schema.reservations.select()).all() == []
    assert used_bytes(mallory) == 0


@pytest.mark.attack("T86")
def test_what_counts_is_what_is_stored(app: Flask, mallory: FakeAccount) -> None:
    """New, repeated and partly new packs, one blob twice in a pack: the count is the files' bytes every time."""
    blobs = random_blobs(6)
    for sent in (blobs[:2], blobs[:2], blobs[1:4], [blobs[4]] * 3, blobs):
        assert mallory.post(routes.PACKS, pack_of(sent)).status_code == 201
        assert used_bytes(mallory) == file_bytes(app, mallory)


@pytest.mark.attack("T86")
def test_no_length_that_is_declared_passes_the_quota(app: Flask, mallory: FakeAccount) -> None:
    """A pack beyond the quota is refused whatever its header claims: small, none, or the truth."""
    with backend_of(app).database.writing() as connection:
        connection.exec_driver_sql("UPDATE accounts SET quota_bytes = 1000000")
    pack = pack_of(random_blobs(1, 2_000_000))

    assert [declare(mallory, pack, length).status_code for length in ("600", "", str(len(pack)))] == [400, 507, 507]
    assert used_bytes(mallory) == 0


@pytest.mark.attack("T86")
@pytest.mark.parametrize("change", [lambda n: n - 1, lambda n: n + 1, lambda _: 0, lambda _: 2**32 - 1])
def test_lengths_inside_a_pack_cover_it_exactly(mallory: FakeAccount, change: Callable[[int], int]) -> None:
    """A blob that says it is shorter or longer than it is makes no pack."""
    pack = bytearray(pack_of(random_blobs(1)))
    pack[8:12] = change(600).to_bytes(4, "big")

    assert error_of(mallory.post(routes.PACKS, bytes(pack))).code == "bad_request"
    assert used_bytes(mallory) == 0
