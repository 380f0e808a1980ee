"""Tests of the ciphers: what nacl itself would give, from several threads, and the attack that commitments stop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import nacl.bindings
import pytest

from mega_cli.crypto import ciphers, labels
from mega_cli.crypto.blobs import object_key, open_blob, seal_blob
from mega_cli.crypto.kdf import kdf
from mega_cli.errors import IntegrityError
from tests.kit.forge import fixed
from tests.kit.two_key_box import two_key_aead, two_key_box


@pytest.mark.parametrize("size", [0, 1, 511, 65_536, 100_000])
def test_a_box_is_what_nacl_gives(size: int) -> None:
    """Sealing into a reused buffer changes no byte."""
    key, message = fixed(f"box {size}"), fixed("message", size)

    sealed = ciphers.box_seal(b"prefix", message, key)

    assert sealed == b"prefix" + nacl.bindings.crypto_secretbox_easy(message, bytes(24), key)
    assert ciphers.box_open(sealed, 6, key) == message


@pytest.mark.parametrize("message", [bytearray(b"x"), memoryview(b"x")])
def test_a_buffer_that_may_change_is_not_sealed(message: Any) -> None:
    """A payload that a reader could refill between hashing and sealing is refused."""
    with pytest.raises(TypeError):
        ciphers.box_seal(b"", message, fixed("mutable"))


def test_threads_do_not_share_buffers() -> None:
    """Many blobs sealed and opened at once all come back."""
    payloads = [fixed(f"payload {n}", 20_000 + n) for n in range(200)]

    def seal_and_open(payload: bytes) -> bytes:
        ck = object_key(payload, fixed("secret"))
        return open_blob(*seal_blob(payload, ck), ck, most_bytes=1 << 20)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(seal_and_open, payloads)) == payloads


@pytest.mark.attack("T35")
def test_one_box_opens_under_two_keys() -> None:
    """The attack is real: secretbox alone does not commit to its key."""
    first, second = fixed("first box key"), fixed("second box key")
    message = b"pay 10 EUR to the bearer " * 8

    box = two_key_box(first, second, message, 64)

    opened = ciphers.box_open(box, 0, first)
    assert opened[:64] + opened[96:] == message[:64] + message[96:]
    assert len(ciphers.box_open(box, 0, second)) == len(message)
    with pytest.raises(IntegrityError):
        ciphers.box_open(box, 0, fixed("third box key"))


@pytest.mark.attack("T08")
def test_one_aead_ciphertext_opens_under_two_keys() -> None:
    """The AEAD of records has the same weakness, and associated data does not mend it."""
    keys = [kdf(fixed(name), labels.RECORD_ENC) for name in ("one", "two")]
    nonce, aad = fixed("nonce", 24), b"bound to this"

    sealed = two_key_aead(keys[0], keys[1], nonce, aad, 48)

    assert [len(ciphers.aead_open(sealed, aad, nonce, key)) for key in keys] == [48, 48]
