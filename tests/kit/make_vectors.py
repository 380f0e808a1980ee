"""Writes `tests/vectors/*.json` anew: `python -m tests.kit.make_vectors`. For a new layout, never to mend a test.

Inputs come from SHAKE-256 of a name, so a second run writes the same bytes. Each refusal is stated by hand here, and
the run fails when the code does not refuse in that way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from mega_cli.crypto import labels, signing
from mega_cli.model import MIB
from tests.kit.forge import fixed
from tests.kit.make_account_vectors import (
    idcert_vectors,
    password_vectors,
    recovery_kit_vectors,
    root_record_vectors,
    slot_vectors,
    words_vectors,
)
from tests.kit.make_link_vectors import link_keys_vectors, link_record_vectors, link_url_vectors
from tests.kit.make_object_vectors import blob_vectors, list_vectors, object_vectors, page_vectors, seal_object_vectors
from tests.kit.vectors import FOLDER, Vector, outcome


def kdf_vectors() -> Iterator[Vector]:
    """Make derivations, and a label of the full 16 bytes."""
    base = {"expect": "ok", "key": fixed("k").hex(), "salt": ""}
    yield base | {"comment": "kdf without a salt", "label": "mega1/blob/enc", "n": 32}
    yield base | {"comment": "kdf with a salt, a label of 16 bytes", "label": "mega1/vk/rootenc", "salt": "01", "n": 32}
    yield base | {"comment": "kdf of 16 bytes", "label": "mega1/mk/homeid", "salt": "00000001", "n": 16}
    yield base | {"comment": "mac", "label": "mega1/rec/commit", "message": b"message".hex()}
    yield base | {"expect": "value", "comment": "a label of 17 bytes", "label": "mega1/vk/rootencX", "n": 32}


def keys_vectors() -> Iterator[Vector]:
    """Everything beneath MK."""
    yield {"comment": "epoch 1", "expect": "ok", "mk": fixed("mk").hex(), "epoch": 1}
    yield {"comment": "another epoch changes every key", "expect": "ok", "mk": fixed("mk").hex(), "epoch": 2}


def signature_vectors() -> Iterator[Vector]:
    """Make a signature, its malleations, another context."""
    seed, message = fixed("seed"), b"message"
    signature = signing.sign(seed, labels.SIGN_ROOT, message)
    base = {
        "expect": "ok",
        "public": signing.public_key(seed).hex(),
        "context": "mega1/sig/root",
        "message": message.hex(),
        "signature": signature.hex(),
    }
    bad = base | {"expect": "integrity"}
    order = 2**252 + 27742317777372353535851937790883648493
    larger = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    yield base | {"comment": "valid"}
    yield bad | {"comment": "another context", "context": "mega1/sig/login"}
    yield bad | {"comment": "another message", "message": b"massage".hex()}
    yield bad | {"comment": "S plus the group's order", "signature": (signature[:32] + larger).hex()}
    yield bad | {"comment": "63 bytes", "signature": signature[:63].hex()}
    yield bad | {"comment": "public key of zeros", "public": bytes(32).hex()}


def padme_vectors() -> Iterator[Vector]:
    """Lengths around the steps."""
    for n in (0, 1, 2, 9, 511, 512, 513, 1000, 65_548, 1_000_000, 4 * MIB + 12):
        yield {"comment": f"padme of {n}", "expect": "ok", "n": n}


MAKERS: dict[str, Callable[[], Iterator[Vector]]] = {
    "kdf": kdf_vectors,
    "keys": keys_vectors,
    "password": password_vectors,
    "signature": signature_vectors,
    "padme": padme_vectors,
    "seal-object": seal_object_vectors,
    "object": object_vectors,
    "blob": blob_vectors,
    "list": list_vectors,
    "page": page_vectors,
    "root-record": root_record_vectors,
    "slot": slot_vectors,
    "idcert": idcert_vectors,
    "link-keys": link_keys_vectors,
    "link-url": link_url_vectors,
    "link-record": link_record_vectors,
    "words": words_vectors,
    "recovery-kit": recovery_kit_vectors,
}


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for layout, make in MAKERS.items():
        vectors = []
        for vector in make():
            got, result = outcome(layout, vector)
            if got != vector["expect"]:
                message = f"{layout}: {vector['comment']}: {got}, not {vector['expect']}"
                raise AssertionError(message)
            vectors.append(vector | ({"result": result} if got == "ok" else {}))
        text = json.dumps(vectors, indent=1, ensure_ascii=True)
        (FOLDER / f"{layout}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
