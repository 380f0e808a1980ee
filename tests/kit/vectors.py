"""Runs the known-answer vectors of `tests/vectors/`: one runner a layout, from JSON fields to a JSON result.

A vector holds `comment`, `expect` (`ok`, or the name of the refusal), its inputs (bytes in hexadecimal) and, when it
succeeds, the exact `result`. `random` is the randomness that sealing draws, in order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from mega_cli.crypto import kdf, passwords, records, signing
from mega_cli.crypto.blobs import open_blob
from mega_cli.crypto.keys import MasterKeys, VolumeKeys
from mega_cli.crypto.links import link_keys, with_password
from mega_cli.errors import IntegrityError, PolicyError, UntrustedKeyError, UsageError
from mega_cli.formats import idcert, link, lists, page, recovery_kit, root_record, slot, words
from mega_cli.formats.object import Sealer, open_object, padme
from mega_cli.model import KdfPolicy, Ref, Secret, blob_id, volume_id

FOLDER = Path(__file__).parent.parent / "vectors"
REFUSALS: dict[type[Exception], str] = {
    IntegrityError: "integrity",
    PolicyError: "policy",
    UntrustedKeyError: "untrusted",
    UsageError: "usage",
    ValueError: "value",
}

Vector = dict[str, Any]


def load(layout: str) -> list[Vector]:
    """Read one file of vectors."""
    vectors: list[Vector] = json.loads((FOLDER / f"{layout}.json").read_text(encoding="utf-8"))
    return vectors


def outcome(layout: str, vector: Vector) -> tuple[str, Any]:
    """Run a vector: what came of it, and the result."""
    drawn = iter(bytes.fromhex(part) for part in vector.get("random", []))
    with mock.patch("mega_cli.crypto.randomness.random_bytes", lambda n: _exactly(next(drawn), n)):
        try:
            return "ok", RUNNERS[layout](vector)
        except tuple(REFUSALS) as error:
            return next(name for kind, name in REFUSALS.items() if isinstance(error, kind)), None


def _exactly(drawn: bytes, n: int) -> bytes:
    """Check that the code draws what the vector foresees."""
    assert len(drawn) == n
    return drawn


def plain_of(vector: Vector) -> bytes:
    """Give the plaintext, written out or as a pattern that repeats."""
    if "pattern" in vector:
        pattern = bytes.fromhex(vector["pattern"])
        length: int = vector["size"]
        return (pattern * (length // len(pattern) + 1))[:length]
    if "shake" in vector:
        size: int = vector["size"]
        return hashlib.shake_256(bytes.fromhex(vector["shake"])).digest(size)
    return bytes.fromhex(vector["plain"])


def volume_keys_of(vector: Vector) -> VolumeKeys:
    """Give the volume keys of a vector."""
    return VolumeKeys(Secret(bytes.fromhex(vector["vk"])), volume_id(bytes.fromhex(vector["volume"])), vector["epoch"])


def _kdf(v: Vector) -> Any:
    key, label, salt = bytes.fromhex(v["key"]), v["label"].encode(), bytes.fromhex(v["salt"])
    if "message" in v:
        return kdf.mac(key, label, bytes.fromhex(v["message"]), salt).hex()
    return kdf.kdf(key, label, salt, v["n"]).hex()


def _keys(v: Vector) -> Any:
    master = MasterKeys(Secret(bytes.fromhex(v["mk"])), v["epoch"])
    volume = master.volume_keys()
    names = ("identity_sign_seed", "identity_sign_public", "identity_box_secret", "identity_box_public", "local_key")
    derived = {name: getattr(master, name).hex() for name in (*names, "volume_id")}
    of_volume = ("root_enc", "writer_seed", "writer_public", "dedup", "cdc", "page")
    return derived | {name: getattr(volume, name).hex() for name in of_volume}


def _password(v: Vector) -> Any:
    policy = passwords.check_policy(v["algorithm"], v["passes"], v["memory_bytes"])
    account_key = Secret(bytes.fromhex(v["account_key"])) if v["account_key"] else None
    password = Secret(v["password"].encode())
    salt = bytes.fromhex(v["server_salt"])
    keys = passwords.login_keys_from_password(
        passwords.password_key(password, salt, v["account"], v["origin"], policy, account_key)
    )
    return {"login_seed": keys.login_seed.hex(), "wrap_key": keys.wrap_key.hex()}


def _signature(v: Vector) -> Any:
    public, context = bytes.fromhex(v["public"]), v["context"].encode()
    signing.verify(public, context, bytes.fromhex(v["message"]), bytes.fromhex(v["signature"]))
    return "valid"


def _padme(v: Vector) -> Any:
    return padme(v["n"])


def _seal_object(v: Vector) -> Any:
    sealer = Sealer(volume_keys_of(v), compress=v["compress"])
    seal = sealer.seal_page if v["kind"] == "page" else sealer.seal_data
    sealed = seal(plain_of(v))
    assert open_object(*sealed) == plain_of(v)
    return {"ref": sealed.ref.pack().hex(), "blob_bytes": len(sealed.blob)}


def _object(v: Vector) -> Any:
    plain = open_object(bytes.fromhex(v["blob"]), Ref.unpack(bytes.fromhex(v["ref"])))
    return {"sha256": hashlib.sha256(plain).hexdigest(), "size": len(plain)}


def _blob(v: Vector) -> Any:
    blob, ck = bytes.fromhex(v["blob"]), bytes.fromhex(v["ck"])
    return open_blob(blob, blob_id(bytes.fromhex(v["id"])), ck, most_bytes=1 << 20).hex()


def _list(v: Vector) -> Any:
    raw = bytes.fromhex(v["raw"]) * v.get("repeat", 1)
    refs = lists.decode_list(raw, Ref.unpack(bytes.fromhex(v["ref"])), must_be_full=v.get("must_be_full", False))
    assert lists.encode_list(refs) == raw
    return [ref.id.hex() for ref in refs][:8]


def _page(v: Vector) -> Any:
    raw = bytes.fromhex(v["raw"])
    read = page.decode_page(raw, first=v.get("first"), below=v.get("below"))
    assert page.encode_page(read.level, read.items) == raw
    names = [item.name if isinstance(item, page.Entry) else item.first for item in read.items]
    return {"level": read.level, "names": names}


def _root_record(v: Vector) -> Any:
    header, body = root_record.open_root_record(volume_keys_of(v), bytes.fromhex(v["record"]))
    return {
        "revision": header.revision,
        "prev": header.prev.hex(),
        "digest": header.digest.hex(),
        "root": None if body.root is None else body.root.pack().hex(),
        "time_ms": body.time_ms,
        "device_id": body.device_id.hex(),
        "device_seq": body.device_seq,
        "commit_nonce": body.commit_nonce.hex(),
        "devices": [[device.hex(), seq] for device, seq in body.devices],
    }


def _slot(v: Vector) -> Any:
    key, raw = bytes.fromhex(v["wrap_key"]), bytes.fromhex(v["slot"])
    if v["type"] == records.RECOVERY_SLOT:
        opened = slot.open_recovery_slot(key, v["account"], v["origin"], raw)
    else:
        policy = KdfPolicy(v["passes"], v["memory_bytes"])
        salt = bytes.fromhex(v["server_salt"])
        opened = slot.open_password_slot(key, v["account"], v["origin"], salt, policy, raw)
    return {"mk": opened.mk.reveal().hex(), "epoch": opened.epoch, "created_ms": opened.created_ms}


def _idcert(v: Vector) -> Any:
    raw = bytes.fromhex(v["idcert"])
    read = idcert.verify_idcert(raw)
    return {
        "account": read.account,
        "origin": read.origin,
        "epoch": read.epoch,
        "fingerprint": idcert.fingerprint(raw).hex(),
        "words": " ".join(words.fingerprint_words(idcert.fingerprint(raw))),
    }


def _words(v: Vector) -> Any:
    write = words.state_words if v["of"] == "state" else words.fingerprint_words
    return " ".join(write(bytes.fromhex(v["raw"])))


def _recovery_kit(v: Vector) -> Any:
    rk = recovery_kit.decode_recovery_secret(v["text"])
    return {"rk": rk.hex(), "text": recovery_kit.encode_recovery_secret(rk)}


def _link_keys(v: Vector) -> Any:
    secret, link_id = Secret(bytes.fromhex(v["secret"])), bytes.fromhex(v["link_id"])
    if v["password"]:
        secret = with_password(secret, link_id, Secret(v["password"].encode()))
    keys = link_keys(secret, link_id)
    return {"auth": keys.auth.hex(), "record": keys.record.hex()}


def _link_url(v: Vector) -> Any:
    url = link.parse_link(v["url"])
    assert url.text() == "".join(v["url"].split()).strip("<>")
    return {
        "base": url.base,
        "link_id": url.link_id.hex(),
        "secret": url.secret.reveal().hex(),
        "pin": url.pin.hex(),
        "has_password": url.has_password,
    }


def _link_record(v: Vector) -> Any:
    key, link_id, pin = (bytes.fromhex(v[name]) for name in ("record_key", "link_id", "pin"))
    found = link.open_link_record(key, link_id, pin, bytes.fromhex(v["record"]))
    return {
        "seq": found.seq,
        "expires_ms": found.expires_ms,
        "name": found.entry.name,
        "kind": found.entry.kind,
        "refs": found.entry.refs.hex(),
    }


RUNNERS: dict[str, Callable[[Vector], Any]] = {
    "kdf": _kdf,
    "keys": _keys,
    "password": _password,
    "signature": _signature,
    "padme": _padme,
    "seal-object": _seal_object,
    "object": _object,
    "blob": _blob,
    "list": _list,
    "page": _page,
    "root-record": _root_record,
    "slot": _slot,
    "idcert": _idcert,
    "link-keys": _link_keys,
    "link-url": _link_url,
    "link-record": _link_record,
    "words": _words,
    "recovery-kit": _recovery_kit,
}
