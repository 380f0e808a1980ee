"""Vectors of links: keys with and without a password, URLs as mail and terminals spoil them, records and forgeries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

from mega_cli.crypto import labels, records
from mega_cli.crypto.links import link_pin
from mega_cli.crypto.signing import public_key, sign
from mega_cli.formats import link
from mega_cli.formats.page import FOLDER
from mega_cli.model import PAGE, Secret
from tests.kit.forge import entry, fixed, flipped, ref_for
from tests.kit.vectors import Vector

ID, SECRET, SEED, KEY = fixed("link id", 16), fixed("link secret"), fixed("link seed"), fixed("link record key")
PIN = link_pin(public_key(SEED))


def link_keys_vectors() -> Iterator[Vector]:
    """Keys with and without a password, and how a password is spelled."""
    base = {"expect": "ok", "secret": SECRET.hex(), "link_id": ID.hex(), "password": ""}
    yield base | {"comment": "no password"}
    yield base | {"comment": "another link id", "link_id": fixed("other", 16).hex()}
    yield base | {"comment": "a password", "password": "sesame"}
    yield base | {"comment": "a password of composed letters", "password": "s\u00e9same"}
    yield base | {"comment": "the same letters, composed otherwise", "password": "se\u0301same"}


def link_url_vectors() -> Iterator[Vector]:
    """URLs, whole and spoilt."""
    url = link.LinkUrl("https://mega.example", ID, Secret(SECRET), PIN, has_password=False)
    good = url.text()
    path, _, fragment = good.partition("#")
    version_2 = link.id_letters(b"\x02\x00" + SECRET + PIN)
    flag_2 = link.id_letters(b"\x01\x02" + SECRET + PIN)
    with_password = link.LinkUrl("https://mega.example", ID, Secret(SECRET), PIN, has_password=True).text()

    def vector(comment: str, text: str, expect: str = "usage") -> Vector:
        return {"comment": comment, "expect": expect, "url": text}

    yield vector("a link", good, "ok")
    yield vector("a link with a password", with_password, "ok")
    yield vector("a port, plain http", good.replace("https://mega.example", "http://127.0.0.1:8420"), "ok")
    yield vector("wrapped by mail", f"<{good[:60]}\r\n {good[60:]}>", "ok")
    yield vector("without its fragment", path)
    yield vector("with an empty fragment", path + "#")
    yield vector("a letter short", good[:-1])
    yield vector("a letter long", good + "A")
    yield vector("an id cut", path[:-1] + "#" + fragment)
    yield vector("padding", good + "=")
    yield vector("letters of plain base64", path + "#" + "+" + fragment[1:])
    yield vector("bits that no byte needs", good[:-1] + chr(ord(good[-1]) + 1))
    yield vector("a version to come", f"{path}#{version_2}", "policy")
    yield vector("a flag that means nothing yet", f"{path}#{flag_2}")
    yield vector("a query", path + "?x#" + fragment)
    yield vector("another scheme", good.replace("https", "javascript"))
    yield vector("nothing", "")


def link_record_vectors() -> Iterator[Vector]:
    """Seal records, and everything that a server or a reader of the link could make of one."""

    def vector(comment: str, raw: bytes, expect: str = "integrity", **more: Any) -> Vector:
        fields = {"record_key": KEY.hex(), "link_id": ID.hex(), "pin": PIN.hex()}
        return {"comment": comment, "expect": expect, "record": raw.hex()} | fields | more

    def resealed(plain: bytes) -> bytes:
        return records.seal_record(records.LINK_RECORD, KEY, ID, plain)

    def resigned(signed: bytes, seed: bytes = SEED) -> bytes:
        return resealed(signed + sign(seed, labels.SIGN_LINK, ID + signed))

    folder = entry("photos", kind=FOLDER, digest=b"", refs=ref_for("page", PAGE, 512).pack())
    with mock.patch("mega_cli.crypto.randomness.random_bytes", lambda n: fixed("link nonce", n)):
        good = link.seal_link_record(KEY, ID, SEED, link.LinkRecord(7, 1_800_000_000_000, entry("a.txt")))
        live = link.seal_link_record(KEY, ID, SEED, link.LinkRecord(2**63, 0, folder))
        signed = records.open_record(records.LINK_RECORD, KEY, ID, good, link.LINK_RECORD_BYTES)[:-64]
        of_another_key = resigned(public_key(fixed("other seed")) + signed[32:], fixed("other seed"))
        by_another_key = resigned(signed, fixed("other seed"))
        unsigned = resealed(signed + bytes(64))
        dirty = resigned(signed[:-1] + b"\x01")
        too_long = resigned(signed[:48] + (911).to_bytes(2, "big") + signed[50:])
        no_entry = resigned(signed[:48] + bytes(len(signed) - 48))
        as_slot = records.seal_record(records.PASSWORD_SLOT, KEY, ID, signed + bytes(64))
    yield vector("a file", good, "ok")
    yield vector("a folder that never expires", live, "ok")
    yield vector("another link's record", good, link_id=fixed("other", 16).hex())
    yield vector("a wrong key", good, record_key=fixed("wrong").hex())
    yield vector("signed and shown by another key", of_another_key, "untrusted")
    yield vector("another pin", good, "untrusted", pin=fixed("other", 16).hex())
    yield vector("signed by another key than the one shown", by_another_key)
    yield vector("not signed", unsigned)
    yield vector("something behind the entry", dirty)
    yield vector("an entry that is too long", too_long)
    yield vector("no entry", no_entry)
    yield vector("a slot", as_slot)
    yield vector("a version to come", b"MGS\x02" + good[4:], "policy")
    yield vector("a byte short", good[:-1])
    yield vector("a byte long", good + b"\0")
    for at, what in (
        (4, "type"),
        (6, "reserved bytes"),
        (10, "nonce"),
        (40, "commitment"),
        (70, "body"),
        (1103, "tag"),
    ):
        yield vector(f"a flipped bit in the {what}", flipped(good, at))
