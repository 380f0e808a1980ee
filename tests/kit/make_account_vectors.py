"""Vectors of what belongs to an account and to a volume's head: passwords, slots, certificates, records, words."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any
from unittest import mock

from mega_cli.crypto import ciphers, labels, records, signing
from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.root import seal_root_body
from mega_cli.formats import idcert, recovery_kit, root_record, slot
from mega_cli.model import DATA, MIB, PAGE, KdfPolicy, Secret
from tests.kit.forge import ACCOUNT, KEYS, MASTER, ORIGIN, VOLUME_FIELDS, fixed, flipped, ref_for
from tests.kit.two_key_box import two_key_aead
from tests.kit.vectors import Vector


def password_vectors() -> Iterator[Vector]:
    """Argon2id at the floor, normal forms, and refused parameters."""
    base = {
        "expect": "ok",
        "algorithm": "argon2id",
        "passes": 3,
        "memory_bytes": 64 * MIB,
        "account_key": "",
        "password": "correct horse",
        "server_salt": fixed("server salt").hex(),
        "account": ACCOUNT,
        "origin": ORIGIN,
    }
    yield base | {"comment": "the floor"}
    yield base | {"comment": "with an account key", "account_key": fixed("account key").hex()}
    yield base | {"comment": "a composed letter", "password": "caf\u00e9"}
    yield base | {"comment": "the same letter decomposed gives the same keys", "password": "cafe\u0301"}
    refused = base | {"expect": "policy"}
    yield refused | {"comment": "too few passes", "passes": 2}
    yield refused | {"comment": "too many passes", "passes": 17}
    yield refused | {"comment": "too little memory", "memory_bytes": 64 * MIB - 1024}
    yield refused | {"comment": "too much memory", "memory_bytes": 1024 * MIB + 1024}
    yield refused | {"comment": "memory that is not whole KiB", "memory_bytes": 64 * MIB + 1}
    yield refused | {"comment": "another algorithm", "algorithm": "argon2i"}


def root_record_vectors() -> Iterator[Vector]:
    """Make records, and every check of `open_root_record` failing."""

    def vector(comment: str, record: bytes, expect: str = "integrity", **more: Any) -> Vector:
        return VOLUME_FIELDS | {"comment": comment, "expect": expect, "record": record.hex()} | more

    def body(**changes: Any) -> root_record.RootBody:
        fields: dict[str, Any] = {
            "root": ref_for("root", PAGE, 700),
            "time_ms": 1_700_000_000_000,
            "device_id": fixed("device", 16),
            "device_seq": 7,
            "commit_nonce": fixed("commit nonce", 16),
            "devices": ((fixed("laptop", 16), 3), (fixed("device", 16), 7)),
        }
        return root_record.RootBody(**(fields | changes))

    def seal(revision: int, prev: bytes, what: root_record.RootBody) -> bytes:
        with mock.patch("mega_cli.crypto.randomness.random_bytes", lambda n: fixed("root nonce", n)):
            return root_record.seal_root_record(KEYS, revision, prev, what)

    def force(clear: bytes, raw_body: bytes, seed: bytes = KEYS.writer_seed) -> bytes:
        unsigned = clear + seal_root_body(KEYS.root_enc, clear, raw_body)
        return unsigned + signing.sign(seed, labels.SIGN_ROOT, unsigned)

    prev = fixed("prev")
    first, second = seal(1, bytes(32), body(root=None)), seal(2, prev, body())
    plain = root_record._encode_body(body())
    clear = second[:120]
    yield vector("revision 1: an empty volume", first, "ok")
    yield vector("revision 2", second, "ok")
    fields = {0: "magic", 4: "volume", 23: "epoch", 31: "revision", 40: "prev", 70: "writer key", 100: "nonce"}
    sealed = {130: "commitment", 153: "body length", 200: "body", 700: "signature"}
    for at, what in (fields | sealed).items():
        yield vector(f"a flipped bit in the {what}", flipped(second, at))
    yield vector("a version to come", b"MGR\x02" + second[4:], "policy")
    yield vector("745 bytes", second[:-1])
    yield vector("747 bytes", second + b"\0")
    yield vector("another volume's keys", second, volume=fixed("elsewhere", 16).hex())
    yield vector("another epoch", second, epoch=2)
    yield vector("signed by another key", force(clear, plain, fixed("stranger")))
    yield vector("no root page at revision 2", force(clear, bytes(80) + plain[80:]))
    yield vector("a root page at revision 1", force(first[:120], plain))
    yield vector("a prev at revision 1", force(clear[:24] + (1).to_bytes(8, "big") + clear[32:], plain))
    yield vector("no prev at revision 2", force(clear[:32] + bytes(32) + clear[64:], plain))
    yield vector("the root is data", force(clear, ref_for("root", DATA, 700).pack() + plain[80:]))
    yield vector("a byte in the zeros", force(clear, plain[:-1] + b"\x01"))
    yield vector("16 devices", force(clear, plain[:130] + b"\x10" + plain[131:]))
    yield vector("a device twice", force(clear, plain[:131] + plain[131:155] * 2 + plain[179:]))
    yield vector("min_reader 2", force(clear, plain[:128] + b"\0\x02" + plain[130:]), "policy")


def slot_vectors() -> Iterator[Vector]:
    """Slots, what they are bound to, and the slot made for two passwords."""
    salt, key, policy = fixed("server salt"), fixed("wrap key"), KdfPolicy(3, 256 * MIB)
    mk = Secret(fixed("mk"))

    def vector(comment: str, raw: bytes, expect: str = "integrity", **more: Any) -> Vector:
        fields = {
            "type": 1, "wrap_key": key.hex(), "account": ACCOUNT, "origin": ORIGIN, "server_salt": salt.hex(),
            "passes": 3, "memory_bytes": 256 * MIB,
        }  # fmt: skip
        return {"comment": comment, "expect": expect, "slot": raw.hex()} | fields | more

    with mock.patch("mega_cli.crypto.randomness.random_bytes", lambda n: fixed("slot nonce", n)):
        good = slot.seal_password_slot(key, ACCOUNT, ORIGIN, salt, policy, mk, 1, 1_700_000_000_000)
        recovery = slot.seal_recovery_slot(key, ACCOUNT, ORIGIN, mk, 1, 1_700_000_000_000)
        context = slot._context(ACCOUNT, ORIGIN, salt, policy)
        flagged = records.seal_record(1, key, context, mk.reveal() + struct.pack(">IQI", 1, 0, 1))
        epochless = records.seal_record(1, key, context, mk.reveal() + struct.pack(">IQI", 0, 0, 0))
    yield vector("a password slot", good, "ok")
    yield vector("a recovery slot", recovery, "ok", type=2)
    yield vector("a recovery slot in the password's place", recovery)
    yield vector("a password slot in the recovery's place", good, type=2)
    yield vector("another account", good, account="alicia")
    yield vector("another origin", good, origin="https://evil.example")
    yield vector("a byte moved from the account to the origin", good, account="alic", origin="e" + ORIGIN)
    yield vector("another salt", good, server_salt=fixed("other").hex())
    yield vector("other passes", good, passes=4)
    yield vector("other memory", good, memory_bytes=64 * MIB)
    yield vector("a wrong key", good, wrap_key=fixed("wrong").hex())
    yield vector("a version to come", b"MGS\x02" + good[4:], "policy")
    yield vector("129 bytes", good + b"\0")
    yield vector("random bytes", fixed("noise", 128))
    for at, what in ((4, "type"), (6, "reserved bytes"), (10, "nonce"), (40, "commitment"), (70, "body"), (127, "tag")):
        yield vector(f"a flipped bit in the {what}", flipped(good, at))
    yield vector("flags that mean nothing yet", flagged)
    yield vector("epoch 0", epochless)
    other = fixed("second wrap key")
    clear = good[:64]
    box = two_key_aead(kdf(key, labels.RECORD_ENC), kdf(other, labels.RECORD_ENC), clear[8:32], clear + context, 48)
    assert ciphers.aead_open(box, clear + context, clear[8:32], kdf(other, labels.RECORD_ENC))
    yield vector("a ciphertext that opens under two keys: the uncommitted one", clear + box, wrap_key=other.hex())
    yield vector("a ciphertext that opens under two keys, and noise inside", clear + box)


def idcert_vectors() -> Iterator[Vector]:
    """Certificates."""

    def vector(comment: str, raw: bytes, expect: str = "integrity") -> Vector:
        return {"comment": comment, "expect": expect, "idcert": raw.hex()}

    def force(body: bytes, last: bytes = bytes(64)) -> bytes:
        return body + signing.sign(MASTER.identity_sign_seed, labels.SIGN_IDCERT, body) + last

    good = idcert.encode_idcert(MASTER, ACCOUNT, ORIGIN)
    body = good[:-128]
    yield vector("a first certificate", good, "ok")
    fields = {1: "magic", 5: "account's length", 7: "account", 20: "origin"}
    keys = {len(body) - 40: "box key", len(body) - 70: "signing key"}
    ends = {len(body) + 5: "signature", len(good) - 1: "last signature"}
    for at, what in (fields | keys | ends).items():
        yield vector(f"a flipped bit in the {what}", flipped(good, at))
    yield vector("a version to come", b"MGI\x02" + good[4:], "policy")
    yield vector("a successor: a later version's business", force(body[:-32] + fixed("previous")), "policy")
    yield vector("a byte too many", good + b"\0")
    yield vector("a byte too few", good[:-1])
    yield vector("an account with a capital letter", force(body.replace(b"alice", b"Alice")))
    yield vector("epoch 0", force(body[:-100] + bytes(4) + body[-96:]))


def words_vectors() -> Iterator[Vector]:
    """Words; the first three are BIP-39's own vectors."""
    base = {"expect": "ok", "of": "fingerprint"}
    for byte in (0x00, 0x7F, 0xFF):
        yield base | {"comment": f"BIP-39: sixteen times {byte:02x}", "raw": (bytes([byte]) * 16).hex()}
    yield base | {"comment": "15 bytes", "raw": bytes(15).hex(), "expect": "value"}
    yield base | {"comment": "a state", "raw": fixed("digest").hex(), "of": "state"}


def recovery_kit_vectors() -> Iterator[Vector]:
    """Write the recovery secret as people type it."""
    text = recovery_kit.encode_recovery_secret(fixed("rk"))
    base = {"expect": "ok"}
    yield base | {"comment": "as printed", "text": text}
    yield base | {"comment": "lower case and spaces", "text": " " + text.lower().replace("-", "  ") + "\n"}
    yield base | {"comment": "zeros", "text": recovery_kit.encode_recovery_secret(bytes(32))}
    bad = {"expect": "usage"}
    swapped = text[:11] + text[10] + text[12:] if text[10] != text[11] else text
    wrong = "B" if text[0] != "B" else "C"
    yield bad | {"comment": "one wrong letter", "text": wrong + text[1:]}
    yield bad | {"comment": "one letter written twice", "text": swapped}
    yield bad | {"comment": "a character that does not occur", "text": "1" + text[1:]}
    yield bad | {"comment": "a group too few", "text": text[:-5]}
    yield bad | {"comment": "nothing", "text": ""}
