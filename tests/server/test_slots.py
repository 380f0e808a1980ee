"""A change of the password or the recovery secret: `PUT /v1/accounts/me/slots` with each error it declares."""

from __future__ import annotations

import os

import msgspec
import pytest
from nacl.signing import SigningKey

from mega_server.protocol import headers, routes
from mega_server.protocol.limits import MIB
from mega_server.protocol.messages import KdfParameters, LoginReply, SessionList
from mega_server.protocol.proof import Proof, Purpose
from tests.kit.account import FakeAccount, error_of, read
from tests.server.conftest import FakeClock

STRONGER = KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=4, memory_bytes=512 * MIB)
NEW = SigningKey(b"n" * 32)
NEW_RECOVERY = SigningKey(b"m" * 32)
RECOVERY = {
    "key": "recovery",
    "login_key": NEW.verify_key.encode(),
    "recovery_key": NEW_RECOVERY.verify_key.encode(),
    "recovery_slot": b"q" * 128,
}


def login(account: FakeAccount, signer: SigningKey, key: str = "password") -> int:
    """Try a key; give the status."""
    return account.login(key=key, signer=signer).status_code


def test_a_new_password(alice: FakeAccount) -> None:
    """The new key logs in, gets the new slot and the new parameters; the old one opens nothing."""
    message = alice.slots_request(login_key=NEW.verify_key.encode(), password_slot=b"n" * 128, kdf=STRONGER)

    assert alice.change_slots(message).status_code == 204
    assert read(alice.login(signer=NEW), LoginReply).slot == b"n" * 128
    assert error_of(alice.login()).code == "login_refused"
    assert read(alice.web.get(routes.path(routes.KDF, account="alice")), KdfParameters) == STRONGER


def test_a_new_password_leaves_the_recovery_secret(alice: FakeAccount) -> None:
    """The kit in the drawer stays good."""
    alice.change_slots(alice.slots_request())

    assert read(alice.login(key="recovery", signer=alice.recovery_key), LoginReply).slot == b"r" * 128


def test_a_recovery(alice: FakeAccount) -> None:
    """The recovery secret sets a new password and is replaced itself."""
    assert alice.change_slots(alice.slots_request(**RECOVERY), signer=alice.recovery_key).status_code == 204
    assert [login(alice, NEW), login(alice, alice.login_key)] == [200, 401]
    assert [login(alice, NEW_RECOVERY, "recovery"), login(alice, alice.recovery_key, "recovery")] == [200, 401]


def test_a_password_may_replace_the_recovery_secret(alice: FakeAccount) -> None:
    """A new kit comes with the password."""
    assert alice.change_slots(alice.slots_request(**RECOVERY | {"key": "password"})).status_code == 204
    assert login(alice, NEW_RECOVERY, "recovery") == 200


@pytest.mark.parametrize(("ends", "left"), [(True, 1), (False, 2)])
def test_other_sessions_end_unless_told_not_to(alice: FakeAccount, *, ends: bool, left: int) -> None:
    """The session that changes the password goes on, in either case."""
    alice.login()
    alice.change_slots(alice.slots_request(ends_other_sessions=ends))

    assert len(read(alice.get(routes.SESSIONS), SessionList).sessions) == left


def test_the_same_request_again(alice: FakeAccount) -> None:
    """After a lost reply it is a success, although its challenge is spent and its key is no longer the account's."""
    message, nonce = alice.slots_request(login_key=NEW.verify_key.encode()), alice.nonce()

    assert [alice.change_slots(message, nonce=nonce).status_code for _ in range(2)] == [204, 204]


def test_the_same_request_again_ends_no_session(alice: FakeAccount) -> None:
    """What somebody sends again without a proof changes nothing: a session made meanwhile stays."""
    message, nonce = alice.slots_request(login_key=NEW.verify_key.encode()), alice.nonce()
    alice.change_slots(message, nonce=nonce)
    assert login(alice, NEW) == 200
    alice.change_slots(message, nonce=nonce, signer=SigningKey.generate())

    assert len(read(alice.get(routes.SESSIONS), SessionList).sessions) == 2


def test_the_same_request_again_needs_a_session_of_the_account(alice: FakeAccount, mallory: FakeAccount) -> None:
    """Another account's session learns nothing by repeating it."""
    message = alice.slots_request()
    alice.change_slots(message)

    assert error_of(mallory.change_slots(message)).code == "bad_request"


def test_an_older_request_again(alice: FakeAccount) -> None:
    """A change that a later one has replaced is not made again."""
    first, nonce = alice.slots_request(login_key=NEW.verify_key.encode()), alice.nonce()
    alice.change_slots(first, nonce=nonce)
    alice.change_slots(alice.slots_request(), signer=NEW)

    assert error_of(alice.change_slots(first, nonce=nonce)).code == "login_refused"


def test_of_two_changes_by_one_key_one_is_made(alice: FakeAccount) -> None:
    """The second is proven by a key that is no longer the account's."""
    nonces = [alice.nonce(), alice.nonce()]

    assert [alice.change_slots(alice.slots_request(), nonce=nonce).status_code for nonce in nonces] == [204, 401]


