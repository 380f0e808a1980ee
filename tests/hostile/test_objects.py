"""Objects: bytes that were flipped, swapped, made up or blown up (T30, T35, T36, T40)."""

from __future__ import annotations

import hashlib
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from mega_cli.crypto import ciphers
from mega_cli.crypto.blobs import object_key, open_blob, seal_blob
from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.labels import BLOB_COMMIT, BLOB_ENC
from mega_cli.errors import IntegrityError, PolicyError
from mega_cli.formats import object as objects
from mega_cli.formats.lists import decode_list
from mega_cli.formats.object import Sealer, encode_payload, open_object
from mega_cli.formats.page import decode_page
from mega_cli.model import DATA, PAGE, Ref, blob_id
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import on_frames
from tests.kit.two_key_box import two_key_box

SEALER = Sealer(forge.KEYS)
DATA_OBJECT = SEALER.seal_data(forge.fixed("plain", 900))
KINDS = {
    "data": DATA_OBJECT,
    "list": SEALER.seal_list([DATA_OBJECT.ref] * 3),
    "page": SEALER.seal_page(forge.page_of([forge.entry("a")])),
}
VERSION_AT = 3


@pytest.mark.attack("T30")
@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_byte_opens(kind: str) -> None:
    """Every byte of one blob of each kind, under its own ref."""
    blob, ref = KINDS[kind]
    opened = [at for at in range(len(blob)) if not _is_refused(forge.flipped(blob, at), ref)]

    assert opened == []


@pytest.mark.attack("T30")
@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_byte_opens_under_an_id_of_its_own(kind: str) -> None:
    """A writer and the server together may name the damaged bytes by their hash: commitment and box still hold.

    Byte 3 is the version: another one is refused as a policy, exit 17.
    """
    blob, ref = KINDS[kind]
    opened = []
    for at in range(len(blob)):
        damaged = forge.flipped(blob, at)
        own = Ref(blob_id(hashlib.sha256(damaged).digest()), ref.key, ref.kind, ref.plain_len)
        if not _is_refused(damaged, own, PolicyError if at == VERSION_AT else IntegrityError):
            opened.append(at)

    assert opened == []


@pytest.mark.attack("T30")
def test_a_reader_and_the_server_cannot_replace_a_blob() -> None:
    """Who may read knows the key and can seal other bytes under it; the id is what stops them."""
    _, ref = DATA_OBJECT
    other = encode_payload(DATA, forge.fixed("other", 900), compress=False)
    forged, own_id = seal_blob(other, ref.key)

    assert open_object(forged, Ref(own_id, ref.key, DATA, 900)) == forge.fixed("other", 900)
    assert _is_refused(forged, ref)


@pytest.mark.attack("T30")
@pytest.mark.parametrize("position", range(4))
def test_a_flipped_byte_on_the_wire_is_exit_14(world: World, device: Device, tmp_path: Path, position: int) -> None:
    """A random byte of whichever blob a get asks for: exit 14, and no file under its final name (I2, I3)."""
    draw = random.Random(position)

    def flip(blobs: list[bytes]) -> list[bytes]:
        at = draw.randrange(len(blobs))
        return [forge.flipped(b, draw.randrange(len(b))) if n == at else b for n, b in enumerate(blobs)]

    world.proxy.lie("POST", "/blobs$", on_frames(flip))
    ran = device.mega("get", "three.bin", str(tmp_path))

    assert ran.code == 14
    assert sorted(path.name for path in tmp_path.iterdir()) == ["device"]
    assert world.proxy.paths == ["GET head", "POST blobs"], "nothing is asked again, or sent, after it (I4)"


@pytest.mark.attack("T35")
def test_a_blob_that_opens_under_two_keys_is_for_one_reader() -> None:
    """The box alone opens for both; the commitment in the blob, which the id covers, lets one of them in."""
    first, second = forge.fixed("first ck"), forge.fixed("second ck")
    payload = encode_payload(DATA, forge.fixed("plain", 400), compress=False)
    box = two_key_box(kdf(first, BLOB_ENC), kdf(second, BLOB_ENC), payload, 256)
    blob = b"MGB\x01" + kdf(first, BLOB_COMMIT) + box
    assert ciphers.box_open(blob, 36, kdf(second, BLOB_ENC)), "the attack itself works"

    id_ = blob_id(hashlib.sha256(blob).digest())
    assert len(open_object(blob, Ref(id_, first, DATA, 400))) == 400
    with pytest.raises(IntegrityError):
        open_blob(blob, id_, second, most_bytes=1 << 20)


