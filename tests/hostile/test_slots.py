"""Logins: mauled, spliced and made-up slots, and no difference between them to be observed (T01 to T04)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nacl.bindings
import pytest

from mega_cli.account.connection import connect, place_of
from mega_cli.account.login import prove
from mega_cli.crypto import records
from mega_cli.crypto.passwords import (
    CEILING,
    FLOOR,
)
from mega_cli.errors import IntegrityError, MegaError, PolicyError
from mega_cli.formats.idcert import encode_idcert, verify_idcert
from mega_cli.formats.object import Sealer, open_object
from mega_cli.formats.root_record import NO_PREV, RootBody, open_root_record, seal_root_record
from mega_cli.formats.slot import seal_password_slot, seal_recovery_slot
from mega_cli.model import DATA, LIST, PAGE, Network, Ref, Secret
from tests.hostile.conftest import World
from tests.hostile.logins import (
    LOGIN,
    OPENERS,
    ORIGIN,
    RECOVERY_WRAP,
    SALT,
    SLOTS,
    VERSION_AT,
    WRAP,
    is_refused,
    mega_login,
    with_slot,
)
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import instead, on_frames, on_json, refusal

# --- mauled slots -----------------------------------------------------------------------------------------------------


@pytest.mark.attack("T01")
@pytest.mark.parametrize("kind", SLOTS)
def test_no_mauled_byte_of_a_slot_passes(kind: str) -> None:
    """Every byte flipped, every length: all are refused. Byte 3 is the version, which is exit 17."""
    slot, opener = SLOTS[kind], OPENERS[kind]
    mauled = [forge.flipped(slot, at) for at in range(len(slot)) if at != VERSION_AT]
    mauled += [slot[:length] for length in range(len(slot))] + [slot + b"\0", slot * 2]

    assert [at for at, raw in enumerate(mauled) if not is_refused(opener, raw)] == []
    assert is_refused(opener, forge.flipped(slot, VERSION_AT), PolicyError)


@pytest.mark.attack("T01")
@pytest.mark.usefixtures("quick")
def test_mauled_slots_leave_one_transcript(world: World, tmp_path: Path) -> None:
    """Real logins with ten mauled slots: exit 14, and byte for byte the same requests but for the signed nonces."""
    transcripts = set()
    for n, at in enumerate([0, 4, 5, 8, 31, 32, 63, 64, 100, 127]):
        world.proxy.be_honest()
        world.proxy.forget()
        world.proxy.lie("POST", LOGIN, on_json(with_slot(partial(forge.flipped, at=at))))
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
    openers: dict[str, Callable[[bytes], object]] = {
        **OPENERS,
        "root record": lambda raw: open_root_record(forge.KEYS, raw),
        "idcert": verify_idcert,
        **{kind: partial(open_object, ref=ref) for kind, ref in refs.items()},
    }

    assert openers[reader](made[reader])
    for raw in [*(raw for kind, raw in made.items() if kind != reader), *foreign]:
        assert is_refused(openers[reader], raw)


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
        as_kind = Ref(ref.id, ref.key, kind, ref.plain_len)
        assert is_refused(partial(open_object, ref=as_kind), blob)


@pytest.mark.attack("T03")
@pytest.mark.parametrize("what", ["slot", "head", "blobs"])
@pytest.mark.usefixtures("quick")
def test_random_bytes_are_nothing(world: World, device: Device, tmp_path: Path, what: str) -> None:
    """Random bytes as slot, root record, page or data: exit 14, nothing listed, nothing fetched."""
    if what == "slot":
        for n, magic in enumerate((b"", b"MGS\x01\x01\0\0\0")):
            world.proxy.lie("POST", LOGIN, on_json(with_slot(partial(_noise, magic))))
            code, _, fresh = mega_login(world, tmp_path / f"home-{n}")
            assert (code, list(fresh.home.rglob("session.json"))) == (14, [])
        return
    if what == "head":
        world.proxy.lie("GET", "/head$", instead(b"MGR\x01" + os.urandom(742)))
    else:
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
    place = place_of("alice", world.proxy.url)
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
        client = connect(world.proxy.url, Network())
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

    def foreign(blobs: list[bytes]) -> list[bytes]:
        return [Sealer(forge.KEYS).seal_data(b"x" * 9).blob for _ in blobs]

    changes: list[Callable[[list[bytes]], list[bytes]]] = [
        foreign,
        lambda blobs: [blob[:-1] for blob in blobs],
        lambda blobs: [blob + b"\0" for blob in blobs],
        *(partial(_flip_all, at=at) for at in (0, 3, 4, 35, 36, 60, 500)),
    ]
    seen = set()
    for change in changes:
        world.proxy.be_honest()
        world.proxy.forget()
        world.proxy.lie("POST", "/blobs$", on_frames(change))
        ran = device.mega("ls")
        seen.add((ran.code, ran.err, ran.out, tuple(world.proxy.paths)))
    assert len(seen) == 1


@pytest.mark.attack("T04")
@pytest.mark.usefixtures("quick")
def test_a_refused_login_is_not_tried_again(world: World, tmp_path: Path) -> None:
    """Sessions that the server ends on purpose buy it no further proofs: one login message, exit 12."""
    world.proxy.lie("POST", LOGIN, refusal("login_refused", 401))

    assert mega_login(world, tmp_path / "home")[0] == 12
    assert world.proxy.paths.count("POST login") == 1


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


def _noise(magic: bytes, slot: bytes) -> bytes:
    """Give random bytes of a slot's length that begin as one."""
    return magic + os.urandom(len(slot) - len(magic))


def _flip_all(blobs: list[bytes], at: int) -> list[bytes]:
    """Change the same byte of each."""
    return [forge.flipped(blob, at) for blob in blobs]
