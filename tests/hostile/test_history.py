"""Histories: old heads, forks, gaps, other volumes' heads, commits that were never made (T13, T20, T21, T23 to T26)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.crypto import labels, randomness
from mega_cli.crypto.keys import MasterKeys, VolumeKeys
from mega_cli.crypto.root import seal_root_body
from mega_cli.crypto.signing import sign
from mega_cli.errors import IntegrityError, RollbackError
from mega_cli.formats.root_record import (
    NO_PREV,
    RootBody,
    _encode_body,
    open_root_record,
    record_header,
    seal_root_record,
)
from mega_cli.model import Secret, VolumeId
from mega_cli.volume.session import VolumeSession
from mega_server.protocol.packs import blob_spans
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import Answer, Call, Forward, instead, on_body, refusal
from tests.kit.volume_forge import record_after

HEAD, RECORDS, COMMITS = "/head$", "/records", "/commits$"
WRITES = {"POST packs", "POST commits", "POST accounts"}


@pytest.fixture
def volume(device: Device) -> Iterator[VolumeSession]:
    """Open the clone's volume."""
    with device.volume() as session:
        session.head()
        yield session


def mkdir(device: Device, name: str) -> bytes:
    """Commit something; give the head it made."""
    assert device.mega("mkdir", f"/{name}").code == 0
    with device.volume() as session:
        return session.client.head(session.keys.volume)


# --- empty, old, forked -----------------------------------------------------------------------------------------------


@pytest.mark.attack("T13")
@pytest.mark.parametrize("is_fresh", [False, True], ids=["pinned", "fresh"])
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (refusal("not_found", 404), 15),
        (instead(b""), 14),
        (instead(bytes(746)), 14),
        (on_body(lambda record: record[:24] + bytes(8) + record[32:]), 14),
    ],
    ids=["404", "empty", "zeros", "revision 0"],
)
def test_an_account_that_exists_is_never_empty(
    world: World, device: Device, tmp_path: Path, lie: object, code: int, *, is_fresh: bool
) -> None:
    """The client refuses and makes nothing anew: no upload, no commit, nothing changed on the disk."""
    if is_fresh:
        device.without_pin()
    (tmp_path / "file").write_bytes(b"content")
    world.proxy.lie("GET", HEAD, lie)  # type: ignore[arg-type]  # parametrised
    for words in (("ls",), ("put", str(tmp_path / "file"), "/"), ("get", "/", str(tmp_path / "out"))):
        assert device.mega(*words).code == code
    assert not WRITES.intersection(world.proxy.paths)
    assert not (tmp_path / "out").exists()


@pytest.mark.attack("T13")
def test_a_known_device_is_not_shown_the_first_revision(world: World, device: Device) -> None:
    """The empty record that signup made is a rollback for whoever has seen more."""
    with device.volume() as session:
        first = session.client.records(session.keys.volume, 1, 1)[0]
    world.proxy.lie("GET", HEAD, instead(first))

    assert device.mega("ls").code == 15


@pytest.mark.attack("T20")
def test_each_of_the_last_five_heads_is_a_rollback(world: World, device: Device) -> None:
    """Exit 15, the pin stays, and nothing but the head was asked for."""
    heads = [mkdir(device, f"t20-{n}") for n in range(6)]
    with device.volume() as session:
        pinned = session.pin()
    for old in heads[:-1]:
        world.proxy.be_honest()
        world.proxy.forget()
        world.proxy.lie("GET", HEAD, instead(old))
        assert device.mega("ls").code == 15
        assert device.mega("rm", "/t20-0").code == 15
        assert set(world.proxy.paths) == {"GET head"}
    with device.volume() as session:
        assert session.pin() == pinned


@pytest.mark.attack("T21")
def test_two_histories_cannot_be_joined(world: World, device: Device, tmp_path: Path) -> None:
    """Two devices are shown two histories; their states differ, and the first record across is exit 15."""
    other = device.copy(tmp_path / "other")
    with other.volume() as session:
        head = session.head()
        assert head.body.root is not None
        fork = record_after(session, head, head.body.root)
    real = mkdir(device, "t21")
    words_here = device.mega("state").out.splitlines()[2]
    world.proxy.lie("GET", HEAD, instead(fork))
    words_there = other.mega("state").out.splitlines()[2]
    assert words_here.startswith(b"words")
    assert words_here != words_there

    assert device.mega("ls").code == 15, "the fork, shown to the first device"
    world.proxy.be_honest()
    world.proxy.lie("GET", HEAD, instead(real))
    assert other.mega("ls").code == 15, "the real head, shown to the second"


