"""Targets: what the client opens, with the right key in the attacker's hand, so that every byte reaches its parser."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from mega_cli.crypto import labels, records
from mega_cli.crypto.blobs import open_blob
from mega_cli.crypto.kdf import variable
from mega_cli.crypto.root import seal_root_body
from mega_cli.crypto.signing import sign
from mega_cli.errors import IntegrityError, PolicyError, UsageError
from mega_cli.formats import idcert, lists, page, recovery_kit, root_record, slot
from mega_cli.formats.object import MOST_BYTES, decode_payload, encode_payload, open_object
from mega_cli.model import DATA, LIST, PAGE, SLOT_BYTES, KdfPolicy, Ref, Secret, blob_id
from mega_server.protocol.record_header import parse_record_header
from tests.fuzz.feed import Feed, parts
from tests.fuzz.target import Target
from tests.kit import forge, vectors

REFUSED = (IntegrityError, PolicyError)
_KINDS = (DATA, LIST, PAGE)
_POLICY = KdfPolicy(3, 64 << 20)
_PREV = forge.fixed("prev")
_WRAP = bytes(32)


def _hexes(layout: str, field: str) -> list[bytes]:
    """Give one field of every vector of a layout, refused ones included."""
    return [bytes.fromhex(vector[field]) for vector in vectors.load(layout) if field in vector]


# --- objects ----------------------------------------------------------------------------------------------------------


def _payload(raw: bytes) -> None:
    """Read bytes as a payload of the kind they name, and, sealed under a key of their own, as an object."""
    kind = raw[1] if raw[1:2] and raw[1] in _KINDS else DATA
    with suppress(*REFUSED):
        plain = decode_payload(raw, kind)
        assert 0 < len(plain) <= MOST_BYTES[kind]
        assert decode_payload(encode_payload(kind, plain, compress=True), kind) == plain
    blob, ref = forge.sealed(raw, kind, 1)
    with suppress(*REFUSED):
        open_object(blob, ref)


def _stored(raw: bytes) -> None:
    """Read a payload that is right but for what is stored in it: the way to zstd."""
    feed = Feed(raw)
    codec, kind, plain_len = feed.number(), feed.pick(_KINDS), feed.number(4)
    with suppress(*REFUSED):
        plain = decode_payload(forge.payload_of(codec, kind, feed.rest(), plain_len), kind)
        assert len(plain) == plain_len


def _payload_seeds() -> list[bytes]:
    plains = [b"x", b"content " * 80, forge.fixed("noise", 900), b"\0" * 70_000]
    return [encode_payload(DATA, plain, compress=True) for plain in plains]


def _stored_seeds() -> list[bytes]:
    return [raw[:1] + bytes([DATA - 1]) + raw[8:12] + raw[12:].rstrip(b"\0") for raw in _payload_seeds()]


def _blob(raw: bytes) -> None:
    """Open bytes as a blob under their own id: what a reader and a server could make together."""
    id_ = blob_id(hashlib.sha256(raw).digest())
    with suppress(*REFUSED):
        open_blob(raw, id_, forge.fixed("ck"), most_bytes=1 << 20)


def _page(raw: bytes) -> None:
    """Read bytes as a page, and write it again."""
    with suppress(*REFUSED):
        read = page.decode_page(raw)
        assert page.encode_page(read.level, read.items) == raw
        assert all(page.is_name(i.name if isinstance(i, page.Entry) else i.first) for i in read.items)
        for item in read.items:
            if isinstance(item, page.Entry):
                item.ref_list()


def _list(raw: bytes) -> None:
    """Read bytes as a list under a ref that counts what they say, and write it again."""
    total = sum(int.from_bytes(raw[at + 72 : at + 80], "big") for at in range(0, len(raw), 80))
    ref = Ref(blob_id(bytes(32)), bytes(32), LIST, total)
    with suppress(*REFUSED):
        assert lists.encode_list(lists.decode_list(raw, ref)) == raw


# --- records ----------------------------------------------------------------------------------------------------------


def _root_record(raw: bytes) -> None:
    """Read bytes as a root record on both sides, which see the same fields."""
    with suppress(*REFUSED):
        ours = root_record.record_header(raw)
        theirs = parse_record_header(raw)
        assert (ours.volume, ours.epoch, ours.revision) == (theirs.volume, theirs.epoch, theirs.revision)
        assert (ours.prev, ours.writer_key, ours.digest) == (theirs.prev, theirs.writer_key, theirs.digest)
        root_record.open_root_record(forge.KEYS, raw)


def _root_body(raw: bytes) -> None:
    """Read bytes as a record's body, sealed and signed as they are; what is accepted is written the same way."""
    feed = Feed(raw)
    revision, body = feed.number(8), feed.take(512).ljust(512, b"\0")
    keys, prev = forge.KEYS, bytes(32) if revision == 1 else _PREV
    clear = b"".join((root_record.MAGIC, keys.volume, keys.epoch.to_bytes(4, "big"), revision.to_bytes(8, "big"), prev))
    clear += keys.writer_public + hashlib.sha256(raw).digest()[:24]  # no two inputs share a nonce
    unsigned = clear + seal_root_body(keys.root_enc, clear, body)
    record = unsigned + sign(keys.writer_seed, labels.SIGN_ROOT, unsigned)
    with suppress(*REFUSED):
        _, read = root_record.open_root_record(keys, record)
        assert root_record._encode_body(read) == body


