"""Logins: mauled, spliced, forged and replayed slots, weak parameters, crafted challenges (T01 to T04, T07, T08, T14)."""

from __future__ import annotations

import base64
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nacl.bindings
import pytest

from mega_cli.account.connection import connect, place_of
from mega_cli.account.login import prove
from mega_cli.crypto import ciphers, labels, records
from mega_cli.crypto.kdf import kdf, label16, mac
from mega_cli.crypto.passwords import (
    CEILING,
    FLOOR,
    check_policy,
    login_keys_from_password,
    login_keys_from_recovery,
    password_key,
)
from mega_cli.crypto.signing import public_key, verify
from mega_cli.errors import IntegrityError, MegaError, PolicyError
from mega_cli.formats.idcert import encode_idcert, verify_idcert
from mega_cli.formats.object import Sealer, open_object
from mega_cli.formats.root_record import NO_PREV, RootBody, open_root_record, seal_root_record
from mega_cli.formats.slot import open_password_slot, open_recovery_slot, seal_password_slot, seal_recovery_slot
from mega_cli.model import DATA, GIB, KIB, MIB, LIST, PAGE, KdfPolicy, Ref, Secret
from mega_server.protocol.proof import Proof, Purpose, login_statement
from tests.hostile.conftest import PASSWORD, World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import on_json, refusal
from tests.kit.two_key_box import two_key_aead

LOGIN, KDF, CHALLENGE = "^/v1/login$", "/kdf$", "/challenge$"
VERSION_AT = 3
ORIGIN = "http://127.0.0.1:1"
SALT = forge.fixed("salt")
WRAP = login_keys_from_password(Secret(forge.fixed("prk"))).wrap_key
RECOVERY_WRAP = login_keys_from_recovery(forge.fixed("rk")).wrap_key
SLOT = seal_password_slot(WRAP, "alice", ORIGIN, SALT, FLOOR, Secret(forge.fixed("mk")), 1, 1)
RECOVERY_SLOT = seal_recovery_slot(RECOVERY_WRAP, "alice", ORIGIN, Secret(forge.fixed("mk")), 1, 1)
OPENERS: dict[str, Callable[[bytes], object]] = {
    "password slot": lambda raw: open_password_slot(WRAP, "alice", ORIGIN, SALT, FLOOR, raw),
    "recovery slot": lambda raw: open_recovery_slot(RECOVERY_WRAP, "alice", ORIGIN, raw),
}
SLOTS = {"password slot": SLOT, "recovery slot": RECOVERY_SLOT}