@pytest.mark.attack("T21")
def test_a_fork_that_goes_on_is_still_a_fork(volume: VolumeSession) -> None:
    """A longer history on the other branch does not descend from the pin either."""
    head = volume.head()
    assert head.body.root is not None
    first, second = (record_after(volume, head, head.body.root) for _ in range(2))
    volume.accept(first, volume.pin())
    digest = record_header(second).digest
    third = seal_root_record(volume.keys, head.revision + 2, digest, replace(head.body, device_seq=9))
    volume.client.records = lambda *_: [second]  # type: ignore[method-assign]  # a server that shows the other branch
    with pytest.raises(RollbackError):
        volume.accept(third, volume.pin())


# --- the chain --------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(device: Device, tmp_path: Path) -> tuple[VolumeSession, list[bytes]]:
    """Three records that a clone has not seen; the last is the head."""
    behind = device.copy(tmp_path / "behind").volume()
    since = behind.head().revision
    for n in range(3):
        mkdir(device, f"{tmp_path.name[-20:]}-{n}")
    return behind, behind.client.records(behind.keys.volume, since + 1, since + 3)


def refused(behind: VolumeSession, shown: list[bytes], head: bytes) -> bool:
    """Show a run of records and a head; tell whether it is a rollback and the pin stays."""
    behind.client.records = lambda *_: shown  # type: ignore[method-assign]  # the server's answer
    pinned = behind.pin()
    try:
        behind.accept(head, pinned)
    except RollbackError:
        return behind.pin() == pinned
    return False


@pytest.mark.attack("T23")
def test_every_record_between_pin_and_head_is_followed(chain: tuple[VolumeSession, list[bytes]]) -> None:
    """Gaps, repeats, other orders, too many and too few are exit 15; the honest run is accepted."""
    behind, (first, second, head) = chain
    with behind:
        for shown in ([], [first], [second], [second, first], [first, first], [first, second, head], [head, head]):
            assert refused(behind, shown, head)
        behind.client.records = lambda *_: [first, second]  # type: ignore[method-assign]  # as above
        assert behind.accept(head, behind.pin()).revision == record_header(head).revision


@pytest.mark.attack("T23")
def test_no_byte_of_a_record_in_the_chain_can_be_changed(chain: tuple[VolumeSession, list[bytes]]) -> None:
    """All 746 bytes but the version: the next record's hash covers them, signatures need not be checked."""
    behind, (first, second, head) = chain
    with behind:
        passed = [at for at in range(4, 746) if not refused(behind, [first, forge.flipped(second, at)], head)]
        passed += [at for at in range(4, 746) if not refused(behind, [forge.flipped(first, at), second], head)]
    assert passed == []


@pytest.mark.attack("T23")
def test_a_history_that_skips_a_number_is_refused(volume: VolumeSession) -> None:
    """Rightly signed and linked, but revision n + 2 follows n: no later reader could ask for what lies between."""
    head = volume.head()
    skipping = seal_root_record(volume.keys, head.revision + 2, head.digest, head.body)
    last = seal_root_record(volume.keys, head.revision + 3, record_header(skipping).digest, head.body)

    assert refused(volume, [skipping], last)
    assert refused(volume, [], skipping)


@pytest.mark.attack("T23")
def test_another_record_at_the_pinned_revision_is_a_fork(volume: VolumeSession) -> None:
    """Same revision, other hash."""
    head = volume.head()
    assert head.body.root is not None
    one, other = (record_after(volume, head, head.body.root) for _ in range(2))
    volume.accept(one, volume.pin())
    with pytest.raises(RollbackError):
        volume.accept(other, volume.pin())


