"""Before and in a login: weak parameters, slots for two passwords, crafted challenges (T07, T08, T14)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from mega_cli.crypto import ciphers, labels, records
from mega_cli.crypto.kdf import kdf, label16, mac
from mega_cli.crypto.passwords import (
    CEILING,
    FLOOR,
    check_policy,
    login_keys_from_password,
    password_key,
)
from mega_cli.crypto.signing import public_key, sign, verify
from mega_cli.errors import IntegrityError, PolicyError
from mega_cli.formats import slot as layout
from mega_cli.formats.idcert import encode_idcert
from mega_cli.formats.root_record import NO_PREV, RootBody, seal_root_record
from mega_cli.formats.slot import seal_password_slot
from mega_cli.model import GIB, KIB, MIB, KdfPolicy, Secret
from mega_server.protocol.proof import Proof, Purpose, login_statement
from tests.hostile.conftest import PASSWORD, World
from tests.hostile.logins import (
    CHALLENGE,
    KDF,
    OPENERS,
    ORIGIN,
    SALT,
    WRAP,
    is_refused,
    mega_login,
)
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import on_json
from tests.kit.two_key_box import two_key_aead


@pytest.mark.attack("T07")
@pytest.mark.parametrize(
    "lie",
    [
        {"passes": 1},
        {"passes": 2},
        {"passes": 17},
        {"memory_bytes": 8 * KIB},
        {"memory_bytes": 64 * MIB - KIB},
        {"memory_bytes": 64 * MIB + 1},
        {"memory_bytes": 1024 * GIB},
        {"algorithm": "argon2i"},
        {"algorithm": "argon2d"},
        {"algorithm": ""},
        {"server_salt": base64.b64encode(bytes(8)).decode()},
        {"server_salt": ""},
        {"server_salt": base64.b64encode(bytes(33)).decode()},
    ],
    ids=str,
)
def test_bad_parameters_end_it_before_the_password_is_used(
    world: World, quick: list[str], tmp_path: Path, lie: dict[str, Any]
) -> None:
    """Exit 17, no derivation, no challenge, no login message."""
    world.proxy.lie("GET", KDF, on_json(lambda told: told | lie))

    assert mega_login(world, tmp_path / "home")[0] == 17
    assert (quick, world.proxy.paths) == ([], ["GET server", "GET kdf"])


@pytest.mark.attack("T07")
def test_the_floor_and_the_ceiling_are_compiled_in() -> None:
    """Both ends are accepted, one step beyond is not, and a device's own floor may only be higher."""
    for policy in (FLOOR, CEILING):
        assert check_policy("argon2id", policy.passes, policy.memory_bytes) == policy
    with pytest.raises(PolicyError):
        check_policy("argon2id", 3, 64 * MIB, KdfPolicy(3, 128 * MIB))
    with pytest.raises(PolicyError):
        check_policy("argon2id", 3, 64 * MIB, KdfPolicy(4, 64 * MIB))


@pytest.mark.attack("T07")
@pytest.mark.parametrize("lie", [{"server_salt": base64.b64encode(bytes(32)).decode()}])
def test_a_known_salt_is_pinned(world: World, device: Device, quick: list[str], lie: dict[str, Any]) -> None:
    """A device that logged in before takes no other salt: exit 17 before the password is used."""
    world.proxy.lie("GET", KDF, on_json(lambda told: told | lie))
    (device.home / "password").write_bytes(PASSWORD)
    words = ("--server", world.proxy.url, "--password-file", str(device.home / "password"))

    assert device.mega("login", "alice", *words).code == 17
    assert quick == []


@pytest.mark.attack("T07")
def test_accounts_with_one_server_salt_have_different_keys() -> None:
    """Account and origin are in the salt: a guess tried for one tells nothing about another."""
    places = [("alice", ORIGIN), ("bob", ORIGIN), ("alice", "https://other.example"), ("alic", "e" + ORIGIN)]
    keys = {password_key(Secret(PASSWORD), SALT, *place, FLOOR).reveal() for place in places}

    assert len(keys) == len(places)


@pytest.mark.attack("T07")
def test_parameters_are_bound_to_the_slot() -> None:
    """A slot sealed under other parameters does not open, even under the same key."""
    for policy in (KdfPolicy(4, 64 * MIB), KdfPolicy(3, 128 * MIB)):
        slot = seal_password_slot(WRAP, "alice", ORIGIN, SALT, policy, Secret(forge.fixed("mk")), 1, 1)
        assert is_refused(OPENERS["password slot"], slot)


