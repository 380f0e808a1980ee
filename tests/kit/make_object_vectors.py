"""Vectors of objects and of what they hold: blobs, payloads, lists, pages."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from mega_cli.crypto import labels
from mega_cli.crypto.blobs import MAGIC
from mega_cli.crypto.kdf import kdf
from mega_cli.formats import page
from mega_cli.formats.object import encode_payload, padme
from mega_cli.model import DATA, LIST, MIB, PAGE, Ref, blob_id
from tests.kit.forge import VOLUME_FIELDS, entry, fixed, flipped, page_of, payload_of, ref_for, sealed
from tests.kit.two_key_box import two_key_box
from tests.kit.vectors import Vector


def seal_object_vectors() -> Iterator[Vector]:
    """Sealing with fixed randomness: the rules for keys, padding and compression."""
    base = VOLUME_FIELDS | {"expect": "ok", "compress": True, "kind": "data", "random": [fixed("random").hex()]}
    text, noise = b"to be or not to be, that is the question\n".hex(), b"noise".hex()
    yield base | {"comment": "one byte", "plain": "00"}
    yield base | {"comment": "500 bytes fit the smallest payload raw", "pattern": text, "size": 500}
    yield base | {"comment": "501 bytes are compressed", "pattern": text, "size": 501}
    yield base | {"comment": "noise below 64 KiB: raw, random key", "shake": noise, "size": 65_535}
    yield base | {"comment": "noise of 64 KiB: key from S", "shake": noise, "size": 65_536, "random": []}
    yield base | {"comment": "text of 256 KiB: sampled, compressed", "pattern": text, "size": 262_144, "random": []}
    yield base | {"comment": "noise of 4 MiB: sampled, raw", "shake": noise, "size": 4 * MIB, "random": []}
    yield base | {"comment": "text, compression off", "pattern": text, "size": 70_000, "random": [], "compress": False}
    yield base | {"comment": "a page", "plain": page_of([entry("a")]).hex(), "kind": "page"}
    yield base | {"expect": "value", "comment": "empty data", "plain": ""}
    yield base | {"expect": "value", "comment": "data of 4 MiB and one byte", "pattern": text, "size": 4 * MIB + 1}


def object_vectors() -> Iterator[Vector]:
    """Make a good object, and every step of the read order failing."""

    def vector(comment: str, blob: bytes, ref: Ref, expect: str = "integrity") -> Vector:
        return {"comment": comment, "expect": expect, "blob": blob.hex(), "ref": ref.pack().hex()}

    plain = b"hello" * 200
    packed = zstandard.ZstdCompressor(level=1).compress(plain)
    size = len(plain)
    blob, ref = sealed(encode_payload(DATA, plain, compress=True), DATA, size)
    yield vector("data, compressed", blob, ref, "ok")
    yield vector("data, raw", *sealed(encode_payload(DATA, plain, compress=False), DATA, size), expect="ok")
    yield vector("a list: the ref counts the file's bytes", *sealed(payload_of(0, LIST, b"x" * 80, 80), LIST, 7), "ok")
    for at, what in ((3, "version"), (5, "commitment"), (40, "tag"), (100, "ciphertext")):
        yield vector(f"a flipped bit in the {what}: the id is checked first", flipped(blob, at), ref)
    yield vector("cut", blob[:-1], ref)
    yield vector("another blob that is whole", sealed(payload_of(0, DATA, b"other", 5))[0], ref)
    newer = MAGIC[:3] + b"\x02" + blob[4:]
    yield vector(
        "a version to come", newer, Ref(blob_id(hashlib.sha256(newer).digest()), ref.key, DATA, size), "policy"
    )
    yield vector("the ref's key is wrong", blob, Ref(ref.id, fixed("wrong"), DATA, size))
    yield vector("the ref says page", blob, Ref(ref.id, ref.key, PAGE, size))
    yield vector("the ref says another length", blob, Ref(ref.id, ref.key, DATA, size + 1))
    cases = {
        "unknown codec": payload_of(2, DATA, plain, size),
        "unknown kind": payload_of(0, 4, plain, size),
        "reserved bytes": payload_of(0, DATA, plain, size, zero=1),
        "padding that is not zero": payload_of(0, DATA, plain, size)[:-1] + b"\x01",
        "padding one step too long": payload_of(0, DATA, plain, size, padme(padme(12 + size) + 1)),
        "no padding": payload_of(0, DATA, plain, size, 12 + size),
        "raw, and the lengths differ": payload_of(0, DATA, plain, size - 1),
        "stored_len beyond the payload": struct.pack(">BBHII", 0, DATA, 0, 5000, 5000).ljust(1024, b"\0"),
        "zstd that gives more than plain_len": payload_of(1, DATA, packed, size - 1),
        "zstd that gives less than plain_len": payload_of(1, DATA, packed, size + 1),
        "zstd with bytes after the frame": payload_of(1, DATA, packed + b"\0", size),
        "zstd frame cut": payload_of(1, DATA, packed[:-1], size),
        "no zstd at all": payload_of(1, DATA, b"\0" * 20, size),
        "zstd frame without a content size": payload_of(
            1, DATA, zstandard.ZstdCompressor(write_content_size=False).compress(plain), size
        ),
        "zstd frame that claims 2^62 bytes": payload_of(
            1, DATA, b"\x28\xb5\x2f\xfd\xe0" + (1 << 62).to_bytes(8, "little"), size
        ),
        "data above 4 MiB": payload_of(1, DATA, zstandard.ZstdCompressor().compress(bytes(4 * MIB + 1)), 4 * MIB + 1),
        "empty": payload_of(0, DATA, b"", 0),
        "a payload shorter than 512 bytes": payload_of(0, DATA, b"x", 1, 64),
    }
    for comment, payload in cases.items():
        plain_len = struct.unpack_from(">I", payload, 8)[0]
        yield vector(comment, *sealed(payload, DATA, plain_len))


def blob_vectors() -> Iterator[Vector]:
    """One box under two keys: the commitment names one of them."""
    first, second = fixed("first ck"), fixed("second ck")
    message = payload_of(0, DATA, b"invoice: 10 EUR\n" * 40, 640)
    box = two_key_box(kdf(first, labels.BLOB_ENC), kdf(second, labels.BLOB_ENC), message, 256)
    blob = MAGIC + kdf(first, labels.BLOB_COMMIT) + box
    id_ = hashlib.sha256(blob).hexdigest()
    yield {"comment": "a box made to open under two keys; the committed one opens", "expect": "ok",
           "blob": blob.hex(), "id": id_, "ck": first.hex()}  # fmt: skip
    yield {"comment": "the other key opens the same box, and the commitment refuses it", "expect": "integrity",
           "blob": blob.hex(), "id": id_, "ck": second.hex()}  # fmt: skip


def list_vectors() -> Iterator[Vector]:
    """Make lists, and what they may not hold."""
    one, two = ref_for("one", DATA, 300_000), ref_for("two", DATA, 5)
    child = ref_for("child", LIST, 300_005)

    def vector(comment: str, refs: list[Ref], plain_len: int, expect: str = "integrity", **more: Any) -> Vector:
        raw = b"".join(ref.pack() for ref in refs).hex()
        return {
            "comment": comment,
            "expect": expect,
            "raw": raw,
            "ref": ref_for("l", LIST, plain_len).pack().hex(),
        } | more

    yield vector("two chunks", [one, two], 300_005, "ok")
    yield vector("a list of lists", [child], 300_005, "ok")
    yield vector("the sum is wrong", [one, two], 300_006)
    yield vector("empty", [], 0)
    yield vector("two kinds", [one, child], 600_005)
    yield vector("a page", [ref_for("p", PAGE, 5)], 5)
    yield vector("an empty chunk", [one, ref_for("none", DATA, 0)], 300_000)
    yield vector("a child list that is not full", [one, two], 300_005, must_be_full=True)
    yield vector("12,000 refs", [two], 60_000, "ok", repeat=12_000, must_be_full=True)
    yield vector("12,001 refs", [two], 60_005, repeat=12_001)
    good = vector("", [one], 300_000)
    yield good | {"comment": "81 bytes", "raw": good["raw"] + "00"}
    yield good | {"comment": "a flag", "raw": flipped(one.pack(), 65).hex()}
    yield good | {"comment": "reserved bytes", "raw": flipped(one.pack(), 70).hex()}


def page_vectors() -> Iterator[Vector]:
    """Pages and what they may not be."""

    def vector(comment: str, raw: bytes, expect: str = "integrity", **more: Any) -> Vector:
        return {"comment": comment, "expect": expect, "raw": raw.hex()} | more

    data, leaf = ref_for("data", DATA, 300_000), ref_for("leaf", PAGE, 1000)
    large = entry("b", size=300_000, refs=data.pack())
    folder = entry("c", kind="d", digest=b"", refs=leaf.pack())
    link = entry("d", kind="l", digest=b"", target="../x")
    good = page_of([entry("a"), large, folder, link])
    index = page_of([page.IndexItem("a", leaf.pack()), page.IndexItem("m", leaf.pack())], 1)
    yield vector("file, file, folder, link", good, "ok")
    yield vector("within its bounds", good, "ok", first="a", below="e")
    yield vector("the first name is not the index key", good, first="A")
    yield vector("a name not below the next key", good, below="d")
    yield vector("an index page", index, "ok", first="a", below="z")
    yield vector("an unknown kind survives", page_of([entry("a", kind="s", target="x")]), "ok")
    yield vector("unknown ext keys survive", page_of([entry("a", ext={1: b"raw", 900: b"later"})]), "ok")
    yield vector("a version to come", page_of([entry("a")], version=2), "policy")
    yield vector("a first byte alone", good[:1])
    yield vector("trailing bytes", good + b"\0")
    yield vector("empty", page_of([]))
    yield vector("an index page of one, as below a root", page_of([page.IndexItem("a", leaf.pack())], 1), "ok")
    yield vector("level 8", page_of([page.IndexItem("a", leaf.pack()), page.IndexItem("m", leaf.pack())], 8))
    yield vector("unsorted", page_of([entry("b"), entry("a")]))
    yield vector("a name twice", page_of([entry("a"), entry("a")]))
    yield vector("unsorted ext keys", page_of([entry("a", ext={900: b"", 1: b""})]))
    yield vector("an integer written longer than needed", good.replace(b"\xcd\x01\xa4", b"\xce\x00\x00\x01\xa4", 1))
    yield vector("an entry with a twelfth field", page_of([[*msgspec.structs.astuple(entry("a")), 0]]))
    yield vector("an entry of ten fields", page_of([list(msgspec.structs.astuple(entry("a")))[:10]]))
    for name in ("", ".", "..", "a/b", "a\0b", "e\u0301", "x" * 256):
        yield vector(f"the name {name[:4]!r} ({len(name)} characters)", page_of([entry(name)]))
    bad: dict[str, Any] = {
        "a short node_id": {"node_id": bytes(15)},
        "a mode of 13 bits": {"mode": 0o10000},
        "a negative size": {"size": -1},
        "a size without refs": {"size": 1},
        "a file without a digest": {"digest": b""},
        "a file with a target": {"target": "x"},
        "five chunks": {"size": 1_500_000, "refs": data.pack() * 5},
        "a file that refers to a page": {"size": 1000, "refs": leaf.pack()},
        "a ref with a flag": {"size": 300_000, "refs": flipped(data.pack(), 65)},
        "79 bytes of refs": {"size": 300_000, "refs": data.pack()[:79]},
        "a folder with a digest": {"kind": "d"},
        "a folder that refers to data": {"kind": "d", "digest": b"", "refs": data.pack()},
        "a link without a target": {"kind": "l", "digest": b""},
        "no kind": {"kind": ""},
        "an item of more than 32,000 bytes": {"ext": {9: bytes(32_000)}},
    }
    for comment, changes in bad.items():
        yield vector(comment, page_of([entry("a", **changes)]))
    yield vector(
        "a page of more than 65,536 bytes", page_of([entry(f"{n:04}", ext={9: bytes(9000)}) for n in range(8)])
    )
    data_index = [page.IndexItem("a", data.pack()), page.IndexItem("m", data.pack())]
    yield vector("an index item that refers to data", page_of(data_index, 1))