@pytest.mark.attack("T23")
def test_a_head_must_name_the_record_before_it(volume: VolumeSession) -> None:
    """The next revision with another `prev`, rightly signed."""
    head = volume.head()
    record = seal_root_record(volume.keys, head.revision + 1, forge.fixed("prev"), head.body)
    with pytest.raises(RollbackError):
        volume.accept(record, volume.pin())


@pytest.mark.attack("T23")
@pytest.mark.parametrize("is_fresh", [False, True], ids=["pinned", "fresh"])
def test_a_revision_out_of_range_is_refused(world: World, device: Device, *, is_fresh: bool) -> None:
    """Revision 2^64 - 1, rightly signed, overflows nothing: exit 14."""
    with device.volume() as session:
        head = session.head()
        record = _signed(session.keys, (1 << 64) - 1, head.digest, head.body)
    if is_fresh:
        device.without_pin()
    world.proxy.lie("GET", HEAD, instead(record))

    assert device.mega("ls").code == 14


@pytest.mark.attack("T24")
def test_a_head_of_another_volume_epoch_or_account_is_refused(device: Device) -> None:
    """Rightly signed by keys of the same user, or of the same volume in another epoch: exit 14."""
    session = device.session
    keys = device.keys
    body = RootBody(forge.ref_for("root", 3, 100), 1, bytes(16), 1, bytes(16))
    later = MasterKeys(session.master_key, session.epoch + 1)
    same_secrets = VolumeKeys(Secret(forge.VK), VolumeId(forge.VOLUME), 1)
    same_secrets.root_enc, same_secrets.writer_seed = keys.root_enc, keys.writer_seed
    same_secrets.writer_public = keys.writer_public
    next_epoch = VolumeKeys(Secret(forge.VK), keys.volume, keys.epoch + 1)
    next_epoch.root_enc, next_epoch.writer_seed = keys.root_enc, keys.writer_seed
    next_epoch.writer_public = keys.writer_public
    for other in (forge.KEYS, later.volume_keys(), same_secrets, next_epoch):
        record = seal_root_record(other, 2, forge.fixed("prev"), body)
        with pytest.raises(IntegrityError):
            open_root_record(keys, record)
    assert open_root_record(keys, seal_root_record(keys, 2, forge.fixed("prev"), body))


@pytest.mark.attack("T24")
def test_the_head_of_another_account_is_refused(world: World, device: Device, bob: Device) -> None:
    """Bob's head, served to Alice: exit 14."""
    with bob.volume() as session:
        head = session.client.head(session.keys.volume)
    world.proxy.lie("GET", HEAD, instead(head))

    assert device.mega("ls").code == 14


# --- commits ----------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T25")
def test_a_commit_that_was_acknowledged_and_dropped_is_not_believed(world: World, device: Device) -> None:
    """The head is read again: exit 5, and the same command commits it later."""
    world.proxy.lie("POST", COMMITS, instead(b"", 201), times=1)
    ran = device.mega("mkdir", "/t25")
    assert (ran.code, b"t25" in device.mega("ls").out) == (5, False)
    assert "acknowledged" in ran.err

    assert device.mega("mkdir", "/t25").code == 0
    assert b"t25" in device.mega("ls").out


@pytest.mark.attack("T25")
def test_a_put_that_was_acknowledged_and_dropped_is_made_again(world: World, device: Device, tmp_path: Path) -> None:
    """Nothing that the lie confirmed is skipped the second time."""
    (tmp_path / "t25.bin").write_bytes(forge.fixed("t25", 90_000))
    world.proxy.lie("POST", COMMITS, instead(b"", 201), times=1)
    assert device.mega("put", str(tmp_path / "t25.bin"), "/").code == 5
    assert device.mega("put", str(tmp_path / "t25.bin"), "/").code == 0

    assert device.mega("cat", "/t25.bin").out == forge.fixed("t25", 90_000)


@pytest.mark.attack("T25")
def test_packs_that_were_acknowledged_and_dropped_are_sent_again(world: World, device: Device, tmp_path: Path) -> None:
    """The server says it stored a pack, and a commit finds that it did not: the files are read again."""
    (tmp_path / "t25b.bin").write_bytes(forge.fixed("t25b", 90_000))
    world.proxy.lie("POST", "/packs$", _acknowledge_pack, times=1)
    assert device.mega("put", str(tmp_path / "t25b.bin"), "/").code == 0

    assert device.mega("cat", "/t25b.bin").out == forge.fixed("t25b", 90_000)