@pytest.mark.attack("T36")
def test_no_two_payloads_of_one_file_share_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw, level 1 and level 9 of the same bytes: three payloads, three keys, three ids."""
    plain = b"".join(b"%d lines of the same file\n" % n for n in range(4_000))
    sealed = [Sealer(forge.KEYS, compress=False).seal_data(plain), Sealer(forge.KEYS).seal_data(plain)]
    monkeypatch.setattr(objects, "_compress", zstandard.ZstdCompressor(level=9).compress)
    sealed.append(Sealer(forge.KEYS).seal_data(plain))

    assert all(open_object(*one) == plain for one in sealed)
    assert len({one.ref.key for one in sealed}) == len({one.ref.id for one in sealed}) == 3


@pytest.mark.attack("T36")
def test_equal_small_contents_share_nothing() -> None:
    """Below 64 KiB, and for pages, the key is drawn: equal bytes never meet under one key."""
    sealed = [SEALER.seal_data(b"same"), SEALER.seal_data(b"same")]

    assert len({one.ref.key for one in sealed}) == 2


BOMBS = {
    "10 MiB that spell 10 GiB": "b''.join([zstandard.ZstdCompressor().compress(bytes(64 << 20))] * 160)[:4 << 20]",
    "a frame that says 10 GiB": "zstd_frame(10 << 30)",
    "a whole frame of half a GiB": "whole_frame(512 << 20)",
    "a frame that does not say": "zstandard.ZstdCompressor(write_content_size=False).compress(bytes(64 << 20))",
}
_BOMB = """
import resource, struct, sys, zstandard
from mega_cli.errors import IntegrityError
from mega_cli.formats.object import open_object, payload_bytes
from tests.kit import forge

def zstd_frame(size):
    return b"\\x28\\xb5\\x2f\\xfd\\xe0" + struct.pack("<Q", size) + b"\\x01\\x00\\x00"

def whole_frame(size):
    packer, zeros = zstandard.ZstdCompressor().compressobj(size=size), bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(size >> 20)) + packer.flush()

stored = {stored}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
blob, ref = forge.sealed(forge.payload_of(1, 1, stored, {plain_len}), 1, {plain_len})
try:
    open_object(blob, ref)
    print("opened")
except IntegrityError:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print("refused" if grown < 100 * 1024 else f"took {{grown}} KiB")
"""


@pytest.mark.attack("T40")
@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("plain_len", [4 << 20, 2**32 - 1])
def test_a_decompression_bomb_is_refused_in_little_memory(bomb: str, plain_len: int) -> None:
    """Whatever the frame or the payload claims, no more than a chunk is ever allocated."""
    code = _BOMB.format(stored=BOMBS[bomb], plain_len=plain_len)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout.strip(), done.stderr) == ("refused", "")


@pytest.mark.attack("T40")
@pytest.mark.parametrize(
    "raw",
    [
        b"\x93\x01\x00\xdd\xff\xff\xff\xff",
        b"\x93\x01\x00" + b"\x91" * 10_000,
        b"\x93\x01\x00" + b"\xdf\xff\xff\xff\xff",
        b"\x93\x01\x00\x91\xdb\xff\xff\xff\xff",
        b"\x93\x01\x00\x91" + b"\x9b" + b"\xa1a" + b"\x81\x00" * 10_000,
    ],
    ids=["2^32 items", "depth 10,000", "2^32 keys", "a name of 4 GiB", "nested maps"],
)
def test_a_page_that_claims_too_much_is_refused(raw: bytes) -> None:
    """Counts, lengths and depths that no page of 64 KiB can hold."""
    with pytest.raises(IntegrityError):
        decode_page(raw)


@pytest.mark.attack("T40")
def test_a_page_or_list_beyond_its_limit_is_refused() -> None:
    """A page over 65,536 bytes and a list over 12,000 refs, sealed rightly, stay closed."""
    many = [forge.entry(f"{n:05}") for n in range(1_000)]
    with pytest.raises(IntegrityError):
        decode_page(forge.page_of(many))

    ref = KINDS["data"].ref
    with pytest.raises(IntegrityError):
        decode_list(ref.pack() * 12_001, Ref(ref.id, ref.key, 2, 12_001 * ref.plain_len))


@pytest.mark.attack("T40")
def test_a_blob_larger_than_its_kind_is_refused_before_it_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's ref never makes a reader hash or open four megabytes."""
    big, ref = forge.sealed(bytes(1 << 20), PAGE, 100)
    monkeypatch.setattr(ciphers, "box_open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(IntegrityError):
        open_object(big, ref)


@pytest.mark.attack("T40")
def test_a_frame_longer_than_any_blob_ends_the_answer(world: World, device: Device) -> None:
    """A length field of almost 4 GiB is refused when it is read, not when it is filled."""
    world.proxy.lie("POST", "/blobs$", lambda _c, f: f().__class__(200, f().headers, struct.pack(">I", 0xFFFFFFF0)))

    assert device.mega("ls").code == 14


def _is_refused(blob: bytes, ref: Ref, kind: type[Exception] = IntegrityError) -> bool:
    """Tell whether opening ends with exactly this error."""
    try:
        open_object(blob, ref)
    except kind:
        return True
    return False


def test_object_key_depends_on_every_byte() -> None:
    """The key of a payload is a hash of all of it: padding and header included."""
    payload = encode_payload(DATA, b"x", compress=False)
    keys = {object_key(forge.flipped(payload, at), b"s" * 32) for at in range(len(payload))}

    assert len(keys) == len(payload)