def test_a_wrong_proof(alice: FakeAccount) -> None:
    """It is refused, and its challenge is used up; nothing is changed."""
    nonce = alice.nonce()
    wrong = alice.change_slots(alice.slots_request(), nonce=nonce, signer=SigningKey.generate())

    assert error_of(wrong).code == "login_refused"
    assert error_of(alice.change_slots(alice.slots_request(), nonce=nonce)).code == "login_refused"
    assert login(alice, alice.login_key) == 200


@pytest.mark.parametrize("purpose", [Purpose.LOGIN, Purpose.DELETE])
def test_a_proof_of_another_purpose(alice: FakeAccount, purpose: Purpose) -> None:
    """What was signed to log in, or to delete, changes no password."""
    body = msgspec.json.encode(alice.slots_request())
    answer = alice.web.put(routes.SLOTS, data=body, headers=alice.bearer | alice.proof(body, purpose))

    assert error_of(answer).code == "login_refused"


def test_a_proof_over_another_body(alice: FakeAccount) -> None:
    """One byte of the body decides."""
    body = msgspec.json.encode(alice.slots_request())
    answer = alice.web.put(routes.SLOTS, data=body + b" ", headers=alice.bearer | alice.proof(body, Purpose.SLOTS))

    assert error_of(answer).code == "login_refused"


def test_the_other_keys_proof(alice: FakeAccount) -> None:
    """`key` names the key that must have signed."""
    answer = alice.change_slots(alice.slots_request(**RECOVERY))

    assert error_of(answer).code == "login_refused"


def test_a_late_proof(alice: FakeAccount, clock: FakeClock) -> None:
    """A challenge lives for a minute here too."""
    nonce = alice.nonce()
    clock.advance(60)

    assert error_of(alice.change_slots(alice.slots_request(), nonce=nonce)).code == "login_refused"


def test_without_a_session(alice: FakeAccount) -> None:
    """A proof alone is not enough."""
    alice.token = ""

    assert error_of(alice.change_slots(alice.slots_request())).code == "unauthorized"


def test_without_a_proof(alice: FakeAccount) -> None:
    """A session alone is not enough: a stolen one cannot lock its owner out."""
    body = msgspec.json.encode(alice.slots_request())

    assert error_of(alice.web.put(routes.SLOTS, data=body, headers=alice.bearer)).code == "bad_request"


def test_no_json(alice: FakeAccount) -> None:
    """A body that is no message is refused."""
    proof = {headers.PROOF: Proof(bytes(32), bytes(32), bytes(64)).header()}

    assert error_of(alice.web.put(routes.SLOTS, data=b"{}", headers=alice.bearer | proof)).code == "bad_request"


def test_beyond_its_bound(alice: FakeAccount) -> None:
    """A body of more than 1 MiB is refused before it is parsed."""
    answer = alice.web.put(routes.SLOTS, data=b" " * (MIB + 1), headers=alice.bearer)

    assert error_of(answer).code == "too_large"


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "bob"},
        {"key": "master"},
        {"login_key": bytes(31)},
        {"password_slot": bytes(127)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=b"t" * 32, passes=3, memory_bytes=256 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=2, memory_bytes=256 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=3, memory_bytes=255 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=17, memory_bytes=256 * MIB)},
        {"kdf": KdfParameters(algorithm="argon2i", server_salt=b"s" * 32, passes=3, memory_bytes=256 * MIB)},
        {"recovery_key": os.urandom(32)},
        {"recovery_slot": os.urandom(128)},
        {"recovery_key": os.urandom(32), "recovery_slot": b"r" * 128},
        {"recovery_key": os.urandom(31), "recovery_slot": os.urandom(128)},
    ],
    ids=[
        *("account", "key", "login key", "slot", "salt", "passes", "memory", "ceiling", "algorithm"),
        *("no recovery slot", "no recovery key", "old recovery slot", "short recovery key"),
    ],
)
def test_what_is_refused(alice: FakeAccount, changes: dict[str, object]) -> None:
    """A field out of bounds or weaker than what is stored, however well proven."""
    assert error_of(alice.change_slots(alice.slots_request(**changes))).code == "bad_request"
    assert login(alice, alice.login_key) == 200


def test_parameters_never_become_weaker(alice: FakeAccount) -> None:
    """What was once stronger than the policy asks stays so."""
    alice.change_slots(alice.slots_request(kdf=STRONGER, login_key=NEW.verify_key.encode()))

    assert error_of(alice.change_slots(alice.slots_request(), signer=NEW)).code == "bad_request"


@pytest.mark.parametrize("missing", ["recovery_key", "recovery_slot", "both"])
def test_a_recovery_replaces_its_secret(alice: FakeAccount, missing: str) -> None:
    """A recovery that would leave its used secret in place is refused."""
    empty = dict.fromkeys(["recovery_key", "recovery_slot"] if missing == "both" else [missing], b"")
    answer = alice.change_slots(alice.slots_request(**RECOVERY | empty), signer=alice.recovery_key)

    assert error_of(answer).code == "bad_request"


def test_a_recovery_brings_another_secret(alice: FakeAccount) -> None:
    """The used one again, in a new slot, is refused."""
    same = {"recovery_key": alice.recovery_key.verify_key.encode()}
    answer = alice.change_slots(alice.slots_request(**RECOVERY | same), signer=alice.recovery_key)

    assert error_of(answer).code == "bad_request"