def with_slot(change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the slot in a login's answer."""
    return lambda told: told | {"slot": base64.b64encode(change(base64.b64decode(told["slot"]))).decode()}


def mega_login(world: World, home: Path, *words: str) -> tuple[int, str, Device]:
    """Run a login on a fresh device."""
    (home.parent / "password").write_bytes(PASSWORD)
    fresh = Device(home)
    password = ("--password-file", str(home.parent / "password"))
    ran = fresh.mega("login", "alice", "--server", world.proxy.url, *password, *words)
    return ran.code, ran.err, fresh


@pytest.fixture
def quick(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Remember what the password's key was stretched to, and note each time it is asked for."""
    asked: list[str] = []

    def stretch(password: Secret, salt: bytes, account: str, origin: str, policy: KdfPolicy) -> Secret:
        asked.append(account)
        return world.password_key(password, salt, account, origin, policy)

    monkeypatch.setattr(sys.modules["mega_cli.account.login"], "password_key", stretch)
    world.proxy.be_honest()
    world.proxy.forget()
    return asked


# --- mauled slots -----------------------------------------------------------------------------------------------------


@pytest.mark.attack("T01")
@pytest.mark.parametrize("kind", SLOTS)
def test_no_mauled_byte_of_a_slot_passes(kind: str) -> None:
    """Every byte flipped, every length: all are refused. Byte 3 is the version, which is exit 17."""
    slot, opener = SLOTS[kind], OPENERS[kind]
    mauled = [forge.flipped(slot, at) for at in range(len(slot)) if at != VERSION_AT]
    mauled += [slot[:length] for length in range(len(slot))] + [slot + b"\0", slot * 2]

    assert [at for at, raw in enumerate(mauled) if not _is_refused(opener, raw)] == []
    assert _is_refused(opener, forge.flipped(slot, VERSION_AT), PolicyError)


@pytest.mark.attack("T01")
@pytest.mark.usefixtures("quick")
def test_mauled_slots_leave_one_transcript(world: World, tmp_path: Path) -> None:
    """Real logins with ten mauled slots: exit 14, and byte for byte the same requests but for the signed nonces."""
    transcripts = set()
    for n, at in enumerate([0, 4, 5, 8, 31, 32, 63, 64, 100, 127]):
        world.proxy.be_honest()
        world.proxy.forget()
        world.proxy.lie("POST", LOGIN, on_json(with_slot(lambda slot, at=at: forge.flipped(slot, at))))
        code, err, fresh = mega_login(world, tmp_path / f"home-{n}")
        assert code == 14, err
        assert not list(fresh.home.rglob("session.json"))
        transcripts.add(_transcript(world))
    assert len(transcripts) == 1
    assert world.proxy.paths[-1] == "POST login", "nothing is sent after the slot was seen (I4)"


@pytest.mark.attack("T02")
@pytest.mark.parametrize("reader", ["password slot", "recovery slot", "root record", "data", "list", "page", "idcert"])
def test_no_record_passes_for_another(reader: str) -> None:
    """Each layout in place of each other one, of the same account and of another, under the reader's own keys."""
    sealer = Sealer(forge.KEYS)
    data, other_mk = sealer.seal_data(b"d" * 600), Secret(forge.fixed("other"))
    listed, page = sealer.seal_list([data.ref] * 3), sealer.seal_page(forge.page_of([forge.entry("a")]))
    root = seal_root_record(forge.KEYS, 1, NO_PREV, RootBody(None, 1, bytes(16), 1, bytes(16)))
    idcert = encode_idcert(forge.MASTER, "alice", ORIGIN)
    made = {**SLOTS, "root record": root, "data": data.blob, "list": listed.blob, "page": page.blob, "idcert": idcert}
    foreign = [
        seal_password_slot(WRAP, "bob", ORIGIN, SALT, FLOOR, other_mk, 1, 1),
        seal_password_slot(WRAP, "alice", "https://other.example", SALT, FLOOR, other_mk, 1, 1),
        seal_password_slot(WRAP, "alice", ORIGIN, forge.fixed("salt 2"), FLOOR, other_mk, 1, 1),
        seal_password_slot(WRAP, "alice", ORIGIN, SALT, CEILING, other_mk, 1, 1),
        seal_password_slot(RECOVERY_WRAP, "alice", ORIGIN, SALT, FLOOR, other_mk, 1, 1),
        seal_recovery_slot(WRAP, "alice", ORIGIN, other_mk, 1, 1),
        seal_recovery_slot(RECOVERY_WRAP, "bob", ORIGIN, other_mk, 1, 1),
    ]
    refs = {"data": data.ref, "list": listed.ref, "page": page.ref}
    openers = {
        **OPENERS,
        "root record": lambda raw: open_root_record(forge.KEYS, raw),
        "idcert": verify_idcert,
        **{kind: lambda raw, ref=ref: open_object(raw, ref) for kind, ref in refs.items()},
    }

    assert openers[reader](made[reader])
    for raw in [*(raw for kind, raw in made.items() if kind != reader), *foreign]:
        assert _is_refused(openers[reader], raw)


@pytest.mark.attack("T02")
def test_a_slots_type_is_part_of_what_is_sealed() -> None:
    """One key, one context, another type: neither opens as the other, whatever the type byte says."""
    context = b"context"
    sealed = records.seal_record(records.RECOVERY_SLOT, WRAP, context, bytes(48))
    claimed = sealed[:4] + bytes([records.PASSWORD_SLOT]) + sealed[5:]
    for raw in (sealed, claimed):
        with pytest.raises(IntegrityError):
            records.open_record(records.PASSWORD_SLOT, WRAP, context, raw, len(raw))


@pytest.mark.attack("T02")
@pytest.mark.parametrize("kind", [DATA, LIST, PAGE])
def test_an_object_opens_only_as_its_kind(kind: int) -> None:
    """A ref that names another kind than the sealed payload is refused, though id and key are right."""
    sealer = Sealer(forge.KEYS)
    data = sealer.seal_data(forge.page_of([forge.entry("a")]))
    made = {DATA: data, LIST: sealer.seal_list([data.ref]), PAGE: sealer.seal_page(forge.page_of([forge.entry("a")]))}
    for other in made.keys() - {kind}:
        blob, ref = made[other]
        assert _is_refused(lambda raw, ref=ref: open_object(raw, Ref(ref.id, ref.key, kind, ref.plain_len)), blob)


@pytest.mark.attack("T03")
@pytest.mark.parametrize("what", ["slot", "head", "blobs"])
@pytest.mark.usefixtures("quick")
def test_random_bytes_are_nothing(world: World, device: Device, tmp_path: Path, what: str) -> None:
    """Random bytes as slot, root record, page or data: exit 14, nothing listed, nothing fetched."""
    from tests.kit.hostile_server import frames, instead, on_frames  # noqa: PLC0415 -- these tables are used here

    if what == "slot":
        for n, magic in enumerate((b"", b"MGS\x01\x01\0\0\0")):
            world.proxy.lie("POST", LOGIN, on_json(with_slot(lambda s, m=magic: m + os.urandom(len(s) - len(m)))))
            code, _, fresh = mega_login(world, tmp_path / f"home-{n}")
            assert (code, list(fresh.home.rglob("session.json"))) == (14, [])
        return
    if what == "head":
        world.proxy.lie("GET", "/head$", instead(b"MGR\x01" + os.urandom(742)))
    else:
        assert frames([])
        world.proxy.lie("POST", "/blobs$", on_frames(lambda blobs: [os.urandom(len(blob)) for blob in blobs]))
    for words in (("ls", "-r"), ("get", "/", str(tmp_path / "out"))):
        ran = device.mega(*words)
        assert (ran.code, ran.out) == (14, b"")
    assert not any(path.is_file() for path in (tmp_path / "out").rglob("*"))


# --- no oracle --------------------------------------------------------------------------------------------------------


def _corruptions(slot: bytes) -> list[bytes]:
    """Fifty distinct ways to be wrong; the version, which has an exit code of its own, is left alone."""
    flips = [forge.flipped(slot, at) for at in (0, 4, 5, 7, 8, 20, 31, 32, 40, 63, 64, 80, 111, 112, 127)]
    cuts = [slot[:length] for length in (0, 1, 3, 31, 32, 63, 64, 79, 80, 127)]
    longer = [slot + bytes(n) for n in (1, 16, 128)]
    zeros = [slot[:at] + bytes(n) + slot[at + n :] for at, n in ((8, 24), (32, 32), (64, 48), (112, 16), (5, 123))]
    swaps = [
        slot[:at] + slot[at + n : at + 2 * n] + slot[at : at + n] + slot[at + 2 * n :] for at, n in ((32, 32), (8, 12))
    ]
    noise = [slot[:at] + os.urandom(128 - at) for at in range(5, 125, 8)]
    return [*flips, *cuts, *longer, *zeros, *swaps, *noise]


@pytest.mark.attack("T04")
def test_fifty_corruptions_look_alike(world: World, quick: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One error, one sentence, one hint, the same requests, the same number of derivations and verifications."""
    counts = {"derived": 0, "verified": 0, "signed": 0}
    _count(monkeypatch, counts, "verified", "crypto_sign_open")
    _count(monkeypatch, counts, "signed", "crypto_sign")
    _count(monkeypatch, counts, "derived", "crypto_pwhash_alg")
    place = place_of("alice", world.proxy.url, "", insecure_http=False)
    seen, tried = set(), 0
    for n in itertools.count():
        counts.update(dict.fromkeys(counts, 0))
        world.proxy.be_honest()
        world.proxy.forget()
        wrong: list[bytes] = []

        def corrupt(slot: bytes, n: int = n, wrong: list[bytes] = wrong) -> bytes:
            every = _corruptions(slot)
            wrong.append(every[n] if n < len(every) else b"")
            return every[n] if n < len(every) else slot

        world.proxy.lie("POST", LOGIN, on_json(with_slot(corrupt)))
        client = connect(world.proxy.url, insecure_http=False)
        try:
            prove(client, place, world.prk, world.salt, FLOOR, device_name="x")
            break  # the list is at its end, and the slot was the right one
        except MegaError as error:
            shown = (type(error), error.message, error.hint, str(error.details))
        finally:
            client.close()
        tried += 1
        seen.add((shown, tuple(world.proxy.paths), tuple(counts.items())))
    assert tried == 50
    assert len(seen) == 1
    assert quick == []


@pytest.mark.attack("T04")
def test_corrupt_blobs_look_alike(world: World, device: Device) -> None:
    """Wrong hash, wrong length, wrong kind, another volume's: one exit code, one message, the same requests."""
    from tests.kit.hostile_server import on_frames  # noqa: PLC0415 -- one use

    def foreign(blobs: list[bytes]) -> list[bytes]:
        return [Sealer(forge.KEYS).seal_data(b"x" * 9).blob for _ in blobs]

    changes: list[Callable[[list[bytes]], list[bytes]]] = [
        foreign,
        lambda blobs: [blob[:-1] for blob in blobs],
        lambda blobs: [blob + b"\0" for blob in blobs],
        *(lambda blobs, at=at: [forge.flipped(blob, at) for blob in blobs] for at in (0, 3, 4, 35, 36, 60, 500)),
    ]
    seen = set()
    for change in changes:
        world.proxy.be_honest()
        world.proxy.forget()
        world.proxy.lie("POST", "/blobs$", on_frames(change))
        ran = device.mega("ls")
        seen.add((ran.code, ran.err, ran.out, tuple(world.proxy.paths)))
    assert len(seen) == 1


# --- parameters, candidates, challenges -------------------------------------------------------------------------------


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
        assert _is_refused(OPENERS["password slot"], slot)


@pytest.mark.attack("T08")
@pytest.mark.parametrize("committed_to", ["neither", "the first"])
def test_a_slot_for_two_candidate_passwords_opens_for_none_but_its_own(committed_to: str) -> None:
    """The ciphertext opens under both candidates' keys; the commitment is checked first and fits at most one."""
    candidates, context = [forge.fixed("candidate one"), forge.fixed("candidate two")], b"context"
    head = b"MGS\x01" + bytes([records.PASSWORD_SLOT, 0, 0, 0]) + forge.fixed("nonce", 24)
    commitment = mac(candidates[0], labels.RECORD_COMMIT, head + context) if committed_to == "the first" else bytes(32)
    clear = head + commitment
    sealing = [kdf(key, labels.RECORD_ENC) for key in candidates]
    raw = clear + two_key_aead(*sealing, head[8:], clear + context, 48)
    for key in sealing:
        assert ciphers.aead_open(raw[64:], clear + context, head[8:], key), "the attack itself works"

    refused = [key for key in candidates if _opens_not(key, context, raw)]
    assert refused == (candidates if committed_to == "neither" else candidates[1:])


@pytest.mark.attack("T08")
def test_a_slot_longer_than_its_layout_is_refused() -> None:
    """Rightly sealed, with 16 bytes more: room for another candidate's blocks."""
    from mega_cli.formats import slot as layout  # noqa: PLC0415 -- the private context of one layout

    context = layout._context("alice", ORIGIN, SALT, FLOOR)
    longer = records.seal_record(records.PASSWORD_SLOT, WRAP, context, bytes(32) + b"\0\0\0\1" + bytes(28))

    assert _is_refused(OPENERS["password slot"], longer)


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
        for layout in (root[:682], idcert[:-128], nonce):
            assert not any(_verifies(seed, label, layout, signature) for label in labels.ALL)


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


@pytest.mark.attack("T04")
@pytest.mark.usefixtures("quick")
def test_a_refused_login_is_not_tried_again(world: World, tmp_path: Path) -> None:
    """Sessions that the server ends on purpose buy it no further proofs: one login message, exit 12."""
    world.proxy.lie("POST", LOGIN, refusal("login_refused", 401))

    assert mega_login(world, tmp_path / "home")[0] == 12
    assert world.proxy.paths.count("POST login") == 1


# --- small tools ------------------------------------------------------------------------------------------------------


def _is_refused(opener: Callable[[bytes], object], raw: bytes, kind: type[MegaError] = IntegrityError) -> bool:
    try:
        opener(raw)
    except kind:
        return True
    return False


def _opens_not(key: bytes, context: bytes, raw: bytes) -> bool:
    return _is_refused(lambda sealed: records.open_record(records.PASSWORD_SLOT, key, context, sealed, 128), raw)


def _verifies(seed: bytes, context: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify(public_key(seed), context, message, signature)
    except IntegrityError:
        return False
    return True


def _sign_login(seed: bytes, statement: bytes) -> bytes:
    """Sign as the client does."""
    from mega_cli.crypto.signing import sign  # noqa: PLC0415 -- beside its use

    return sign(seed, labels.SIGN_LOGIN, statement[16:])


def _count(monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], name: str, function: str) -> None:
    """Count the calls of one function of libsodium's bindings."""
    real = getattr(nacl.bindings, function)

    def counted(*arguments: object) -> object:
        counts[name] += 1
        return real(*arguments)

    monkeypatch.setattr(nacl.bindings, function, counted)


def _transcript(world: World) -> tuple[bytes, ...]:
    """Give every request of a login, without the proof: its nonces are random."""
    calls = world.proxy.calls
    kept = [[pair for pair in call.headers if pair[0] != "X-Mega-Proof"] for call in calls]
    return tuple(
        f"{call.method} {call.path} {headers}".encode() + call.body for call, headers in zip(calls, kept, strict=True)
    )