@pytest.mark.attack("T25")
@pytest.mark.parametrize(("which", "code"), [("present", 0), ("old", 15), ("forged", 14)])
def test_false_conflicts(world: World, device: Device, which: str, code: int) -> None:
    """A conflict without a newer head is tried again; one that shows an old or a forged head is what it is."""
    present = mkdir(device, f"t25-{which}-before")
    with device.volume() as session:
        old = session.client.records(session.keys.volume, 2, 2)[0]
    head = {"present": present, "old": old, "forged": forge.flipped(present, 700)}[which]
    world.proxy.lie("POST", COMMITS, refusal("head_moved", 409, head=head), times=3)

    assert device.mega("mkdir", f"/t25-{which}").code == code


# --- stripped and downgraded ------------------------------------------------------------------------------------------


@pytest.mark.attack("T26")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: r[:3] + b"\x00" + r[4:], 17),
        (lambda r: r[:3] + b"\xff" + r[4:], 17),
        (lambda r: r[:682] + bytes(64), 14),
        (lambda r: r[:682], 14),
        (lambda r: r[:666] + bytes(16) + r[682:], 14),
        (lambda r: r[:120] + bytes(32) + r[152:], 14),
        (lambda r: r[:64] + bytes(32) + r[96:], 14),
        (lambda r: r[:152] + bytes(2) + r[154:], 14),
    ],
    ids=["version 0", "version 255", "zero signature", "no signature", "zero tag", "no commitment", "no key", "empty"],
)
@pytest.mark.parametrize("is_fresh", [False, True], ids=["pinned", "fresh"])
def test_a_stripped_head_is_refused(world: World, device: Device, change: object, code: int, *, is_fresh: bool) -> None:
    """Missing proof is never an older format that may pass."""
    if is_fresh:
        device.without_pin()
    world.proxy.lie("GET", HEAD, on_body(change))  # type: ignore[arg-type]  # parametrised

    assert device.mega("ls").code == code


@pytest.mark.attack("T26")
def test_a_record_for_newer_readers_is_refused(world: World, device: Device) -> None:
    """`min_reader` rises inside the signed body only, and then this client stops: exit 17."""
    with device.volume() as session:
        head = session.head()
        record = _signed(session.keys, head.revision + 1, head.digest, replace(head.body, min_reader=2))
    world.proxy.lie("GET", HEAD, instead(record))

    assert device.mega("ls").code == 17


@pytest.mark.attack("T26")
@pytest.mark.parametrize("at", [*range(120, 152), 153, 154, 400, 681])
def test_signed_bytes_are_opened_only_with_their_commitment_and_tag(at: int) -> None:
    """Damage below a right signature, as a careless writer would make it, is refused."""
    keys, body = forge.KEYS, RootBody(None, 1, bytes(16), 1, bytes(16))
    record = forge.flipped(seal_root_record(keys, 1, NO_PREV, body), at)
    signed = record[:682] + sign(keys.writer_seed, labels.SIGN_ROOT, record[:682])
    with pytest.raises(IntegrityError):
        open_root_record(keys, signed)


def _signed(keys: VolumeKeys, revision: int, prev: bytes, body: RootBody) -> bytes:
    """Seal and sign a record that `seal_root_record` might refuse to write."""
    fields = (b"MGR\x01", keys.volume, keys.epoch, revision, prev, keys.writer_public, randomness.random_bytes(24))
    clear = struct.pack(">4s16sIQ32s32s24s", *fields)
    unsigned = clear + seal_root_body(keys.root_enc, clear, _encode_body(body))
    return unsigned + sign(keys.writer_seed, labels.SIGN_ROOT, unsigned)


def _acknowledge_pack(call: Call, _forward: Forward) -> Answer:
    """Say that a pack is stored, with the right hash of its ids, and drop it."""
    ids = b"".join(hashlib.sha256(call.body[at : at + length]).digest() for at, length in blob_spans(call.body))
    return Answer(201, (("X-Mega-Version", "1"),), hashlib.sha256(ids).digest())