@pytest.mark.attack("T08")
@pytest.mark.parametrize("committed_to", ["neither", "the first"])
def test_a_slot_for_two_candidate_passwords_opens_for_none_but_its_own(committed_to: str) -> None:
    """The ciphertext opens under both candidates' keys; the commitment is checked first and fits at most one."""
    candidates, context = [forge.fixed("candidate one"), forge.fixed("candidate two")], b"context"
    head = b"MGS\x01" + bytes([records.PASSWORD_SLOT, 0, 0, 0]) + forge.fixed("nonce", 24)
    commitment = mac(candidates[0], labels.RECORD_COMMIT, head + context) if committed_to == "the first" else bytes(32)
    clear = head + commitment
    first, second = (kdf(key, labels.RECORD_ENC) for key in candidates)
    raw = clear + two_key_aead(first, second, head[8:], clear + context, 48)
    for key in (first, second):
        assert ciphers.aead_open(raw[64:], clear + context, head[8:], key), "the attack itself works"

    refused = [key for key in candidates if _opens_not(key, context, raw)]
    assert refused == (candidates if committed_to == "neither" else candidates[1:])


@pytest.mark.attack("T08")
def test_a_slot_longer_than_its_layout_is_refused() -> None:
    """Rightly sealed, with 16 bytes more: room for another candidate's blocks."""
    context = layout._context("alice", ORIGIN, SALT, FLOOR)
    longer = records.seal_record(records.PASSWORD_SLOT, WRAP, context, bytes(32) + b"\0\0\0\1" + bytes(28))

    assert is_refused(OPENERS["password slot"], longer)


@pytest.mark.attack("T14")
def test_a_login_signature_verifies_as_nothing_else() -> None:
    """The challenge is chosen by the server: no slice of what was signed passes under another context."""
    seed = forge.fixed("seed")
    root = seal_root_record(forge.KEYS, 1, NO_PREV, RootBody(None, 1, bytes(16), 1, bytes(16)))
    idcert = encode_idcert(forge.MASTER, "alice", ORIGIN)
    crafted = [label16(labels.SIGN_ROOT) + root[:16], root[:32], idcert[:32], label16(labels.SIGN_IDCERT) + idcert[:16]]
    for nonce in crafted:
        fields = {"origin": ORIGIN, "account": "alice", "server_nonce": nonce, "client_nonce": bytes(32)}
        statement = login_statement(**fields, purpose=Purpose.LOGIN, body=b"{}")  # type: ignore[arg-type]  # a table
        signature = _sign_login(seed, statement)
        assert _verifies(seed, labels.SIGN_LOGIN, statement[16:], signature)
        for context in (labels.SIGN_ROOT, labels.SIGN_IDCERT):
            for start in range(len(statement)):
                assert not _verifies(seed, context, statement[start:], signature)
        for other in (root[:682], idcert[:-128], nonce):
            assert not any(_verifies(seed, label, other, signature) for label in labels.ALL)


@pytest.mark.attack("T14")
def test_the_statement_begins_with_its_context_and_ends_with_its_purpose(world: World, tmp_path: Path) -> None:
    """A real login's proof is over exactly the statement of the contract: origin, account, both nonces, the body."""
    mega_login(world, tmp_path / "home")
    call = next(call for call in world.proxy.calls if call.path == "/v1/login")
    proof = Proof.parse(dict(call.headers)["X-Mega-Proof"])
    fields = {"server_nonce": proof.server_nonce, "client_nonce": proof.client_nonce, "body": call.body}
    statement = login_statement(origin=world.proxy.url, account="alice", purpose=Purpose.LOGIN, **fields)
    seed = login_keys_from_password(world.prk).login_seed

    verify(public_key(seed), labels.SIGN_LOGIN, statement[16:], proof.signature)
    assert statement.startswith(b"mega1/sig/login\0")


@pytest.mark.attack("T14")
@pytest.mark.parametrize("length", [0, 31, 33, 746])
@pytest.mark.usefixtures("quick")
def test_a_challenge_of_another_length_is_not_signed(world: World, tmp_path: Path, length: int) -> None:
    """A nonce that could carry a whole layout is refused: exit 14, and no login is sent."""
    lie = {"server_nonce": base64.b64encode(bytes(length)).decode()}
    world.proxy.lie("POST", CHALLENGE, on_json(lambda told: told | lie))

    assert mega_login(world, tmp_path / "home")[0] == 14
    assert world.proxy.paths[-1] == "POST challenge"


def _opens_not(key: bytes, context: bytes, raw: bytes) -> bool:
    """Tell whether a record is refused under a key."""
    return is_refused(lambda sealed: records.open_record(records.PASSWORD_SLOT, key, context, sealed, 128), raw)


def _verifies(seed: bytes, context: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify(public_key(seed), context, message, signature)
    except IntegrityError:
        return False
    return True


def _sign_login(seed: bytes, statement: bytes) -> bytes:
    """Sign as the client does."""
    return sign(seed, labels.SIGN_LOGIN, statement[16:])