def _root_body_seeds() -> list[bytes]:
    root = forge.ref_for("root", PAGE, 900).pack()
    devices = b"".join(forge.fixed(f"device {n}", 16) + bytes([0] * 7 + [n]) for n in range(15))
    fixed = bytes(8) + forge.fixed("device 1", 16) + bytes(8) + bytes(16) + b"\0\1"
    return [
        (1).to_bytes(8, "big") + (bytes(80) + fixed + b"\0"),
        (2).to_bytes(8, "big") + (root + fixed + b"\0"),
        (7).to_bytes(8, "big") + (root + fixed + b"\x0f" + devices),
    ]


def _slot(raw: bytes) -> None:
    """Read bytes as a slot of either type."""
    with suppress(*REFUSED):
        slot.open_password_slot(_WRAP, forge.ACCOUNT, forge.ORIGIN, bytes(32), _POLICY, raw)
    with suppress(*REFUSED):
        slot.open_recovery_slot(_WRAP, forge.ACCOUNT, forge.ORIGIN, raw)


def _slot_plain(raw: bytes) -> None:
    """Read bytes as what a slot seals; an accepted slot holds a usable epoch."""
    plain = raw[:48].ljust(48, b"\0")
    context = variable(forge.ACCOUNT.encode(), forge.ORIGIN.encode()) + bytes(44)
    record = records.seal_record(records.RECOVERY_SLOT, _WRAP, context, plain)
    with suppress(*REFUSED):
        read = slot.open_recovery_slot(_WRAP, forge.ACCOUNT, forge.ORIGIN, record)
        again = b"".join(
            (read.mk.reveal(), read.epoch.to_bytes(4, "big"), read.created_ms.to_bytes(8, "big"), bytes(4))
        )
        assert again == plain
        assert read.epoch > 0


def _slot_seeds() -> list[bytes]:
    sealed = slot.seal_recovery_slot(_WRAP, forge.ACCOUNT, forge.ORIGIN, Secret(bytes(32)), 1, 5)
    return [sealed, *(raw for raw in _hexes("slot", "slot") if len(raw) == SLOT_BYTES)]


def _idcert(raw: bytes) -> None:
    """Read bytes as a certificate."""
    with suppress(*REFUSED):
        idcert.fingerprint(raw)
        read = idcert.verify_idcert(raw)
        fields = read.epoch.to_bytes(4, "big") + read.sign_public + read.box_public + bytes(32)
        assert raw[:-128] == idcert.MAGIC + variable(read.account.encode(), read.origin.encode()) + fields


def _idcert_body(raw: bytes) -> None:
    """Read a certificate of any account, origin and epoch, signed by the key it names."""
    feed = Feed(raw)
    names = variable(feed.part(), feed.part())
    keys = feed.take(4).ljust(4, b"\0") + forge.MASTER.identity_sign_public + feed.take(32).ljust(32, b"\0")
    body = idcert.MAGIC + names + keys + feed.take(32).ljust(32, b"\0")
    _idcert(body + sign(forge.MASTER.identity_sign_seed, labels.SIGN_IDCERT, body) + feed.take(64).ljust(64, b"\0"))


def _recovery(raw: bytes) -> None:
    """Read a text as a recovery secret."""
    with suppress(UsageError):
        secret = recovery_kit.decode_recovery_secret(raw.decode("utf-8", "surrogateescape"))
        assert recovery_kit.decode_recovery_secret(recovery_kit.encode_recovery_secret(secret)) == secret


def _kit(raw: bytes) -> None:
    """Read a text as a kit's page and as an account key; a page that is taken is written and read alike."""
    text = raw.decode("utf-8", "surrogateescape")
    with suppress(UsageError):
        recovery_kit.decode_account_key(text)
    with suppress(UsageError):
        kit = recovery_kit.read_kit(text)
        if kit.fingerprint_words:
            words = list(kit.fingerprint_words)
            again = recovery_kit.kit_text(kit.account, kit.origin, kit.recovery_secret, words, kit.account_key)
            assert not (kit.account and kit.origin) or recovery_kit.read_kit(again) == kit


def _kit_seeds() -> list[bytes]:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    pages = [
        recovery_kit.kit_text(forge.ACCOUNT, forge.ORIGIN, bytes(32), words, key)
        for key in (None, Secret(forge.fixed("account key")))
    ]
    return [page.encode() for page in (*pages, recovery_kit.encode_account_key(Secret(bytes(32))))]


TARGETS = (
    Target("payload", _payload, _payload_seeds, 32 << 20),
    Target("stored", _stored, _stored_seeds, 32 << 20),
    Target("blob", _blob, lambda: _hexes("blob", "blob")),
    Target("page", _page, lambda: _hexes("page", "raw")),
    Target("list", _list, lambda: _hexes("list", "raw")),
    Target("root-record", _root_record, lambda: _hexes("root-record", "record")),
    Target("root-body", _root_body, _root_body_seeds),
    Target("slot", _slot, _slot_seeds),
    Target("slot-plain", _slot_plain, lambda: [bytes(32) + b"\0\0\0\1" + bytes(12)]),
    Target("idcert", _idcert, lambda: _hexes("idcert", "idcert")),
    Target("idcert-body", _idcert_body, lambda: [parts(b"alice", b"https://mega.example") + b"\0\0\0\1"]),
    Target("recovery-kit", _kit, _kit_seeds),
    Target("recovery-text", _recovery, lambda: [v["text"].encode() for v in vectors.load("recovery-kit")]),
)
